// Addresses: usable, inside their network, and held once in each realm.
//
// A realm is a part of the network where an address means one machine: the Internet, the inside of each NAT, each
// virtual network. Two users behind two NATs may well share an address.
#include <map>
#include <numeric>

#include "topologies/model/checks.h"

namespace gatelab::topologies {
namespace {

// Which realm each side of each node is in. A NAT and a gateway stand in two.
class Realms {
public:
    explicit Realms(const Topology& topology) : topology_(topology), parent_(2 * boost::num_vertices(topology.graph)) {
        std::iota(parent_.begin(), parent_.end(), std::size_t{0});
        for (const auto edge : boost::make_iterator_range(boost::edges(topology.graph))) {
            const auto a = boost::source(edge, topology.graph), b = boost::target(edge, topology.graph);
            parent_[root(side(a, b))] = root(side(b, a));
        }
    }

    std::size_t near(Vertex vertex) { return root(2 * vertex); }     // where a node's first address is
    std::size_t far(Vertex vertex) { return root(2 * vertex + 1); }  // behind a NAT's outside, a gateway's inside

private:
    std::size_t side(Vertex vertex, Vertex towards) const {
        const auto& kind = topology_.graph[vertex].kind;
        const auto& other = topology_.graph[towards];
        const auto* nat = std::get_if<Nat>(&kind);
        const bool outside = nat && nat->outside == other.name;
        const bool inside = std::holds_alternative<Gateway>(kind) && std::holds_alternative<VirtualNetwork>(other.kind);
        return 2 * vertex + (outside || inside ? 1 : 0);
    }
    std::size_t root(std::size_t at) {
        while (parent_[at] != at) at = parent_[at] = parent_[parent_[at]];  // shorter for who asks next
        return at;
    }

    const Topology& topology_;
    std::vector<std::size_t> parent_;
};

class Register {
public:
    explicit Register(Findings& findings) : findings_(findings) {}

    void enter(std::size_t realm, Ipv4Address address, const Node& node, std::string_view field) {
        const auto& mark = mark_of(node, field);
        const auto first = address.number() >> 24;
        if (address.is_unspecified())
            return findings_.error(mark, "{} \"{}\" needs an address ({})", name_of(node.kind), node.name, field);
        if (first == 0 || first == 127 || first >= 224)
            return findings_.error(mark, "{} is no address that a machine can have", to_string(address));
        const auto [at, is_new] = held_.try_emplace({realm, address}, &node);
        if (!is_new)
            findings_.error(mark, "address {} is already that of \"{}\"", to_string(address), at->second->name);
    }

private:
    Findings& findings_;
    std::map<std::pair<std::size_t, Ipv4Address>, const Node*> held_;
};

void expect_inside(const Topology& topology, Findings& findings, const Node& node, std::string_view field,
                   Ipv4Address address, const std::string& network_name, bool in_gateway_subnet) {
    const auto* network = find_as<VirtualNetwork>(topology, network_name);
    if (!network || network->address_space.empty() || address.is_unspecified()) return;
    const auto& mark = mark_of(node, field);
    bool inside = false;
    for (const auto space : network->address_space) inside = inside || space.contains(address);
    if (!inside)
        return findings.error(mark, "address {} of \"{}\" is outside the address_space of \"{}\" ({})",
                              to_string(address), node.name, network_name, to_string(network->address_space.front()));
    if (!network->gateway_subnet) return;
    const bool in_subnet = network->gateway_subnet->contains(address);
    if (in_gateway_subnet && !in_subnet)
        findings.error(mark, "address {} of \"{}\" is outside the GatewaySubnet {}", to_string(address), node.name,
                       to_string(*network->gateway_subnet));
    if (!in_gateway_subnet && in_subnet)
        findings.error(mark, "address {} of \"{}\" is in the GatewaySubnet {}, which is for the gateway alone",
                       to_string(address), node.name, to_string(*network->gateway_subnet));
}

void expect_in_a_subnet(const Topology& topology, Findings& findings, const Node& node, const VirtualMachine& machine) {
    const auto* network = find_as<VirtualNetwork>(topology, machine.virtual_network);
    if (!network || network->subnets.empty()) return;
    bool covered = false;
    for (const auto space : network->address_space) covered = covered || space.contains(machine.address);
    for (const auto& subnet : network->subnets)
        if (subnet.prefix.contains(machine.address)) return;
    if (covered && !(network->gateway_subnet && network->gateway_subnet->contains(machine.address)))
        findings.error(mark_of(node, "address"), "address {} of \"{}\" is in no subnet of \"{}\"",
                       to_string(machine.address), node.name, machine.virtual_network);
}

}  // namespace

void check_addresses(const Topology& topology, Findings& findings) {
    Realms realms{topology};
    Register addresses{findings};
    for_each<Gateway>(topology, [&](Vertex vertex, const Node& node, const Gateway& gateway) {
        addresses.enter(realms.near(vertex), gateway.public_address, node, "public_address");
        addresses.enter(realms.far(vertex), gateway.inside_address, node, "inside_address");
        expect_inside(topology, findings, node, "inside_address", gateway.inside_address, gateway.virtual_network,
                      true);
    });
    for_each<Nat>(topology, [&](Vertex vertex, const Node& node, const Nat& nat) {
        addresses.enter(realms.far(vertex), nat.outside_address, node, "outside_address");
    });
    for_each<Client>(topology, [&](Vertex vertex, const Node& node, const Client& client) {
        addresses.enter(realms.near(vertex), client.address, node, "address");
    });
    for_each<HttpProxy>(topology, [&](Vertex vertex, const Node& node, const HttpProxy& proxy) {
        addresses.enter(realms.near(vertex), proxy.address, node, "address");
    });
    for_each<VirtualMachine>(topology, [&](Vertex vertex, const Node& node, const VirtualMachine& machine) {
        addresses.enter(realms.near(vertex), machine.address, node, "address");
        expect_inside(topology, findings, node, "address", machine.address, machine.virtual_network, false);
        expect_in_a_subnet(topology, findings, node, machine);
    });
}

}  // namespace gatelab::topologies
