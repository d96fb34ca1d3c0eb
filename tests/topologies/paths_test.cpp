#include "topologies/model/paths.h"

#include <gmock/gmock.h>

#include "topologies/yaml/reader.h"

namespace gatelab::topologies {
namespace {

Topology two_users(const std::string& gateway_extra = {}) {
    const auto text = R"(
clients: {alice: {address: 198.51.100.10}, bob: {address: 198.51.100.11}}
routers: [near, far, spare]
gateways: {gw: {public_address: 203.0.113.10, point_to_site: {address_pool: 172.16.0.0/24)" +
                      gateway_extra + R"(}}}
virtual_networks: {vnet: {address_space: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/27}}}
virtual_machines: {web: {address: 10.1.0.4}}
links: {alice-near: , near-gw: , bob-far: , far-spare: , spare-near: , far-near: }
)";
    auto reading = parse(text, "two.yaml");
    for (const auto& problem : reading.problems) ADD_FAILURE() << to_string(problem);
    return std::move(*reading.topology);
}

std::string path_of(const Topology& topology, const char* from, const char* to, Through through) {
    return to_string(topology, shortest_path(topology, *find(topology, from), *find(topology, to), through));
}

TEST(ShortestPath, TakesTheFewestLinks) {
    const auto topology = two_users();
    EXPECT_EQ(path_of(topology, "bob", "gw", Through::Underlay), "bob > far > near > gw");
    EXPECT_EQ(path_of(topology, "alice", "alice", Through::Underlay), "alice");
}

TEST(ShortestPath, EntersAVirtualNetworkOnlyWhenAskedFor) {
    const auto topology = two_users();
    EXPECT_EQ(path_of(topology, "alice", "web", Through::Everything), "alice > near > gw > vnet > web");
    EXPECT_EQ(path_of(topology, "alice", "web", Through::Underlay), "");
}

TEST(Reachability, LeadsThroughTheGatewayAndNamesTheTunnel) {
    const auto topology = two_users();
    const auto all = reachability(topology);
    ASSERT_EQ(all.size(), 6u);
    const auto& reach = all[1];  // alice to web
    EXPECT_EQ(reach.to, "web");
    EXPECT_EQ(to_string(topology, reach.path), "alice > near > gw > vnet > web");
    EXPECT_THAT(reach.tunnels, testing::ElementsAre("alice"));
}

TEST(Reachability, NeedsACustomRouteFromClientToClient) {
    const auto apart = two_users();
    EXPECT_THAT(reachability(apart)[0].why_not, testing::HasSubstr("custom_routes"));
    const auto joined = two_users(", custom_routes: 172.16.0.0/24");
    const auto reach = reachability(joined)[0];
    EXPECT_EQ(to_string(joined, reach.path), "alice > near > gw > near > far > bob");
    EXPECT_THAT(reach.tunnels, testing::ElementsAre("alice", "bob"));
}

}  // namespace
}  // namespace gatelab::topologies
