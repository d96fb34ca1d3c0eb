// What each kind of client does in a network where not everything passes, and how long it takes.
#include <gmock/gmock.h>

#include <stdexcept>

#include "sim/scenario.h"
#include "topologies/yaml/reader.h"

namespace gatelab::sim {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

// alice ---- hotel (a firewall) ---- isp ---- gw ---- hub ---- app1, and a proxy at the isp.
struct Story {
    std::string alice;  // more of her keys: "personality: windows"
    std::string rules;  // of the firewall, which lets the rest pass
    std::string types = "ikev2, sstp";
    std::string otherwise = "allow";
};

std::unique_ptr<Scenario> begun(const Story& story) {
    const auto text =
        "name: hotel\n"
        "certificates:\n"
        "  P2SRootCert: {key: ecdsa-256}\n"
        "  gw.example.com: {issuer: P2SRootCert, key: ecdsa-256}\n"
        "  alice: {issuer: P2SRootCert, key: ecdsa-256}\n"
        "clients:\n"
        "  alice: {address: 198.51.100.2, connect_at: 0s, username: ann, password: secret, " +
        story.alice +
        "}\n"
        "firewalls: {hotel: {inside: alice, rules: [" +
        story.rules + "], otherwise: " + story.otherwise +
        "}}\n"
        "routers: [isp]\n"
        "http_proxies: {squid: {address: 192.0.2.3, users: {bo: x}}}\n"
        "gateways:\n"
        "  gw:\n"
        "    public_address: 203.0.113.10\n"
        "    server_name: gw.example.com\n"
        "    point_to_site: {address_pool: 10.60.0.0/24, tunnel_types: [" +
        story.types +
        "], users: {ann: secret}}\n"
        "virtual_networks:\n"
        "  hub: {address_space: [10.1.0.0/16], subnets: {GatewaySubnet: 10.1.255.0/27}}\n"
        "virtual_machines: {app1: {address: 10.1.0.4}}\n"
        "links: {alice-hotel: , hotel-isp: {delay: 5ms}, isp-gw: , isp-squid: }\n";
    auto reading = topologies::parse(text, "hotel.yaml");
    if (!reading.topology) throw std::runtime_error(to_string(reading.problems.at(0)));
    auto scenario = Scenario::create(*reading.topology, {});
    if (!scenario) throw std::runtime_error(scenario.error().detail);
    return std::move(*scenario);
}

constexpr auto kNoUdp = "{action: drop, direction: outbound, protocol: udp}";

// "ikev2: peer-silent", "sstp: up"
std::vector<std::string> told(Scenario& scenario) {
    std::vector<std::string> story;
    for (const auto& attempt : scenario.client("alice").status().attempts)
        story.push_back(attempt.protocol + ": " + (attempt.failure.empty() ? "up" : attempt.failure));
    return story;
}

bool is_up(Scenario& scenario, Duration limit = 10s) {
    return scenario.run_until([&] { return scenario.client("alice").status().up; }, limit);
}

bool has_failed(Scenario& scenario, Duration limit) {
    return scenario.run_until([&] { return !scenario.client("alice").status().failure.empty(); }, limit);
}

TEST(Fallback, OfWindowsIsSstp) {  // P2S-PROTO-04
    const auto scenario = begun({.alice = "personality: windows", .rules = kNoUdp});
    ASSERT_TRUE(is_up(*scenario)) << scenario->client("alice").status().failure;
    EXPECT_THAT(told(*scenario), ElementsAre("ikev2: peer-silent", "sstp: up"));
    EXPECT_EQ(scenario->ping("alice", "app1", 3).received, 3);
    const auto attempts = scenario->client("alice").status().attempts;
    EXPECT_EQ(attempts[0].ended - attempts[0].began, 7s);
    EXPECT_EQ(attempts[1].began, attempts[0].ended);
    EXPECT_LT(attempts[1].ended, 8s);
}

TEST(Fallback, OfWindowsIsNotNeededInTheOpen) {
    const auto scenario = begun({.alice = "personality: windows", .rules = ""});
    ASSERT_TRUE(is_up(*scenario));
    EXPECT_THAT(told(*scenario), ElementsAre("ikev2: up"));
}

TEST(Fallback, OfOthersDoesNotExist) {  // P2S-PROTO-04
    struct {
        const char* personality;
        Duration patience;
    } const rows[] = {{"macos", 31s}, {"ios", 31s}, {"strongswan", 165s}};
    for (const auto& [personality, patience] : rows) {
        const auto scenario = begun({.alice = std::string("personality: ") + personality, .rules = kNoUdp});
        ASSERT_TRUE(has_failed(*scenario, 10min)) << personality;
        EXPECT_THAT(told(*scenario), ElementsAre("ikev2: peer-silent")) << personality;
        const auto attempt = scenario->client("alice").status().attempts.at(0);
        EXPECT_GT(attempt.ended - attempt.began, patience - 1s) << personality;
        EXPECT_LT(attempt.ended - attempt.began, patience + 1s) << personality;
    }
}

TEST(Fallback, EndsWhereNothingPasses) {
    const auto scenario = begun({.alice = "personality: windows", .rules = "", .otherwise = "drop"});
    ASSERT_TRUE(has_failed(*scenario, 2min));
    EXPECT_THAT(told(*scenario), ElementsAre("ikev2: peer-silent", "sstp: no-connection"));
    EXPECT_EQ(scenario->client("alice").status().failure, "no-connection");
    EXPECT_EQ(scenario->client("alice").status().attempts[1].ended, 28s);  // 7 s and 21 s
}

TEST(Fallback, WaitsAsLongAsTheFileSays) {
    const auto scenario = begun({.alice = "personality: windows, give_up_after: 3s", .rules = kNoUdp});
    ASSERT_TRUE(is_up(*scenario));
    EXPECT_THAT(told(*scenario), ElementsAre("ikev2: timed-out", "sstp: up"));
    EXPECT_EQ(scenario->client("alice").status().attempts[0].ended, 3s);
}

TEST(Fallback, NeedsATunnelThatBothKnow) {
    const auto scenario = begun({.alice = "personality: macos", .rules = "", .types = "sstp"});
    ASSERT_TRUE(has_failed(*scenario, 1s));
    EXPECT_EQ(scenario->client("alice").status().failure, "no-common-tunnel");
    EXPECT_THAT(told(*scenario), IsEmpty());
}

// --- proxies --------------------------------------------------------------------------------------------------------

constexpr auto kOnlyProxy = "{action: allow, direction: outbound, protocol: tcp, destination: 192.0.2.3}";
constexpr auto kSignsIn = ", http_proxy: squid, http_proxy_username: bo, http_proxy_password: x";

TEST(BehindAProxy, SstpPassesOnceItSignsIn) {
    const auto scenario = begun({.alice = std::string("tunnels: sstp, authentication: password") + kSignsIn,
                                 .rules = kOnlyProxy,
                                 .otherwise = "drop"});
    ASSERT_TRUE(is_up(*scenario)) << scenario->client("alice").status().failure;
    EXPECT_EQ(scenario->client("alice").status().outer_peer, (Endpoint{{192, 0, 2, 3}, 3128}));
    EXPECT_EQ(scenario->ping("alice", "app1", 3).received, 3);
}

TEST(BehindAProxy, WindowsDoesNotSignIn) {
    const auto scenario =
        begun({.alice = std::string("personality: windows") + kSignsIn, .rules = kOnlyProxy, .otherwise = "drop"});
    ASSERT_TRUE(has_failed(*scenario, 2min));
    EXPECT_THAT(told(*scenario), ElementsAre("ikev2: peer-silent", "sstp: proxy-authentication-required"));
}

TEST(BehindAProxy, TheOpenVpnProgramSignsIn) {
    const auto scenario = begun({.alice = std::string("personality: openvpn-client") + kSignsIn,
                                 .rules = kOnlyProxy,
                                 .types = "openvpn",
                                 .otherwise = "drop"});
    ASSERT_TRUE(is_up(*scenario)) << scenario->client("alice").status().failure;
    EXPECT_EQ(scenario->ping("alice", "app1", 3).received, 3);
}

TEST(BehindAProxy, TheAzureClientDoesNotUseIt) {
    const auto scenario = begun({.alice = std::string("personality: azure-vpn-client") + kSignsIn,
                                 .rules = kOnlyProxy,
                                 .types = "openvpn",
                                 .otherwise = "drop"});
    ASSERT_TRUE(has_failed(*scenario, 5min));
    EXPECT_THAT(told(*scenario), ElementsAre("openvpn-tcp: no-connection"));
    EXPECT_EQ(scenario->client("alice").status().attempts[0].ended, 60s);
}

// --- dialling again -------------------------------------------------------------------------------------------------

TEST(AlwaysOn, ComesBackOverSstpWhenIkev2IsBlockedUnderIt) {  // P2S-FAQ-15
    const auto scenario = begun({.alice = "personality: windows, reconnects: true, liveness: 5s",
                                 .rules = "{action: drop, state: any, protocol: udp, from: 10s}, {action: drop, state: "
                                          "any, protocol: esp, from: 10s}"});
    ASSERT_TRUE(is_up(*scenario));
    EXPECT_EQ(scenario->client("alice").status().protocol, "ikev2");
    scenario->run_for(15s);
    ASSERT_TRUE(scenario->run_until([&] { return !scenario->client("alice").status().up; }, 30s));
    EXPECT_THAT(told(*scenario), IsEmpty()) << "a story of its own begins";
    ASSERT_TRUE(is_up(*scenario, 60s));
    EXPECT_THAT(told(*scenario), ElementsAre("ikev2: peer-silent", "sstp: up"));
    EXPECT_EQ(scenario->ping("alice", "app1", 3).received, 3);
}

TEST(AlwaysOn, IsNotWindowsWithoutIt) {
    const auto scenario = begun({.alice = "personality: windows", .rules = ""});
    ASSERT_TRUE(is_up(*scenario));
    scenario->gateway("gw").session("alice")->disconnect();
    scenario->run_for(2min);
    EXPECT_FALSE(scenario->client("alice").status().up);
    EXPECT_THAT(told(*scenario), IsEmpty());
}

TEST(AlwaysOn, FindsItsWayOnceTheNetworkOpens) {
    const auto scenario =
        begun({.alice = "personality: windows, reconnects: true", .rules = "{action: drop, until: 60s}"});
    EXPECT_FALSE(is_up(*scenario, 59s));
    EXPECT_GE(told(*scenario).size(), 2u);
    EXPECT_TRUE(is_up(*scenario, 90s));
}

TEST(OpenVpnProgram, ComesBackAfterItsGatewayHasStartedAnew) {
    const auto scenario = begun({.alice = "personality: openvpn-client", .rules = "", .types = "openvpn"});
    ASSERT_TRUE(is_up(*scenario));
    ASSERT_TRUE(scenario->gateway("gw").restart());
    ASSERT_TRUE(scenario->run_until([&] { return !scenario->client("alice").status().up; }, 3min));
    EXPECT_TRUE(is_up(*scenario, 30s));
    EXPECT_EQ(scenario->ping("alice", "app1", 3).received, 3);
}

}  // namespace
}  // namespace gatelab::sim
