// Tunnels: what a client dials is offered by its gateway, and both can be played by whoever plays them.
#include <algorithm>
#include <array>
#include <set>

#include "topologies/model/checks.h"

namespace gatelab::topologies {
namespace {

constexpr std::size_t kMostRoutes = 1000;  // P2S-CR-11
constexpr std::array<std::string_view, 3> kCiphers{"AES-256-GCM", "AES-128-GCM", "AES-256-CBC"};
constexpr std::array<std::string_view, 2> kDigests{"SHA256", "SHA1"};
constexpr std::array<std::string_view, 2> kPolicies{"p2s-2023", "p2s-2026"};
constexpr std::array<std::string_view, 2> kVersions{"1.2", "1.3"};

template <class Container, class T>
bool holds(const Container& all, const T& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

// Whether a program can have such a tunnel.
bool can(Implementation implementation, Tunnel tunnel) {
    switch (implementation) {
        case Implementation::StrongSwan:
        case Implementation::Libreswan: return tunnel == Tunnel::IkeV2;
        case Implementation::OpenVpn:
        case Implementation::SoftEther: return tunnel == Tunnel::OpenVpn;
        case Implementation::SstpClient: return tunnel == Tunnel::Sstp;
        case Implementation::Gatelab:
        case Implementation::Absent: break;
    }
    return true;
}

template <std::size_t count>
void expect_word(Findings& findings, const Node& node, std::string_view field, std::string_view word,
                 const std::array<std::string_view, count>& words) {
    if (!holds(words, word))
        findings.error(mark_of(node, "openvpn." + std::string(field)), "{} of \"{}\" is \"{}\"; expected one of {}",
                       field, node.name, word, fmt::join(words, ", "));
}

void check_durations(Findings& findings, const Node& node, const OpenVpn& openvpn) {
    if (openvpn.handshake_window <= Duration::zero())
        findings.error(mark_of(node, "openvpn.handshake_window"), "handshake_window of \"{}\" must be above 0",
                       node.name);
    for (const auto& [field, value] : {std::pair{"renegotiate", openvpn.renegotiate},
                                       {"transition_window", openvpn.transition_window},
                                       {"ping", openvpn.ping},
                                       {"ping_restart", openvpn.ping_restart}})
        if (value < Duration::zero())
            findings.error(mark_of(node, std::string("openvpn.") + field), "{} of \"{}\" is negative", field,
                           node.name);
    if (openvpn.ping_restart > Duration::zero() && openvpn.ping_restart <= openvpn.ping)
        findings.warning(mark_of(node, "openvpn.ping_restart"),
                         "ping_restart ({} s) of \"{}\" is not above ping ({} s); an idle tunnel will be given up",
                         format_seconds(openvpn.ping_restart), node.name, format_seconds(openvpn.ping));
}

// What clients and gateways have in common.
void check_openvpn(Findings& findings, const Node& node, const OpenVpn& openvpn) {
    for (const auto& cipher : openvpn.data_ciphers) expect_word(findings, node, "data_ciphers", cipher, kCiphers);
    if (!openvpn.fallback_cipher.empty())
        expect_word(findings, node, "fallback_cipher", openvpn.fallback_cipher, kCiphers);
    expect_word(findings, node, "auth", openvpn.auth, kDigests);
    check_durations(findings, node, openvpn);
}

void check_users(Findings& findings, const Node& node, const Gateway& gateway) {
    std::set<std::string, std::less<>> names;
    for (const auto& user : gateway.users) {
        const auto& mark = mark_of(node, "users." + user.name);
        if (user.name.empty() || user.password.empty())
            findings.error(mark, "user \"{}\" of gateway \"{}\" needs a name and a password", user.name, node.name);
        if (!names.insert(user.name).second)
            findings.error(mark, "two users of gateway \"{}\" are named \"{}\"", node.name, user.name);
    }
    if (gateway.offers(Tunnel::OpenVpn) && !gateway.openvpn.certificate_required && gateway.users.empty())
        findings.error(mark_of(node, "openvpn.certificate_required"),
                       "gateway \"{}\" neither requires certificates nor has users; nobody could prove who he is",
                       node.name);
}

void check_routes(const Topology& topology, Findings& findings, const Node& node, const Gateway& gateway) {
    const auto* network = find_as<VirtualNetwork>(topology, gateway.virtual_network);
    const auto routes = gateway.custom_routes.size() + (network ? network->address_space.size() : 0) + 1;
    if (routes > kMostRoutes)
        findings.error(mark_of(node, "custom_routes"),
                       "gateway \"{}\" would push {} routes; an OpenVPN client takes at most {} (P2S-CR-11)", node.name,
                       routes, kMostRoutes);
}

void check_offer(const Topology& topology, Findings& findings, const Node& node, const Gateway& gateway) {
    const auto& openvpn = gateway.openvpn;
    check_openvpn(findings, node, openvpn);
    check_routes(topology, findings, node, gateway);
    expect_word(findings, node, "tls_policy", openvpn.tls_policy, kPolicies);
    if (!openvpn.tcp_port && !openvpn.udp_port)
        findings.error(mark_of(node, "openvpn.tcp_port"),
                       "gateway \"{}\" offers OpenVPN over neither tcp_port nor udp_port", node.name);
    if (openvpn.protection != OpenVpn::Protection::TlsAuth)
        findings.warning(mark_of(node, "openvpn.protection"),
                         "gateway \"{}\" has {}; Azure's have tls-auth (P2S-PKG-30)", node.name,
                         name_of(openvpn.protection));
}

void check_gateway(const Topology& topology, Findings& findings, const Node& node, const Gateway& gateway) {
    const auto& mark = mark_of(node, "tunnel_types");
    if (gateway.tunnels.empty()) findings.error(mark, "gateway \"{}\" offers no tunnel (tunnel_types)", node.name);
    for (std::size_t i = 0; i < gateway.tunnels.size(); ++i) {
        const auto tunnel = gateway.tunnels[i];
        if (std::find(gateway.tunnels.begin(), gateway.tunnels.begin() + static_cast<long>(i), tunnel) !=
            gateway.tunnels.begin() + static_cast<long>(i))
            findings.error(mark, "gateway \"{}\" offers {} twice", node.name, name_of(tunnel));
        if (!can(gateway.implementation, tunnel))
            findings.error(mark, "gateway \"{}\" offers {}, which {} does not do (tunnel_types)", node.name,
                           name_of(tunnel), name_of(gateway.implementation));
    }
    check_users(findings, node, gateway);
    if (gateway.offers(Tunnel::OpenVpn)) check_offer(topology, findings, node, gateway);
}

void check_sign_in(Findings& findings, const Node& node, const Client& client, const Gateway& gateway) {
    const auto& mark = mark_of(node, "username");
    if (client.authentication == Authentication::PreSharedKey)
        findings.error(mark_of(node, "authentication"), "client \"{}\" has a pre-shared key, which is for IKEv2 alone",
                       node.name);
    if (client.authentication == Authentication::Password && client.username.empty())
        findings.error(mark, "client \"{}\" signs in with a password and has no username", node.name);
    if (client.authentication == Authentication::Password && gateway.openvpn.certificate_required)
        findings.warning(mark_of(node, "authentication"),
                         "gateway \"{}\" requires certificates and will refuse client \"{}\"", client.gateway,
                         node.name);
    const auto& users = gateway.users;
    if (users.empty()) return;
    const auto known = std::any_of(users.begin(), users.end(), [&](const auto& user) {
        return user.name == client.username && user.password == client.password;
    });
    if (!known)
        findings.warning(mark, "gateway \"{}\" does not know the username and password of client \"{}\"",
                         client.gateway, node.name);
}

void check_dial(Findings& findings, const Node& node, const Client& client, const Gateway& gateway) {
    const auto& own = client.openvpn;
    const auto& there = gateway.openvpn;
    check_openvpn(findings, node, own);
    check_sign_in(findings, node, client, gateway);
    if (!own.tls_version_max.empty()) expect_word(findings, node, "tls_version_max", own.tls_version_max, kVersions);
    if (own.transport == Transport::Udp ? !there.udp_port : !there.tcp_port)
        findings.error(mark_of(node, "openvpn.transport"),
                       "client \"{}\" dials over {}, and gateway \"{}\" has no {}_port", node.name,
                       name_of(own.transport), client.gateway, name_of(own.transport));
    if (own.fragment.has_value() != there.fragment.has_value())
        findings.warning(mark_of(node, "openvpn.fragment"),
                         "client \"{}\" and gateway \"{}\" must both have fragment, or neither", node.name,
                         client.gateway);
    if (own.fragment && own.transport == Transport::Tcp)
        findings.error(mark_of(node, "openvpn.fragment"), "client \"{}\" has fragment, which is for UDP alone",
                       node.name);
    if (client.personality == Personality::AzureVpnClient && own.transport == Transport::Udp)
        findings.warning(mark_of(node, "openvpn.transport"),
                         "client \"{}\" is an Azure VPN Client, which dials over TCP (P2S-AAD-22)", node.name);
}

void check_client(const Topology& topology, Findings& findings, const Node& node, const Client& client) {
    const auto& mark = mark_of(node, "tunnels");
    if (client.implementation == Implementation::SoftEther)
        findings.error(mark_of(node, "implementation"),
                       "client \"{}\" cannot be played by softether, which is a server here", node.name);
    for (const auto tunnel : client.tunnels)
        if (client.implementation != Implementation::SoftEther && !can(client.implementation, tunnel))
            findings.error(mark, "client \"{}\" dials {}, which {} does not do", node.name, name_of(tunnel),
                           name_of(client.implementation));
    const auto* gateway = find_as<Gateway>(topology, client.gateway);
    if (!gateway) return;
    for (const auto tunnel : client.tunnels)
        if (!gateway->offers(tunnel))
            return findings.error(mark, "client \"{}\" dials {}, which gateway \"{}\" does not offer (tunnel_types)",
                                  node.name, name_of(tunnel), client.gateway);
    if (client.dials(Tunnel::OpenVpn)) check_dial(findings, node, client, *gateway);
    if (client.dials(Tunnel::IkeV2) && client.authentication == Authentication::Password)
        findings.error(mark_of(node, "authentication"), "client \"{}\" signs in with a password, and dials {}",
                       node.name, name_of(Tunnel::IkeV2));
}

}  // namespace

void check_tunnels(const Topology& topology, Findings& findings) {
    for_each<Gateway>(topology, [&](Vertex, const Node& node, const Gateway& gateway) {
        check_gateway(topology, findings, node, gateway);
    });
    for_each<Client>(topology, [&](Vertex, const Node& node, const Client& client) {
        check_client(topology, findings, node, client);
    });
}

}  // namespace gatelab::topologies
