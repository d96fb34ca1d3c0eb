// What a file need not say.
#include <algorithm>

#include "topologies/model/checks.h"
#include "topologies/yaml/sections.h"

namespace gatelab::topologies {
namespace {

constexpr auto kDefaultRoot = "P2SRootCert";  // the name that Azure's documentation uses (P2S-CERT-09)

// The name of the only node of a kind, or "".
template <class Kind>
std::string only(const Topology& topology) {
    std::vector<std::string> names;
    for_each<Kind>(topology, [&](Vertex, const Node& node, const Kind&) { names.push_back(node.name); });
    return names.size() == 1 ? names.front() : std::string{};
}

void issue_when_missing(Topology& topology, const std::string& name, const std::string& issuer, const Mark& mark) {
    if (find_certificate(topology, name)) return;
    CertificateSpec made;
    made.name = name;
    made.issuer = issuer;
    if (!issuer.empty()) made.dns_names = {name};
    made.mark = mark;
    topology.certificates.push_back(std::move(made));
}

// Whether a root can issue: it is made for the run, or its file comes with a key.
bool can_issue(const Topology& topology, const std::string& root) {
    const auto* found = find_certificate(topology, root);
    return found && (found->certificate_file.empty() || !found->key_file.empty());
}

std::string issuer_for(Topology& topology, const Gateway& gateway, const Mark& mark) {
    for (const auto& root : gateway.root_certificates)
        if (can_issue(topology, root)) return root;
    issue_when_missing(topology, kDefaultRoot, {}, mark);
    return kDefaultRoot;
}

bool speaks_openvpn_only(Implementation implementation) {
    return implementation == Implementation::OpenVpn || implementation == Implementation::SoftEther;
}

bool was_said(const Node& node, std::string_view field) {
    return std::any_of(node.field_marks.begin(), node.field_marks.end(),
                       [&](const auto& said) { return said.first == field; });
}

// What a client dials with, when its file does not say so: what its program can, what its personality knows and the
// gateway offers, else what the gateway offers first.
void complete_tunnel(const Topology& topology, const Node& node, Client& client) {
    const auto* gateway = find_as<Gateway>(topology, client.gateway);
    if (!was_said(node, "tunnels")) {
        if (speaks_openvpn_only(client.implementation)) {
            client.tunnels = {Tunnel::OpenVpn};
        } else if (client.implementation == Implementation::SstpClient) {
            client.tunnels = {Tunnel::Sstp};
        } else if (client.personality != Personality::Gatelab && gateway) {
            client.tunnels = tunnels_of(client.personality);
            std::erase_if(client.tunnels, [&](Tunnel tunnel) { return !gateway->offers(tunnel); });
            if (client.tunnels.empty()) client.tunnels = tunnels_of(client.personality);  // and finds nobody there
        } else if (client.implementation == Implementation::Gatelab && gateway && !gateway->tunnels.empty() &&
                   client.authentication != Authentication::PreSharedKey) {
            client.tunnels = {gateway->tunnels.front()};
        }
    }
    if (!was_said(node, "openvpn.transport") && gateway && !gateway->openvpn.tcp_port)
        client.openvpn.transport = Transport::Udp;
}

// SSTP asks for a name and a password, whatever else a client has.
void complete_authentication(const Node& node, Client& client) {
    const bool sstp_alone = client.tunnels == std::vector{Tunnel::Sstp};
    if (sstp_alone && !was_said(node, "authentication")) client.authentication = Authentication::Password;
}

void complete_gateway(Topology& topology, Vertex vertex) {
    auto& node = topology.graph[vertex];
    auto& gateway = std::get<Gateway>(node.kind);
    if (speaks_openvpn_only(gateway.implementation) && !was_said(node, "tunnel_types"))
        gateway.tunnels = {Tunnel::OpenVpn};
    if (gateway.virtual_network.empty()) gateway.virtual_network = only<VirtualNetwork>(topology);
    if (gateway.server_name.empty()) gateway.server_name = node.name + ".vpn.example";
    if (gateway.inside_address.is_unspecified())
        if (const auto* network = find_as<VirtualNetwork>(topology, gateway.virtual_network))
            if (network->gateway_subnet)  // Azure keeps the first four addresses of a subnet to itself
                gateway.inside_address = Ipv4Address{network->gateway_subnet->first().number() + 4};
    if (gateway.root_certificates.empty()) {
        gateway.root_certificates = {kDefaultRoot};
        issue_when_missing(topology, kDefaultRoot, {}, node.mark);
    }
    if (gateway.certificate.empty()) {
        gateway.certificate = gateway.server_name;
        if (!find_certificate(topology, gateway.certificate))
            issue_when_missing(topology, gateway.certificate, issuer_for(topology, gateway, node.mark), node.mark);
    }
}

void complete_client(Topology& topology, Vertex vertex) {
    auto& node = topology.graph[vertex];
    auto& client = std::get<Client>(node.kind);
    if (client.gateway.empty()) client.gateway = only<Gateway>(topology);
    complete_tunnel(topology, node, client);
    complete_authentication(node, client);
    if (client.authentication != Authentication::Certificate || !client.certificate.empty()) return;
    client.certificate = node.name;
    if (find_certificate(topology, client.certificate)) return;
    if (const auto* gateway = find_as<Gateway>(topology, client.gateway))
        issue_when_missing(topology, client.certificate, issuer_for(topology, *gateway, node.mark), node.mark);
}

void link_to_network(Topology& topology, Vertex vertex, const std::string& network_name) {
    if (!find_as<VirtualNetwork>(topology, network_name)) return;
    const auto network = *find(topology, network_name);
    if (boost::edge(vertex, network, topology.graph).second) return;
    const auto& node = topology.graph[vertex];
    Link link;
    link.name = node.name + "-" + network_name;
    link.bits_per_second = 10'000'000'000;
    link.delay = std::chrono::microseconds(250);
    link.mark = node.mark;
    add_link(topology, vertex, network, std::move(link));
}

}  // namespace

void complete(Draft& draft) {
    auto& topology = draft.topology;
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph))) {
        auto& kind = topology.graph[vertex].kind;
        if (std::holds_alternative<Gateway>(kind)) complete_gateway(topology, vertex);
        if (auto* machine = std::get_if<VirtualMachine>(&kind); machine && machine->virtual_network.empty())
            machine->virtual_network = only<VirtualNetwork>(topology);
    }
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph))) {
        const auto& kind = topology.graph[vertex].kind;
        if (std::holds_alternative<Client>(kind)) complete_client(topology, vertex);
        if (const auto* gateway = std::get_if<Gateway>(&kind))
            link_to_network(topology, vertex, gateway->virtual_network);
        if (const auto* machine = std::get_if<VirtualMachine>(&kind))
            link_to_network(topology, vertex, machine->virtual_network);
    }
}

}  // namespace gatelab::topologies
