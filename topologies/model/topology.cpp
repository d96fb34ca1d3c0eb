#include "topologies/model/topology.h"

#include <fmt/format.h>

#include <algorithm>

namespace gatelab::topologies {

Vertex add_node(Topology& topology, Node node) {
    const auto vertex = boost::add_vertex(topology.graph);
    topology.graph[vertex] = std::move(node);
    return vertex;
}

void add_link(Topology& topology, Vertex one, Vertex other, Link link) {
    topology.graph[boost::add_edge(one, other, topology.graph).first] = std::move(link);
}

std::optional<Vertex> find(const Topology& topology, std::string_view node) {
    const auto [first, last] = boost::vertices(topology.graph);
    const auto at = std::find_if(first, last, [&](Vertex v) { return topology.graph[v].name == node; });
    return at == last ? std::nullopt : std::optional<Vertex>{*at};
}

const CertificateSpec* find_certificate(const Topology& topology, std::string_view name) {
    const auto& all = topology.certificates;
    const auto at = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
    return at == all.end() ? nullptr : &*at;
}

std::vector<Vertex> neighbours(const Topology& topology, Vertex vertex) {
    const auto [first, last] = boost::adjacent_vertices(vertex, topology.graph);
    return {first, last};
}

std::string_view name_of(const NodeKind& kind) {
    constexpr std::string_view kNames[] = {"client",   "gateway", "virtual-network", "virtual-machine", "router",
                                           "firewall", "nat",     "http-proxy"};
    static_assert(std::size(kNames) == std::variant_size_v<NodeKind>);
    return kNames[kind.index()];
}

std::string_view name_of(Implementation implementation) {
    switch (implementation) {
        case Implementation::Gatelab: return "gatelab";
        case Implementation::StrongSwan: return "strongswan";
        case Implementation::Libreswan: return "libreswan";
        case Implementation::OpenVpn: return "openvpn";
        case Implementation::SoftEther: return "softether";
        case Implementation::SstpClient: return "sstp-client";
        case Implementation::Absent: return "absent";
    }
    return "?";
}

bool is_program(Implementation implementation) {
    return implementation != Implementation::Gatelab && implementation != Implementation::Absent;
}

std::string_view name_of(Authentication authentication) {
    constexpr std::string_view kNames[] = {"certificate", "psk", "password"};
    return kNames[static_cast<std::size_t>(authentication)];
}

std::string_view name_of(Tunnel tunnel) {
    constexpr std::string_view kNames[] = {"ikev2", "openvpn", "sstp"};
    return kNames[static_cast<std::size_t>(tunnel)];
}

std::string_view name_of(Transport transport) { return transport == Transport::Udp ? "udp" : "tcp"; }

std::string_view name_of(OpenVpn::Protection protection) {
    constexpr std::string_view kNames[] = {"tls-auth", "tls-crypt", "tls-crypt-v2", "none"};
    return kNames[static_cast<std::size_t>(protection)];
}

std::string_view name_of(Personality personality) {
    constexpr std::string_view kNames[] = {"gatelab",    "windows",        "macos",           "ios",
                                           "strongswan", "openvpn-client", "azure-vpn-client"};
    return kNames[static_cast<std::size_t>(personality)];
}

std::vector<Tunnel> tunnels_of(Personality personality) {
    switch (personality) {
        case Personality::Gatelab: break;
        case Personality::Windows: return {Tunnel::IkeV2, Tunnel::Sstp};
        case Personality::MacOs:
        case Personality::Ios:
        case Personality::StrongSwan: return {Tunnel::IkeV2};
        case Personality::OpenVpnClient:
        case Personality::AzureVpnClient: return {Tunnel::OpenVpn};
    }
    return {Tunnel::IkeV2, Tunnel::Sstp, Tunnel::OpenVpn};
}

bool Client::dials(Tunnel tunnel) const { return std::find(tunnels.begin(), tunnels.end(), tunnel) != tunnels.end(); }
bool Gateway::offers(Tunnel tunnel) const { return std::find(tunnels.begin(), tunnels.end(), tunnel) != tunnels.end(); }

std::string_view name_of(FilterRule::Action action) {
    constexpr std::string_view kNames[] = {"allow", "drop", "reject"};
    return kNames[static_cast<std::size_t>(action)];
}

std::string_view name_of(LinkFault::Kind kind) {
    constexpr std::string_view kNames[] = {"drop", "duplicate", "corrupt", "delay"};
    return kNames[static_cast<std::size_t>(kind)];
}

std::string_view name_of(Flow::Kind kind) {
    constexpr std::string_view kNames[] = {"ping", "udp", "tcp"};
    return kNames[static_cast<std::size_t>(kind)];
}

std::string_view name_of(Action::Kind kind) {
    constexpr std::string_view kNames[] = {"connect", "disconnect", "rekey-child", "rekey-ike", "check-liveness"};
    return kNames[static_cast<std::size_t>(kind)];
}

std::string to_string(const Mark& mark) {
    if (mark.line == 0) return mark.file;
    return fmt::format("{}:{}:{}", mark.file, mark.line, mark.column);
}

}  // namespace gatelab::topologies
