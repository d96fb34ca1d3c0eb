// Tunnels over OpenVPN between our own client and gateway, in a running network.
#include <gmock/gmock.h>

#include "sim/scenario.h"
#include "tests/sim/scenario/openvpn_sample.h"

namespace gatelab::sim {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
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

TEST(OpenVpnInANetwork, ReachesAMachineOverTcp443) {
    const auto scenario = started(openvpn_office("openvpn: {transport: tcp}", ""));
    ASSERT_TRUE(comes_up(*scenario));
    EXPECT_EQ(scenario->ping("alice", "app1", 3).received, 3);
    EXPECT_EQ(scenario->ping("app1", "alice", 3).received, 3);
    const auto here = scenario->client("alice").status();
    EXPECT_EQ(here.protocol, "openvpn-tcp");
    EXPECT_EQ(here.inner_address, (Ipv4Address{10, 60, 0, 2}));
    EXPECT_THAT(here.dns, ElementsAre(Ipv4Address{10, 1, 0, 53}));
    EXPECT_THAT(here.routes, ElementsAre(Prefix{{10, 1, 0, 0}, 16}, Prefix{{10, 60, 0, 0}, 24}));
    EXPECT_EQ(here.outer_peer, (Endpoint{{203, 0, 113, 10}, 443}));
    EXPECT_EQ(here.peer, "gw.example.com");
    EXPECT_EQ(here.packets_out, 6u);
    auto* session = scenario->gateway("gw").session("alice");
    ASSERT_TRUE(session);
    const auto there = session->status();
    EXPECT_EQ(there.tls_suite, here.tls_suite);
    EXPECT_THAT(there.tls_suite, HasSubstr("TLSv1.2/TLS_ECDHE_ECDSA_WITH_AES"));
    EXPECT_EQ(there.data_cipher, "AES-256-GCM");
    EXPECT_EQ(there.outer_peer.address, (Ipv4Address{198, 51, 100, 2}));
    EXPECT_EQ(there.packets_in, 6u);
}

TEST(OpenVpnInANetwork, NegotiatesTls13WhereTheNewerPolicyHasIt) {
    const auto scenario = started(openvpn_office("openvpn: {transport: tcp}", "tls_policy: p2s-2026"));
    ASSERT_TRUE(comes_up(*scenario));
    EXPECT_THAT(scenario->client("alice").status().tls_suite, HasSubstr("TLSv1.3/TLS_AES"));
}

struct Way {
    std::string name, client, gateway;            // keys of the client's OpenVPN and of the gateway's
    std::string beside = {}, point_to_site = {};  // keys of the client and of its gateway beside OpenVPN's
};
class EveryWay : public testing::TestWithParam<Way> {};

TEST_P(EveryWay, CarriesPacketsAndRenegotiates) {
    const auto& way = GetParam();
    const auto scenario = started(
        openvpn_office("openvpn: {" + way.client + "}" + way.beside, way.gateway, "", "openvpn", way.point_to_site));
    ASSERT_TRUE(comes_up(*scenario)) << scenario->client("alice").status().failure;
    EXPECT_EQ(scenario->ping("alice", "app1", 2).received, 2);
    scenario->client("alice").rekey_child();
    EXPECT_EQ(scenario->ping("alice", "app1", 20).received, 20);
    EXPECT_EQ(scenario->client("alice").status().child_rekeys, 1);
    scenario->gateway("gw").session("alice")->rekey_ike();
    EXPECT_EQ(scenario->ping("app1", "alice", 20).received, 20);
    EXPECT_EQ(scenario->client("alice").status().child_rekeys, 2);
    EXPECT_EQ(scenario->gateway("gw").session("alice")->status().ike_rekeys, 2);
}

const Way kWays[] = {
    {"UdpTlsAuth", "transport: udp", "udp_port: 1194"},
    {"TcpTlsAuth", "transport: tcp", "tcp_port: 443"},
    {"UdpTlsCrypt", "transport: udp", "udp_port: 1194, protection: tls-crypt"},
    {"TcpTlsCrypt", "transport: tcp", "protection: tls-crypt"},
    {"UdpTlsCryptV2", "transport: udp", "udp_port: 1194, protection: tls-crypt-v2"},
    {"TcpTlsCryptV2", "transport: tcp", "protection: tls-crypt-v2"},
    {"UdpUnprotected", "transport: udp", "udp_port: 1194, protection: none"},
    {"UdpSha1", "transport: udp, auth: SHA1", "udp_port: 1194, auth: SHA1"},
    {"UdpAes128", "transport: udp, data_ciphers: AES-128-GCM", "udp_port: 1194, data_ciphers: AES-128-GCM"},
    {"TcpCbc", "transport: tcp, data_ciphers: AES-256-CBC", "data_ciphers: AES-256-CBC"},
    {"UdpFragment", "transport: udp, fragment: 600", "udp_port: 1194, fragment: 600"},
    {"AzureVpnClient", "transport: tcp", "", ", personality: azure-vpn-client"},
    {"Password", "transport: tcp", "", ", username: ann, password: secret", ", users: {ann: secret}"},
    {"AuthToken", "transport: tcp", "pushes_auth_token: true", ", username: ann, password: secret",
     ", users: {ann: secret}"},
};
INSTANTIATE_TEST_SUITE_P(OpenVpnInANetwork, EveryWay, testing::ValuesIn(kWays),
                         [](const auto& way) { return way.param.name; });

TEST(OpenVpnInANetwork, IsRefusedWithAWrongPassword) {
    const auto scenario = started(openvpn_office("openvpn: {transport: tcp}, username: ann, password: guess", "", "",
                                                 "openvpn", ", users: {ann: secret}"));
    EXPECT_FALSE(comes_up(*scenario, "alice", 20s));
    EXPECT_EQ(scenario->client("alice").status().failure, "authentication-failed");
    const auto refused = events_of(*scenario, "gw", "session-refused");
    ASSERT_EQ(refused.size(), 1u);
    EXPECT_EQ(text_of(refused[0].attributes, "why"), "wrong user name or password");
    EXPECT_TRUE(scenario->gateway("gw").sessions().empty());
}

TEST(OpenVpnInANetwork, SignsInWithAPasswordAlone) {
    const auto scenario =
        started(openvpn_office("authentication: password, openvpn: {transport: tcp}, username: ann, password: secret",
                               "certificate_required: false", "", "openvpn", ", users: {ann: secret}"));
    ASSERT_TRUE(comes_up(*scenario)) << scenario->client("alice").status().failure;
    EXPECT_THAT(scenario->gateway("gw").sessions(), ElementsAre("ann"));
}

TEST(OpenVpnInANetwork, SitsBesideIkeV2AtOneGateway) {
    auto topology = openvpn_office("openvpn: {transport: tcp}", "udp_port: 1194", "", "ikev2, openvpn");
    topologies::find_as<topologies::Client>(topology, "bob")->tunnels = {topologies::Tunnel::IkeV2};
    const auto scenario = started(topology);
    ASSERT_TRUE(comes_up(*scenario));
    scenario->client("bob").connect();
    ASSERT_TRUE(comes_up(*scenario, "bob"));
    EXPECT_THAT(scenario->gateway("gw").sessions(), ElementsAre("alice", "bob"));
    EXPECT_EQ(scenario->client("bob").status().protocol, "ikev2");
    EXPECT_EQ(scenario->client("bob").status().inner_address, (Ipv4Address{10, 60, 0, 3}));
    EXPECT_EQ(scenario->ping("alice", "bob", 3).received, 3);  // P2S-RT-13, whatever the tunnels
    EXPECT_EQ(scenario->ping("bob", "alice", 3).received, 3);
}

TEST(OpenVpnInANetwork, ComesBackToAGatewayThatWasStartedAnew) {
    for (const auto* transport : {"udp", "tcp"}) {
        const auto scenario = started(openvpn_office(std::string("openvpn: {transport: ") + transport + "}",
                                                     "udp_port: 1194, ping: 1s, ping_restart: 5s"));
        ASSERT_TRUE(comes_up(*scenario));
        ASSERT_TRUE(scenario->gateway("gw").restart());
        EXPECT_TRUE(scenario->gateway("gw").sessions().empty());
        ASSERT_TRUE(scenario->run_until([&] { return !scenario->client("alice").status().up; }, 10s)) << transport;
        EXPECT_THAT(scenario->client("alice").status().failure, testing::AnyOf("peer-silent", "peer-exit"));
        scenario->client("alice").connect();
        ASSERT_TRUE(comes_up(*scenario)) << transport;
        EXPECT_EQ(scenario->client("alice").status().inner_address, (Ipv4Address{10, 60, 0, 2}));
        EXPECT_EQ(scenario->ping("alice", "app1", 2).received, 2);
        ASSERT_TRUE(scenario->gateway("gw").session("alice"));
    }
}

TEST(OpenVpnInANetwork, EndsAtBothEndsWhicheverLeaves) {
    for (const auto* client : {"transport: tcp", "transport: udp, explicit_exit_notify: 1"})
        for (const bool from_client : {true, false}) {
            const auto scenario = started(openvpn_office("openvpn: {" + std::string(client) + "}", "udp_port: 1194"));
            ASSERT_TRUE(comes_up(*scenario));
            if (from_client)
                scenario->client("alice").disconnect();
            else
                scenario->gateway("gw").session("alice")->disconnect();
            scenario->run_for(2s);
            EXPECT_FALSE(scenario->client("alice").status().up) << client;
            EXPECT_EQ(scenario->client("alice").status().failure, from_client ? "requested" : "peer-exit") << client;
            EXPECT_TRUE(scenario->gateway("gw").sessions().empty()) << client;
        }
}

TEST(OpenVpnInANetwork, GivesUpAGatewayThatIsNotThere) {
    auto topology = openvpn_office("openvpn: {transport: udp, handshake_window: 10s}");
    topologies::find_as<topologies::Gateway>(topology, "gw")->implementation = topologies::Implementation::Absent;
    const auto scenario = started(topology);
    EXPECT_FALSE(comes_up(*scenario, "alice", 15s));
    EXPECT_EQ(scenario->client("alice").status().failure, "handshake-timeout");
}

TEST(OpenVpnInANetwork, IsRefusedWhereNobodyListens) {
    auto topology = openvpn_office("openvpn: {transport: tcp}", "");
    topologies::find_as<topologies::Gateway>(topology, "gw")->implementation = topologies::Implementation::Absent;
    const auto scenario = started(topology);
    EXPECT_FALSE(comes_up(*scenario, "alice", 15s));
    EXPECT_EQ(scenario->client("alice").status().failure, "no-connection");
}

TEST(OpenVpnInANetwork, LosesNothingThatTcpCarriesOverALossyLink) {
    auto topology = openvpn_office("openvpn: {transport: tcp}", "ping: 0s, ping_restart: 0s");
    for (const auto edge : boost::make_iterator_range(boost::edges(topology.graph)))
        if (topology.graph[edge].name == "alice-isp") topology.graph[edge].loss = 0.02;
    const auto scenario = started(topology);
    ASSERT_TRUE(comes_up(*scenario));
    scenario->ping("alice", "app1", 300);
    scenario->run_for(20s);  // what was lost at the end comes late
    EXPECT_EQ(scenario->gateway("gw").session("alice")->status().packets_in, 300u);
    EXPECT_EQ(scenario->client("alice").status().packets_in, 300u);
}

TEST(OpenVpnInANetwork, RepeatsByteForByte) {
    const auto log = [] {
        const auto scenario = started(openvpn_office("openvpn: {transport: udp, renegotiate: 5s}"));
        scenario->run_for(20s);
        std::string text;
        for (const auto& event : scenario->events()) text += to_json_line(event) + '\n';
        return text;
    };
    const auto first = log();
    EXPECT_THAT(first, HasSubstr("renegotiated"));
    EXPECT_EQ(first, log());
}

}  // namespace
}  // namespace gatelab::sim
