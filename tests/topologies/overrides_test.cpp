#include <gmock/gmock.h>

#include "topologies/library/library.h"
#include "topologies/yaml/reader.h"

namespace gatelab::topologies {
namespace {

using testing::HasSubstr;

Reading with(std::initializer_list<const char*> settings, std::string_view file = "remote-user") {
    std::vector<Override> overrides;
    for (const auto* one : settings) overrides.push_back(parse_override(one).value());
    return parse(find_in_library(file)->text, "t.yaml", overrides);
}

const Link& link_named(const Topology& topology, std::string_view name) {
    for (const auto edge : boost::make_iterator_range(boost::edges(topology.graph)))
        if (topology.graph[edge].name == name) return topology.graph[edge];
    throw std::runtime_error("no such link");
}

std::string first_problem(const Reading& reading) {
    return reading.problems.empty() ? "" : to_string(reading.problems.front());
}

TEST(Overrides, ReplaceAValueOfTheFile) {
    const auto reading = with({"links.alice-isp.delay=50ms", "duration=1min"});
    ASSERT_TRUE(reading.topology) << first_problem(reading);
    EXPECT_EQ(link_named(*reading.topology, "alice-isp").delay, std::chrono::milliseconds(50));
    EXPECT_EQ(reading.topology->duration, std::chrono::minutes(1));
}

TEST(Overrides, AddAKeyThatTheFileLeftOut) {
    const auto reading = with({"clients.alice.implementation=strongswan"});
    ASSERT_TRUE(reading.topology) << first_problem(reading);
    EXPECT_EQ(find_as<Client>(*reading.topology, "alice")->implementation, Implementation::StrongSwan);
}

TEST(Overrides, ReachIntoLists) {
    const auto reading = with({"firewalls.hotel.rules.0.destination_ports=[500]"}, "udp-blocked");
    ASSERT_TRUE(reading.topology) << first_problem(reading);
    EXPECT_THAT(find_as<Firewall>(*reading.topology, "hotel")->rules[0].destination_ports, testing::ElementsAre(500));
}

TEST(Overrides, ReachLinksThatTheFileNeedNotHave) {
    const auto reading = with({"links.web-vnet1.delay=7ms"});
    ASSERT_TRUE(reading.topology) << first_problem(reading);
    EXPECT_EQ(link_named(*reading.topology, "web-vnet1").delay, std::chrono::milliseconds(7));
    EXPECT_EQ(boost::num_edges(reading.topology->graph), 4u);
}

TEST(Overrides, NameThePlaceWhereAPathGoesAstray) {
    EXPECT_EQ(
        first_problem(with({"clients.alise.address=1.2.3.4"})),
        "--set clients.alise.address=1.2.3.4: error: at \"clients\": there is no \"alise\"; did you mean \"alice\"?");
    EXPECT_EQ(first_problem(with({"duration.x=1"})),
              "--set duration.x=1: error: at \"duration\": this is the value \"10s\"; nothing lies below it");
    EXPECT_THAT(first_problem(with({"routers.3=isp"})), HasSubstr("\"3\" is no place in a list of 1; expected 0 to 0"));
    EXPECT_THAT(first_problem(with({"links..delay=1ms"})), HasSubstr("empty step"));
}

TEST(Overrides, AreHeldToTheSameRulesAsTheFile) {
    EXPECT_EQ(
        first_problem(with({"links.alice-isp.dealy=5ms"})),
        "--set links.alice-isp.dealy=5ms: error: unknown key \"dealy\" in link \"alice-isp\"; did you mean \"delay\"?");
    EXPECT_THAT(first_problem(with({"links.alice-isp.delay=fast"})),
                HasSubstr("delay of link \"alice-isp\" is \"fast\""));
    EXPECT_THAT(first_problem(with({"links.alice-ips.delay=5ms"})), HasSubstr("did you mean \"alice-isp\"?"));
}

TEST(Overrides, NeedAPathAndAnEqualsSign) {
    EXPECT_FALSE(parse_override("links.alice-isp.delay"));
    EXPECT_FALSE(parse_override("=5ms"));
    EXPECT_EQ(parse_override("a.b=c=d").value().value, "c=d");
}

}  // namespace
}  // namespace gatelab::topologies
