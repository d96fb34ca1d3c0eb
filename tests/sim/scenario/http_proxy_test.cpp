// Topologies whose clients reach their gateway through an HTTP proxy.
#include <gtest/gtest.h>

#include <stdexcept>

#include "sim/scenario.h"
#include "topologies/yaml/reader.h"

namespace gatelab::sim {
namespace {

using namespace std::chrono_literals;

// alice and a proxy in an office that lets out nothing but what the proxy opens.
topologies::Topology office(const std::string& alice, const std::string& proxy) {
    const auto text = std::string("name: office\n") +
                      "certificates:\n"
                      "  P2SRootCert: {key: ecdsa-256}\n"
                      "  gw.example.com: {issuer: P2SRootCert, key: ecdsa-256}\n"
                      "  alice: {issuer: P2SRootCert, key: ecdsa-256}\n"
                      "clients:\n"
                      "  alice: {address: 192.168.1.10, connect_at: 0s, tunnels: openvpn" +
                      (alice.empty() ? "" : ", ") + alice +
                      "}\n"
                      "routers: [lan, isp]\n"
                      "http_proxies: {squid: {address: 192.168.1.2" +
                      proxy +
                      "}}\n"
                      "firewalls:\n"
                      "  edge:\n"
                      "    inside: lan\n"
                      "    otherwise: drop\n"
                      "    rules: [{action: allow, direction: outbound, protocol: tcp, source: 192.168.1.2/32}]\n"
                      "gateways:\n"
                      "  gw:\n"
                      "    public_address: 203.0.113.10\n"
                      "    server_name: gw.example.com\n"
                      "    point_to_site: {address_pool: 10.60.0.0/24, tunnel_types: openvpn}\n"
                      "virtual_networks:\n"
                      "  hub: {address_space: [10.1.0.0/16], subnets: {GatewaySubnet: 10.1.255.0/27}}\n"
                      "virtual_machines: {app1: {address: 10.1.0.4}}\n"
                      "links: {alice-lan: , squid-lan: , lan-edge: , edge-isp: {delay: 5ms}, isp-gw: }\n";
    auto reading = topologies::parse(text, "office.yaml");
    if (!reading.topology) throw std::runtime_error(to_string(reading.problems.at(0)));
    return std::move(*reading.topology);
}

std::unique_ptr<Scenario> started(const topologies::Topology& topology) {
    auto scenario = Scenario::create(topology, {});
    if (!scenario) throw std::runtime_error(scenario.error().detail);
    return std::move(*scenario);
}

bool comes_up(Scenario& scenario, Duration limit = 30s) {
    return scenario.run_until([&] { return scenario.client("alice").status().up; }, limit);
}

std::vector<const Event*> of_proxy(const Scenario& scenario, std::string_view name) {
    std::vector<const Event*> found;
    for (const auto& event : scenario.events())
        if (event.node == "squid" && event.event == name) found.push_back(&event);
    return found;
}

TEST(HttpProxyInANetwork, IsTheWayOutThatAFirewallLeaves) {
    EXPECT_FALSE(comes_up(*started(office("", ""))));
    const auto scenario = started(office("http_proxy: squid", ""));
    ASSERT_TRUE(comes_up(*scenario)) << scenario->client("alice").status().failure;
    EXPECT_EQ(scenario->ping("alice", "app1", 5).received, 5);
    EXPECT_EQ(to_string(scenario->gateway("gw").session("alice")->status().outer_peer.address), "192.168.1.2");
    const auto opened = of_proxy(*scenario, "tunnel-opened");
    ASSERT_EQ(opened.size(), 1u);
    EXPECT_EQ(text_of(opened[0]->attributes, "address"), "203.0.113.10:443");
}

TEST(HttpProxyInANetwork, AsksForItsOwnNameAndPassword) {
    const std::string users = ", users: {bo: x}";
    const auto right = started(office("http_proxy: squid, http_proxy_username: bo, http_proxy_password: x", users));
    ASSERT_TRUE(comes_up(*right)) << right->client("alice").status().failure;
    EXPECT_EQ(text_of(of_proxy(*right, "tunnel-opened").at(0)->attributes, "user"), "bo");
}

TEST(HttpProxyInANetwork, LetsNobodyThroughWithoutIt) {
    const std::string users = ", users: {bo: x}";
    for (const auto* said :
         {"http_proxy: squid", "http_proxy: squid, http_proxy_username: bo, http_proxy_password: y"}) {
        const auto wrong = started(office(said, users));
        EXPECT_FALSE(comes_up(*wrong));
        EXPECT_EQ(wrong->client("alice").status().failure, "proxy-authentication-required") << said;
        EXPECT_FALSE(of_proxy(*wrong, "refused").empty());
        EXPECT_TRUE(of_proxy(*wrong, "tunnel-opened").empty());
    }
}

TEST(HttpProxyInANetwork, ConnectsToAllowedPortsAlone) {
    const auto scenario = started(office("http_proxy: squid", ", allowed_ports: 8443"));
    EXPECT_FALSE(comes_up(*scenario));
    EXPECT_EQ(scenario->client("alice").status().failure, "proxy-refused");
    EXPECT_EQ(text_of(of_proxy(*scenario, "refused").at(0)->attributes, "why"), "port 443 is not allowed");
}

// P2S-PROTO-04, where IKEv2 comes to nothing.
TEST(HttpProxyInANetwork, BringsAWindowsClientToSstp) {
    const auto topology = topologies::load("proxy-only").value();
    const auto scenario = started(topology);
    ASSERT_TRUE(comes_up(*scenario, topology.flows.at(0).start)) << scenario->client("alice").status().failure;
    EXPECT_EQ(scenario->ping("alice", "web", 3).received, 3);
    const auto status = scenario->client("alice").status();
    EXPECT_EQ(status.protocol, "sstp");
    EXPECT_EQ(status.crypto_binding, "SHA256");
    ASSERT_EQ(status.attempts.size(), 2u);
    EXPECT_EQ(status.attempts[0].protocol, "ikev2");
    EXPECT_EQ(status.attempts[0].failure, "peer-silent");
    EXPECT_EQ(status.attempts[1].protocol, "sstp");
    EXPECT_EQ(status.attempts[1].failure, "");
}

TEST(HttpProxyInANetwork, CarriesSstpForWhoSignsInAtIt) {
    auto topology = topologies::load("proxy-only").value();
    topologies::find_as<topologies::HttpProxy>(topology, "proxy")->users = {{"bo", "x"}};
    auto& alice = *topologies::find_as<topologies::Client>(topology, "alice");
    alice.personality = topologies::Personality::Gatelab;
    alice.tunnels = {topologies::Tunnel::Sstp};
    alice.http_proxy_username = "bo";
    alice.http_proxy_password = "x";
    const auto scenario = started(topology);
    ASSERT_TRUE(comes_up(*scenario)) << scenario->client("alice").status().failure;
    EXPECT_EQ(scenario->ping("alice", "web", 3).received, 3);
}

TEST(HttpProxyInANetwork, LeavesAWindowsClientOutWhereItAsksForAPassword) {
    auto topology = topologies::load("proxy-only").value();
    topologies::find_as<topologies::HttpProxy>(topology, "proxy")->users = {{"bo", "x"}};
    const auto scenario = started(topology);
    EXPECT_FALSE(comes_up(*scenario, topology.duration));
    EXPECT_EQ(scenario->client("alice").status().failure, "proxy-authentication-required");
}

TEST(HttpProxyInANetwork, ClosesWhatAClientHasLeft) {
    const auto scenario = started(office("http_proxy: squid", ""));
    ASSERT_TRUE(comes_up(*scenario));
    scenario->client("alice").disconnect();
    EXPECT_TRUE(scenario->run_until([&] { return !of_proxy(*scenario, "tunnel-closed").empty(); }, 30s));
}

}  // namespace
}  // namespace gatelab::sim
