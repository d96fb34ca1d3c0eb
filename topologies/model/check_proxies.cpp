// HTTP proxies: sound in themselves, found by those who name them, and of use to them.
#include "topologies/model/checks.h"
#include "topologies/model/paths.h"

namespace gatelab::topologies {
namespace {

void check_proxy(const Topology& topology, Findings& findings, Vertex vertex, const Node& node,
                 const HttpProxy& proxy) {
    check_users(findings, node, proxy.users);
    for (const auto& user : proxy.users)
        if (user.name.find(':') != user.name.npos)
            findings.error(mark_of(node, "users." + user.name),
                           "user \"{}\" of http-proxy \"{}\" has a colon in its name; Basic authentication knows none "
                           "(RFC 7617 section 2)",
                           user.name, node.name);
    if (proxy.port == 0) findings.error(mark_of(node, "port"), "port of \"{}\" is 0", node.name);
    if (proxy.allowed_ports.empty())
        findings.error(mark_of(node, "allowed_ports"), "http-proxy \"{}\" allows no port; expected one or more",
                       node.name);
    if (const auto count = neighbours(topology, vertex).size(); count != 1)
        findings.error(node.mark, "http-proxy \"{}\" has {} links; expected 1", node.name, count);
}

// The TCP ports at which a client dials its gateway.
std::vector<std::uint16_t> tcp_ports(const Client& client, const Gateway& gateway) {
    std::vector<std::uint16_t> ports;
    if (client.dials(Tunnel::Sstp)) ports.push_back(gateway.sstp.port);
    if (client.dials(Tunnel::OpenVpn) && client.openvpn.transport == Transport::Tcp && gateway.openvpn.tcp_port)
        ports.push_back(*gateway.openvpn.tcp_port);
    return ports;
}

void check_use(Findings& findings, const Node& node, const Client& client, const HttpProxy& proxy,
               const Gateway& gateway) {
    const auto& mark = mark_of(node, "http_proxy");
    const auto ports = tcp_ports(client, gateway);
    if (client.dials(Tunnel::OpenVpn) && client.openvpn.transport == Transport::Udp)
        findings.error(mark,
                       "client \"{}\" dials openvpn over udp, which no http_proxy carries; expected transport: tcp",
                       node.name);
    else if (ports.empty())
        findings.warning(mark, "client \"{}\" dials nothing over TCP; its http_proxy is of no use", node.name);
    for (const auto port : ports)
        if (!holds(proxy.allowed_ports, port))
            findings.warning(mark, "http-proxy \"{}\" does not connect to port {}, which client \"{}\" dials",
                             client.http_proxy, port, node.name);
    if (client.personality == Personality::AzureVpnClient)
        findings.warning(mark,
                         "client \"{}\" is an Azure VPN Client, whose profile has no place for a proxy (P2S-PKG-40)",
                         node.name);
    else if (client.personality == Personality::Windows && !proxy.users.empty())
        findings.warning(mark, "http-proxy \"{}\" wants a name and a password, which a windows client does not give it",
                         client.http_proxy);
    else if (!proxy.users.empty() && !knows(proxy.users, client.http_proxy_username, client.http_proxy_password))
        findings.warning(mark_of(node, "http_proxy_username"),
                         "http-proxy \"{}\" does not know the http_proxy_username and http_proxy_password of client "
                         "\"{}\"",
                         client.http_proxy, node.name);
}

void check_client(const Topology& topology, Findings& findings, Vertex vertex, const Node& node, const Client& client) {
    if (client.http_proxy.empty()) {
        if (!client.http_proxy_username.empty())
            findings.warning(mark_of(node, "http_proxy_username"),
                             "client \"{}\" has an http_proxy_username and no http_proxy", node.name);
        return;
    }
    const auto* proxy = find_as<HttpProxy>(topology, client.http_proxy);
    if (!proxy) return;  // see check_names()
    const auto at = *find(topology, client.http_proxy);
    if (shortest_path(topology, vertex, at, Through::Underlay).empty())
        findings.error(mark_of(node, "http_proxy"),
                       "no path of links leads from client \"{}\" to its http-proxy \"{}\"", node.name,
                       client.http_proxy);
    const auto* gateway = find_as<Gateway>(topology, client.gateway);
    if (!gateway) return;
    if (shortest_path(topology, at, *find(topology, client.gateway), Through::Underlay).empty())
        findings.error(mark_of(node, "http_proxy"),
                       "no path of links leads from http-proxy \"{}\" to \"{}\", the gateway of client \"{}\"",
                       client.http_proxy, client.gateway, node.name);
    check_use(findings, node, client, *proxy, *gateway);
}

}  // namespace

void check_proxies(const Topology& topology, Findings& findings) {
    for_each<HttpProxy>(topology, [&](Vertex vertex, const Node& node, const HttpProxy& proxy) {
        check_proxy(topology, findings, vertex, node, proxy);
    });
    for_each<Client>(topology, [&](Vertex vertex, const Node& node, const Client& client) {
        check_client(topology, findings, vertex, node, client);
    });
}

}  // namespace gatelab::topologies
