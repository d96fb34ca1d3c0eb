// Prefixes: pools, virtual networks and subnets keep out of each other's way (P2S-FAQ-08, P2S-FAQ-09).
#include "topologies/model/checks.h"

namespace gatelab::topologies {
namespace {

constexpr int kSmallestPool = 29;  // P2S-FAQ-09, active-standby

// A block that must not be shared, and who holds it.
struct Holding {
    Prefix prefix;
    const Node* node;
    std::string_view field;
    std::string text;  // "address_space of \"vnet1\""
};

std::vector<Holding> holdings(const Topology& topology) {
    std::vector<Holding> all;
    for_each<VirtualNetwork>(topology, [&](Vertex, const Node& node, const VirtualNetwork& network) {
        for (const auto prefix : network.address_space)
            all.push_back({prefix, &node, "address_space", fmt::format("the address_space of \"{}\"", node.name)});
    });
    for_each<Gateway>(topology, [&](Vertex, const Node& node, const Gateway& gateway) {
        all.push_back(
            {gateway.client_address_pool, &node, "address_pool", fmt::format("the address_pool of \"{}\"", node.name)});
    });
    return all;
}

void check_overlaps(const Topology& topology, Findings& findings) {
    const auto all = holdings(topology);
    for (std::size_t later = 1; later < all.size(); ++later)
        for (std::size_t earlier = 0; earlier < later; ++earlier)
            if (all[later].prefix.overlaps(all[earlier].prefix))
                findings.error(mark_of(*all[later].node, all[later].field),
                               "{} ({}) overlaps {} ({}); expected "
                               "prefixes apart",
                               all[later].text, to_string(all[later].prefix), all[earlier].text,
                               to_string(all[earlier].prefix));
}

bool holds(const VirtualNetwork& network, Prefix prefix) {
    for (const auto space : network.address_space)
        if (space.contains(prefix)) return true;
    return false;
}

void check_subnets(Findings& findings, const Node& node, const VirtualNetwork& network) {
    if (network.address_space.empty())
        findings.error(node.mark, "virtual network \"{}\" has no address_space", node.name);
    std::vector<Subnet> all = network.subnets;
    if (network.gateway_subnet) all.push_back({"GatewaySubnet", *network.gateway_subnet});
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto& mark = mark_of(node, "subnets." + all[i].name);
        if (!network.address_space.empty() && !holds(network, all[i].prefix))
            findings.error(mark, "subnet {} ({}) is outside the address_space of \"{}\"", all[i].name,
                           to_string(all[i].prefix), node.name);
        for (std::size_t j = 0; j < i; ++j)
            if (all[i].prefix.overlaps(all[j].prefix))
                findings.error(mark, "subnet {} ({}) overlaps subnet {} ({})", all[i].name, to_string(all[i].prefix),
                               all[j].name, to_string(all[j].prefix));
    }
}

void check_pool(Findings& findings, const Node& node, const Gateway& gateway) {
    const auto pool = gateway.client_address_pool;
    const auto& mark = mark_of(node, "address_pool");
    if (pool.length() == 0)
        findings.error(mark, "gateway \"{}\" needs an address_pool for its clients, such as 172.16.201.0/24",
                       node.name);
    else if (pool.length() > kSmallestPool)
        findings.error(mark, "address_pool {} is too small; the smallest is a /{} (P2S-FAQ-09)", to_string(pool),
                       kSmallestPool);
}

// P2S-FAQ-08: a client whose own network is in the pool or in the virtual network would route its way to the gateway
// into the tunnel.
void check_client(const Topology& topology, Findings& findings, const Node& node, const Client& client) {
    const auto* gateway = find_as<Gateway>(topology, client.gateway);
    if (!gateway) return;
    const auto complain = [&](Prefix prefix, std::string_view what) {
        if (prefix.length() > 0 && prefix.contains(client.address))
            findings.error(mark_of(node, "address"),
                           "address {} of client \"{}\" lies in {} {}; the client's own "
                           "network must not overlap it (P2S-FAQ-08)",
                           to_string(client.address), node.name, what, to_string(prefix));
    };
    complain(gateway->client_address_pool, "the address_pool");
    if (const auto* network = find_as<VirtualNetwork>(topology, gateway->virtual_network))
        for (const auto space : network->address_space) complain(space, "the virtual network");
}

}  // namespace

void check_prefixes(const Topology& topology, Findings& findings) {
    check_overlaps(topology, findings);
    for_each<VirtualNetwork>(topology, [&](Vertex, const Node& node, const VirtualNetwork& network) {
        check_subnets(findings, node, network);
    });
    for_each<Gateway>(topology,
                      [&](Vertex, const Node& node, const Gateway& gateway) { check_pool(findings, node, gateway); });
    for_each<Client>(topology, [&](Vertex, const Node& node, const Client& client) {
        check_client(topology, findings, node, client);
    });
}

}  // namespace gatelab::topologies
