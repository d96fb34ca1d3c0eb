// Tunnels over SSTP between our own client and gateway, in a running network.
#include <gmock/gmock.h>

#include "sim/scenario.h"
#include "tests/sim/scenario/sstp_sample.h"

namespace gatelab::sim {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using topologies::Topology;

std::unique_ptr<Scenario> started(const Topology& topology, std::uint64_t seed = 7) {
    auto scenario = Scenario::create(topology, {.seed = seed});
    if (!scenario) throw std::runtime_error(scenario.error().detail);
    return std::move(*scenario);
}

bool comes_up(Scenario& scenario, const std::string& client = "alice", Duration limit = 30s) {
    return scenario.run_until([&] { return scenario.client(client).status().up; }, limit);
}

std::vector<Event> events_of(const Scenario& scenario, std::string_view node, std::string_view event) {
    std::vector<Event> found;
    for (const auto& one : scenario.events())
        if (one.node == node && one.event == event) found.push_back(one);
    return found;
}

topologies::Gateway& gateway_of(Topology& topology) {
    return *topologies::find_as<topologies::Gateway>(topology, "gw");
}
topologies::Client& alice_of(Topology& topology) { return *topologies::find_as<topologies::Client>(topology, "alice"); }

TEST(SstpInANetwork, ReachesAMachineAndIsReached) {
    const auto scenario = started(sstp_office());
    ASSERT_TRUE(comes_up(*scenario)) << scenario->client("alice").status().failure;
    EXPECT_EQ(scenario->ping("alice", "app1", 3).received, 3);
    EXPECT_EQ(scenario->ping("app1", "alice", 3).received, 3);
    const auto here = scenario->client("alice").status();
    EXPECT_EQ(here.protocol, "sstp");
    EXPECT_EQ(here.inner_address, (Ipv4Address{10, 60, 0, 2}));
    EXPECT_THAT(here.dns, ElementsAre(Ipv4Address{10, 1, 0, 53}));
    EXPECT_EQ(here.outer_peer, (Endpoint{{203, 0, 113, 10}, 443}));
    EXPECT_EQ(here.peer, "gw.example.com");
    EXPECT_EQ(here.authentication, "mschapv2");
    EXPECT_EQ(here.crypto_binding, "SHA256");
    EXPECT_EQ(here.packets_out, 6u);
    EXPECT_THAT(scenario->gateway("gw").sessions(), ElementsAre("ann"));
    const auto there = scenario->gateway("gw").session("ann")->status();
    EXPECT_THAT(there.tls_suite, HasSubstr("TLSv1.2/TLS_ECDHE_ECDSA_WITH_AES"));
    EXPECT_EQ(there.tls_suite, here.tls_suite);
    EXPECT_EQ(there.outer_peer.address, (Ipv4Address{198, 51, 100, 2}));
    EXPECT_EQ(there.authentication, "mschapv2");
    EXPECT_EQ(there.crypto_binding, "SHA256");
    EXPECT_EQ(there.packets_in, 6u);
}

TEST(SstpInANetwork, FollowsTheGatewaysSettings) {
    auto topology = sstp_office();
    gateway_of(topology).sstp.hashes = {"SHA1"};
    gateway_of(topology).sstp.port = alice_of(topology).sstp.port = 4443;
    gateway_of(topology).sstp.mru = 1200;
    const auto scenario = started(topology);
    ASSERT_TRUE(comes_up(*scenario)) << scenario->client("alice").status().failure;
    const auto there = scenario->gateway("gw").session("ann")->status();
    EXPECT_EQ(there.crypto_binding, "SHA1");
    EXPECT_EQ(scenario->client("alice").status().outer_peer.port, 4443);
    EXPECT_EQ(scenario->ping("alice", "app1", 2).received, 2);
}

TEST(SstpInANetwork, IsRefusedWithAWrongPassword) {
    auto topology = sstp_office();
    alice_of(topology).password = "guess";
    const auto scenario = started(topology);
    EXPECT_FALSE(comes_up(*scenario, "alice", 20s));
    EXPECT_EQ(scenario->client("alice").status().failure, "authentication-failed");
    const auto refused = events_of(*scenario, "gw", "session-refused");
    ASSERT_EQ(refused.size(), 1u);
    EXPECT_EQ(text_of(refused[0].attributes, "why"), "wrong user name or password");
    EXPECT_THAT(scenario->gateway("gw").sessions(), IsEmpty());
}

TEST(SstpInANetwork, SharesAPoolWithIkeV2InTwoParts) {  // P2S-FAQ-01
    const auto scenario = started(sstp_office("", "ikev2, sstp"));
    ASSERT_TRUE(comes_up(*scenario));
    scenario->client("bob").connect();
    ASSERT_TRUE(comes_up(*scenario, "bob"));
    EXPECT_EQ(scenario->client("alice").status().inner_address, (Ipv4Address{10, 60, 0, 128}));
    EXPECT_EQ(scenario->client("bob").status().inner_address, (Ipv4Address{10, 60, 0, 2}));
    EXPECT_EQ(scenario->client("bob").status().remote_selectors, "10.1.0.0/16, 10.60.0.0/25, 10.60.0.128/25");
    EXPECT_EQ(scenario->ping("alice", "bob", 3).received, 3);  // P2S-RT-13, whatever the tunnels
    EXPECT_EQ(scenario->ping("bob", "alice", 3).received, 3);
}

TEST(SstpInANetwork, ComesBackToAGatewayThatWasStartedAnew) {
    const auto scenario = started(sstp_office());
    ASSERT_TRUE(comes_up(*scenario));
    ASSERT_TRUE(scenario->gateway("gw").restart());
    EXPECT_THAT(scenario->gateway("gw").sessions(), IsEmpty());
    ASSERT_TRUE(scenario->run_until([&] { return !scenario->client("alice").status().up; }, 10s));
    scenario->client("alice").connect();
    ASSERT_TRUE(comes_up(*scenario));
    EXPECT_EQ(scenario->client("alice").status().inner_address, (Ipv4Address{10, 60, 0, 2}));
    EXPECT_EQ(scenario->ping("alice", "app1", 2).received, 2);
}

TEST(SstpInANetwork, EndsAtBothEndsWhicheverLeaves) {
    for (const bool from_client : {true, false}) {
        const auto scenario = started(sstp_office());
        ASSERT_TRUE(comes_up(*scenario));
        if (from_client)
            scenario->client("alice").disconnect();
        else
            scenario->gateway("gw").session("ann")->disconnect();
        scenario->run_for(10s);
        EXPECT_FALSE(scenario->client("alice").status().up);
        EXPECT_EQ(scenario->client("alice").status().failure, from_client ? "requested" : "peer-disconnected");
        EXPECT_THAT(scenario->gateway("gw").sessions(), IsEmpty());
    }
}

TEST(SstpInANetwork, IsRefusedWhereNobodyListens) {
    auto topology = sstp_office();
    gateway_of(topology).implementation = topologies::Implementation::Absent;
    const auto scenario = started(topology);
    EXPECT_FALSE(comes_up(*scenario, "alice", 15s));
    EXPECT_EQ(scenario->client("alice").status().failure, "no-connection");
}

TEST(SstpInANetwork, LosesNothingThatTcpCarriesOverALossyLink) {
    auto topology = sstp_office();
    for (const auto edge : boost::make_iterator_range(boost::edges(topology.graph)))
        if (topology.graph[edge].name == "alice-isp") topology.graph[edge].loss = 0.02;
    const auto scenario = started(topology);
    ASSERT_TRUE(comes_up(*scenario));
    scenario->ping("alice", "app1", 300);
    scenario->run_for(20s);  // what was lost at the end comes late
    EXPECT_EQ(scenario->gateway("gw").session("ann")->status().packets_in, 300u);
    EXPECT_EQ(scenario->client("alice").status().packets_in, 300u);
}

TEST(SstpInANetwork, RepeatsByteForByte) {
    const auto log = [] {
        const auto scenario = started(sstp_office());
        scenario->run_for(70s);  // a hello among them
        std::string text;
        for (const auto& event : scenario->events()) text += to_json_line(event) + '\n';
        return text;
    };
    const auto first = log();
    EXPECT_THAT(first, HasSubstr("session-opened"));
    EXPECT_EQ(first, log());
}

}  // namespace
}  // namespace gatelab::sim
