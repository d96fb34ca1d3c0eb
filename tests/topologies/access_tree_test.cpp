#include "topologies/model/access_tree.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "topologies/model/check.h"
#include "topologies/model/paths.h"
#include "topologies/yaml/reader.h"

namespace gatelab::topologies {
namespace {

using namespace std::chrono_literals;

// The ready topology `remote-user` with so many clients more.
Topology crowded(std::size_t clients, std::size_t fan_out = 32) {
    auto topology = load("remote-user").value();
    AccessTree tree;
    tree.clients = clients;
    tree.fan_out = fan_out;
    tree.like.gateway = "gateway";
    tree.certificate.issuer = "P2SRootCert";
    tree.connect_from = 1s;
    add_access_tree(topology, *find(topology, "isp"), tree);
    return topology;
}

std::size_t most_links_of_a_router(const Topology& topology) {
    std::size_t most = 0;
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph)))
        if (std::holds_alternative<Router>(topology.graph[vertex].kind))
            most = std::max(most, boost::degree(vertex, topology.graph));
    return most;
}

TEST(AccessTree, IsATopologyWithoutErrors) { EXPECT_FALSE(has_errors(check(crowded(100)))); }

TEST(AccessTree, LeadsEveryClientToItsGateway) {
    const auto topology = crowded(70, 4);
    for (int i = 1; i <= 70; ++i) {
        const auto from = find(topology, "client-" + std::to_string(i));
        ASSERT_TRUE(from) << i;
        EXPECT_FALSE(shortest_path(topology, *from, *find(topology, "gateway"), Through::Underlay).empty()) << i;
    }
    EXPECT_FALSE(find(topology, "client-71"));
}

TEST(AccessTree, HangsNoMoreOnARouterThanItMay) {
    EXPECT_LE(most_links_of_a_router(crowded(64)), 33u);  // one of them upward
    EXPECT_LE(most_links_of_a_router(crowded(1100)), 34u) << "isp has alice and the gateway besides";
    EXPECT_LE(most_links_of_a_router(crowded(70, 2)), 4u);
}

TEST(AccessTree, NumbersItsClientsThrough) {
    const auto topology = crowded(300);
    EXPECT_EQ(find_as<Client>(topology, "client-1")->address, (Ipv4Address{100, 64, 0, 1}));
    EXPECT_EQ(find_as<Client>(topology, "client-300")->address, (Ipv4Address{100, 64, 1, 44}));
    EXPECT_EQ(find_as<Client>(topology, "client-300")->connect_at, 1s + 299 * 10ms);
    EXPECT_EQ(find_as<Client>(topology, "client-300")->certificate, "client-300");
}

}  // namespace
}  // namespace gatelab::topologies
