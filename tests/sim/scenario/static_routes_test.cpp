#include "sim/static_routes.h"

#include <gmock/gmock.h>

#include "sim/route_list.h"
#include "tests/sim/scenario/sample.h"

namespace gatelab::sim {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using topologies::Topology;

// "10.1.0.0/16 by hub", one a route of the node.
std::vector<std::string> routes_of(const Topology& topology, const std::string& node) {
    std::vector<std::string> texts;
    for (const auto& route : plan_routes(topology))
        if (topology.graph[route.node].name == node)
            texts.push_back(to_string(route.destination) + " by " + topology.graph[route.neighbour].name);
    return texts;
}

TEST(StaticRoutes, GiveMachinesWithOneLinkADefault) {
    auto sketch = office();
    EXPECT_THAT(routes_of(sketch.topology(), "alice"), ElementsAre("0.0.0.0/0 by isp"));
    EXPECT_THAT(routes_of(sketch.topology(), "app1"), ElementsAre("0.0.0.0/0 by hub"));
}

TEST(StaticRoutes, LeadAGatewayIntoItsNetworkByPrefixAndElsewhereByDefault) {
    auto sketch = office();
    EXPECT_THAT(routes_of(sketch.topology(), "gw"), ElementsAre("10.1.0.0/16 by hub", "0.0.0.0/0 by isp"));
}

TEST(StaticRoutes, KeepTheInsideOutOfTheInternet) {
    auto sketch = office();
    EXPECT_THAT(routes_of(sketch.topology(), "isp"), ElementsAre("198.51.100.2/32 by alice", "203.0.113.10/32 by gw"));
}

TEST(StaticRoutes, AnnounceTheClientAddressPoolIntoTheVirtualNetwork) {
    auto sketch = office();
    EXPECT_THAT(routes_of(sketch.topology(), "hub"),
                ElementsAre("10.1.255.4/32 by gw", "10.60.0.0/24 by gw", "10.1.0.4/32 by app1"));
}

TEST(StaticRoutes, PassAFirewallAsABumpInTheWire) {
    Sketch sketch;
    sketch.node("alice", user(Ipv4Address{198, 51, 100, 2})).node("wall", topologies::Firewall{"alice", {}, {}});
    sketch.node("gw", gateway()).node("hub", hub());
    sketch.link("alice", "wall").link("wall", "gw").link("gw", "hub");
    EXPECT_THAT(routes_of(sketch.topology(), "alice"), ElementsAre("0.0.0.0/0 by wall"));
    EXPECT_THAT(routes_of(sketch.topology(), "wall"), IsEmpty());
    EXPECT_THAT(routes_of(sketch.topology(), "gw"), ElementsAre("10.1.0.0/16 by hub", "0.0.0.0/0 by wall"));
}

Sketch behind_nat() {
    Sketch sketch;
    topologies::Nat nat;
    nat.outside = "isp";
    nat.outside_address = Ipv4Address{198, 51, 100, 1};
    sketch.node("alice", user(Ipv4Address{192, 168, 1, 2})).node("bob", user(Ipv4Address{192, 168, 1, 3}));
    sketch.node("home", topologies::Router{}).node("nat", nat).node("isp", topologies::Router{}).node("gw", gateway());
    sketch.node("hub", hub());
    sketch.link("alice", "home").link("bob", "home").link("home", "nat").link("nat", "isp").link("isp", "gw");
    sketch.link("gw", "hub");
    return sketch;
}

TEST(StaticRoutes, HideWhatIsBehindANat) {
    auto sketch = behind_nat();
    EXPECT_THAT(routes_of(sketch.topology(), "isp"), ElementsAre("198.51.100.1/32 by nat", "203.0.113.10/32 by gw"));
}

TEST(StaticRoutes, LeadOutThroughANat) {
    auto sketch = behind_nat();
    EXPECT_THAT(routes_of(sketch.topology(), "home"), ElementsAre("192.168.1.2/32 by alice", "192.168.1.3/32 by bob",
                                                                  "198.51.100.1/32 by nat", "203.0.113.10/32 by nat"));
}

TEST(StaticRoutes, AreNothingToANat) {
    auto sketch = behind_nat();
    EXPECT_THAT(routes_of(sketch.topology(), "nat"), IsEmpty()) << "it learns from what passes";
}

TEST(StaticRoutes, TakeTheShortestPath) {
    Sketch sketch;
    sketch.node("alice", user(Ipv4Address{198, 51, 100, 2})).node("gw", gateway()).node("hub", hub());
    for (const auto* router : {"r1", "r2", "r3"}) sketch.node(router, topologies::Router{});
    sketch.link("alice", "r1").link("r1", "r2").link("r2", "r3").link("r3", "gw").link("r1", "r3").link("gw", "hub");
    EXPECT_THAT(routes_of(sketch.topology(), "r1"), ElementsAre("198.51.100.2/32 by alice", "203.0.113.10/32 by r3"));
    EXPECT_THAT(routes_of(sketch.topology(), "r2"), ElementsAre("198.51.100.2/32 by r1", "203.0.113.10/32 by r3"));
}

// Four clients a router, with addresses one after the other: 198.51.100.0 to .3 at edge1, .4 to .7 at edge2.
Sketch two_edges() {
    Sketch sketch;
    sketch.node("isp", topologies::Router{}).node("gw", gateway()).node("hub", hub());
    sketch.link("isp", "gw").link("gw", "hub");
    for (const std::string edge : {"edge1", "edge2"}) {
        sketch.node(edge, topologies::Router{}).link(edge, "isp");
        for (int i = 0; i < 4; ++i) {
            const auto name = edge + "-" + std::to_string(i);
            sketch.node(name, user(Ipv4Address{198, 51, 100, static_cast<std::uint8_t>(edge == "edge1" ? i : 4 + i)}));
            sketch.link(name, edge);
        }
    }
    return sketch;
}

TEST(StaticRoutes, MergeNeighbouringAddresses) {
    auto sketch = two_edges();
    EXPECT_THAT(routes_of(sketch.topology(), "isp"),
                ElementsAre("203.0.113.10/32 by gw", "198.51.100.0/30 by edge1", "198.51.100.4/30 by edge2"));
    EXPECT_THAT(routes_of(sketch.topology(), "edge1"),
                ElementsAre("203.0.113.10/32 by isp", "198.51.100.0/32 by edge1-0", "198.51.100.1/32 by edge1-1",
                            "198.51.100.2/32 by edge1-2", "198.51.100.3/32 by edge1-3", "198.51.100.4/30 by isp"));
    EXPECT_THAT(routes_of(sketch.topology(), "edge1-2"), ElementsAre("0.0.0.0/0 by edge1"));
    EXPECT_THAT(routes_of(sketch.topology(), "gw"), ElementsAre("10.1.0.0/16 by hub", "0.0.0.0/0 by isp"));
}

TEST(StaticRoutes, MergeNoAddressThatNobodyHas) {
    auto sketch = two_edges();
    topologies::find_as<topologies::Client>(sketch.topology(), "edge1-3")->address = Ipv4Address{192, 0, 2, 1};
    EXPECT_THAT(routes_of(sketch.topology(), "isp"),
                ElementsAre("203.0.113.10/32 by gw", "198.51.100.0/31 by edge1", "198.51.100.2/32 by edge1",
                            "192.0.2.1/32 by edge1", "198.51.100.4/30 by edge2"));
}

TEST(RouteList, LetsTheLastOfEqualPrefixesCount) {
    RouteList list;
    const Prefix prefix{Ipv4Address{10, 0, 0, 0}, 24};
    list.add(prefix, 1);
    list.add(prefix, 2);
    EXPECT_THAT(list.needed(), ElementsAre(RouteList::Entry{prefix, 2}));
}

TEST(RouteList, LeavesNothingToAPrefixWhoseHalvesAreKnown) {
    RouteList list;
    list.add({Ipv4Address{10, 0, 0, 0}, 24}, 1);
    list.add({Ipv4Address{10, 0, 0, 0}, 25}, 2);
    list.add({Ipv4Address{10, 0, 0, 128}, 25}, 2);
    list.merge();
    EXPECT_THAT(list.needed(), ElementsAre(RouteList::Entry{{Ipv4Address{10, 0, 0, 0}, 24}, 2}));
}

TEST(RouteList, KeepsARouteWhoseNextShorterPrefixGoesElsewhere) {
    RouteList list;
    list.add({}, 1);
    list.add({Ipv4Address{10, 0, 0, 0}, 16}, 2);
    list.add({Ipv4Address{10, 0, 0, 0}, 24}, 1);
    EXPECT_THAT(list.needed(), testing::SizeIs(3));
}

TEST(StaticRoutes, TellTheInsideLinksOfAGateway) {
    auto sketch = office();
    auto& topology = sketch.topology();
    const auto gw = *topologies::find(topology, "gw");
    EXPECT_TRUE(leads_inside(topology, gw, *topologies::find(topology, "hub")));
    EXPECT_FALSE(leads_inside(topology, gw, *topologies::find(topology, "isp")));
}

}  // namespace
}  // namespace gatelab::sim
