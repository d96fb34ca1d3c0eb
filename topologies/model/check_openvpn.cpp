// OpenVPN: words, numbers and times, and that a client fits its gateway.
#include "topologies/model/checks.h"

namespace gatelab::topologies {
namespace {

constexpr std::size_t kMostRoutes = 1000;  // P2S-CR-11
constexpr std::array<std::string_view, 3> kCiphers{"AES-256-GCM", "AES-128-GCM", "AES-256-CBC"};
constexpr std::array<std::string_view, 2> kDigests{"SHA256", "SHA1"};
constexpr std::array<std::string_view, 2> kVersions{"1.2", "1.3"};

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
    for (const auto& cipher : openvpn.data_ciphers)
        expect_word(findings, node, "openvpn.data_ciphers", cipher, kCiphers);
    if (!openvpn.fallback_cipher.empty())
        expect_word(findings, node, "openvpn.fallback_cipher", openvpn.fallback_cipher, kCiphers);
    expect_word(findings, node, "openvpn.auth", openvpn.auth, kDigests);
    check_durations(findings, node, openvpn);
}

void check_routes(const Topology& topology, Findings& findings, const Node& node, const Gateway& gateway) {
    const auto* network = find_as<VirtualNetwork>(topology, gateway.virtual_network);
    const auto routes = gateway.custom_routes.size() + (network ? network->address_space.size() : 0) + 1;
    if (routes > kMostRoutes)
        findings.error(mark_of(node, "custom_routes"),
                       "gateway \"{}\" would push {} routes; an OpenVPN client takes at most {} (P2S-CR-11)", node.name,
                       routes, kMostRoutes);
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
    if (!gateway.users.empty() && !knows(gateway.users, client.username, client.password))
        findings.warning(mark, "gateway \"{}\" does not know the username and password of client \"{}\"",
                         client.gateway, node.name);
}

}  // namespace

void check_openvpn_offer(const Topology& topology, Findings& findings, const Node& node, const Gateway& gateway) {
    const auto& openvpn = gateway.openvpn;
    check_openvpn(findings, node, openvpn);
    check_routes(topology, findings, node, gateway);
    expect_word(findings, node, "openvpn.tls_policy", openvpn.tls_policy, kPolicies);
    if (!openvpn.tcp_port && !openvpn.udp_port)
        findings.error(mark_of(node, "openvpn.tcp_port"),
                       "gateway \"{}\" offers OpenVPN over neither tcp_port nor udp_port", node.name);
    if (!openvpn.certificate_required && gateway.users.empty())
        findings.error(mark_of(node, "openvpn.certificate_required"),
                       "gateway \"{}\" neither requires certificates nor has users; nobody could prove who he is",
                       node.name);
    if (openvpn.protection != OpenVpn::Protection::TlsAuth)
        findings.warning(mark_of(node, "openvpn.protection"),
                         "gateway \"{}\" has {}; Azure's have tls-auth (P2S-PKG-30)", node.name,
                         name_of(openvpn.protection));
}

void check_openvpn_dial(Findings& findings, const Node& node, const Client& client, const Gateway& gateway) {
    const auto& own = client.openvpn;
    const auto& there = gateway.openvpn;
    check_openvpn(findings, node, own);
    check_sign_in(findings, node, client, gateway);
    if (!own.tls_version_max.empty())
        expect_word(findings, node, "openvpn.tls_version_max", own.tls_version_max, kVersions);
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

}  // namespace gatelab::topologies
