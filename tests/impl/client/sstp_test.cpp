// How a client dials over SSTP, and how Windows comes to do so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_proxy.h"
#include "tests/support/fake_tcp.h"
#include "tests/support/p2s_lab.h"

namespace gatelab::client {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::FakeHost;
using testing::FakeNetwork;
using testing::FakeProxy;
using testing::kGatewayAddress;
using testing::kServerAddress;
using testing::P2sLab;
using testing::sstp_gateway_config;
using testing::sstp_user_config;

constexpr Ipv4Address kAlice{198, 51, 100, 10}, kProxyAddress{198, 51, 100, 1};
constexpr Endpoint kProxy{kProxyAddress, 3128};

TEST(SstpClient, PassesThroughItsStates) {
    P2sLab lab{sstp_gateway_config()};
    auto& alice = lab.add_user("alice", kAlice, {}, sstp_user_config("alice"));
    std::vector<State> states;
    alice.client.on_change([&](State state) { states.push_back(state); });
    ASSERT_TRUE(lab.connect(alice)) << alice.client.status().detail;
    EXPECT_EQ(alice.client.status().inner_address, (Ipv4Address{10, 60, 0, 2}));
    EXPECT_THAT(alice.client.status().dns, ElementsAre(Ipv4Address{10, 1, 0, 53}));
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 3), 3);
    EXPECT_EQ(lab.ping(lab.server, {10, 60, 0, 2}, 3), 3);
    alice.client.disconnect();
    EXPECT_EQ(alice.host.routes().lookup(kServerAddress)->interface, "eth0");  // at once
    lab.network.run_for(10s);
    EXPECT_THAT(states, ElementsAre(State::Connecting, State::Connected, State::Disconnecting, State::Idle));
    EXPECT_EQ(alice.client.status().failure, "requested");
    EXPECT_TRUE(lab.gateway->sessions().empty());
    EXPECT_EQ(testing::sstp_of(alice.client).session.tls_version, "TLSv1.2");  // stays to be read
    ASSERT_TRUE(lab.connect(alice));
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 2), 2);
}

TEST(SstpClient, RoutesWhatItsProfileSays) {  // P2S-RT-16
    P2sLab lab{sstp_gateway_config()};
    auto& alice = lab.add_user("alice", kAlice, {}, sstp_user_config("alice"));
    ASSERT_TRUE(lab.connect(alice));
    EXPECT_THAT(alice.client.status().routes, ElementsAre(Prefix{{10, 1, 0, 0}, 16}, Prefix{{10, 60, 0, 0}, 24}));
    EXPECT_EQ(alice.host.routes().lookup(kGatewayAddress)->destination.length(), 32);
}

TEST(SstpClient, RoutesTheClassOfItsAddressWithoutAProfile) {
    P2sLab lab{sstp_gateway_config()};
    auto config = sstp_user_config("alice");
    testing::sstp_of(config).destinations.clear();
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    ASSERT_TRUE(lab.connect(alice));
    EXPECT_THAT(alice.client.status().routes, ElementsAre(Prefix{{10, 0, 0, 0}, 8}));
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 2), 2);
}

TEST(SstpClient, FailsByNameWhenItIsRefused) {
    P2sLab lab{sstp_gateway_config()};
    auto& alice = lab.add_user("alice", kAlice, {}, sstp_user_config("alice", "wrong"));
    EXPECT_FALSE(lab.connect(alice));
    EXPECT_EQ(alice.client.status().failure, "authentication-failed");
}

TEST(SstpClient, TrustsNoGatewayOfAnotherName) {  // SSTP-03
    P2sLab lab{sstp_gateway_config()};
    auto config = sstp_user_config("alice");
    testing::sstp_of(config).session.host = "other.example.com";
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    EXPECT_FALSE(lab.connect(alice));
    EXPECT_EQ(alice.client.status().failure, "tls-failed");
}

TEST(SstpClient, SaysWhyItCannotEvenDial) {
    FakeNetwork network;
    FakeHost host{network, "alice", kAlice};
    const auto failure_of = [&](const Config& config) {
        Client client{host, config};
        client.connect();
        network.run_for(1s);
        return client.status().failure;
    };
    auto config = sstp_user_config("alice");
    EXPECT_EQ(failure_of(config), "no-connection");
    testing::sstp_of(config).session.ppp.authentication.clear();
    EXPECT_EQ(failure_of(config), "bad-profile");
    host.routes().remove({Prefix{}, "eth0", {}});
    EXPECT_EQ(failure_of(sstp_user_config("alice")), "no-route");
}

TEST(SstpClient, GivesAMuteGatewayUpInItsTime) {
    FakeNetwork network;
    FakeHost host{network, "alice", kAlice}, gateway{network, "gw", kGatewayAddress};
    const auto listener = *gateway.listen_tcp({kGatewayAddress, 443});
    std::vector<std::unique_ptr<TcpStream>> held;
    listener->on_accept([&](std::unique_ptr<TcpStream> stream) { held.push_back(std::move(stream)); });
    auto config = sstp_user_config("alice");
    adopt(Personality::Windows, config);
    Client client{host, config};
    client.connect();
    ASSERT_TRUE(network.run_until([&] { return client.status().state == State::Failed; }, 10min));
    const auto attempt = client.status().attempts.at(0);
    EXPECT_EQ(attempt.failure, "negotiation-timeout");
    EXPECT_LE(*attempt.ended - attempt.began, 61s + 3s);  // SSTP-02, and the end of it
}

TEST(SstpClient, NoticesAGatewayThatHasDied) {
    auto gateway = sstp_gateway_config();
    P2sLab lab{gateway};
    auto& alice = lab.add_user("alice", kAlice, {}, sstp_user_config("alice"));
    ASSERT_TRUE(lab.connect(alice));
    lab.network.tcp().stalled = true;  // nothing arrives any more
    lab.network.run_until([&] { return !alice.is(State::Connected); }, 10min);
    EXPECT_EQ(alice.client.status().failure, "peer-silent");
    EXPECT_EQ(alice.host.routes().lookup(kServerAddress)->interface, "eth0");
    lab.network.tcp().stalled = false;
}

TEST(SstpClient, NoticesThatTheConnectionBroke) {
    P2sLab lab{sstp_gateway_config()};
    auto& alice = lab.add_user("alice", kAlice, {}, sstp_user_config("alice"));
    ASSERT_TRUE(lab.connect(alice));
    lab.gateway.reset();
    lab.network.run_for(10s);
    EXPECT_EQ(alice.client.status().failure, "connection-lost");
}

TEST(SstpClient, CanBeStoppedAtAnyTime) {
    for (auto after = 0ms; after < 200ms; after += 5ms) {
        P2sLab lab{sstp_gateway_config()};
        auto& alice = lab.add_user("alice", kAlice, {}, sstp_user_config("alice"));
        alice.client.connect();
        lab.network.run_for(after);
        alice.client.disconnect();
        lab.network.run_for(60s);
        EXPECT_TRUE(alice.is(State::Idle)) << after.count();
        EXPECT_EQ(alice.client.status().failure, "requested");
        EXPECT_TRUE(lab.gateway->sessions().empty());
        ASSERT_TRUE(lab.connect(alice)) << after.count() << ": " << alice.client.status().detail;
        EXPECT_EQ(lab.ping(alice.host, kServerAddress, 1), 1);
    }
}

TEST(SstpClient, DropsPacketsForWhichTcpHasNoRoom) {
    P2sLab lab{sstp_gateway_config()};
    auto& alice = lab.add_user("alice", kAlice, {}, sstp_user_config("alice"));
    ASSERT_TRUE(lab.connect(alice));
    lab.network.tcp().stalled = true;
    for (std::uint16_t i = 0; i < 300; ++i) alice.host.ping(kServerAddress, i, 1200);
    lab.network.run_for(1s);
    EXPECT_GT(testing::sstp_of(alice.client).dropped, 100u);
    lab.network.tcp().stalled = false;
    lab.network.run_for(5s);
    EXPECT_TRUE(alice.is(State::Connected));
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 3), 3);
}

// --- through a proxy ------------------------------------------------------------------------------------------------

struct ProxyLab {
    explicit ProxyLab(gateway::Config gateway = sstp_gateway_config()) : lab(std::move(gateway)) {
        lab.network.filter = [](Bytes& packet) {
            return testing::ip_header(packet)->protocol != static_cast<std::uint8_t>(IpProtocol::Udp);
        };
        proxy.names = {{"gw.example.com", kGatewayAddress}};
    }
    P2sLab lab;
    FakeHost proxy_host{lab.network, "proxy", kProxyAddress};
    FakeProxy proxy{proxy_host, kProxy};
};

Config over_proxy(Config config, std::optional<http::Credentials> password = {}) {
    std::get<Sstp>(config.plan.back().tunnel).proxy = HttpProxy{kProxy, std::move(password)};
    return config;
}

TEST(SstpOverAProxy, CarriesPackets) {
    ProxyLab behind;
    auto& lab = behind.lab;
    auto& alice = lab.add_user("alice", kAlice, {}, over_proxy(sstp_user_config("alice")));
    ASSERT_TRUE(lab.connect(alice)) << alice.client.status().detail;
    EXPECT_THAT(behind.proxy.asked, ElementsAre("gw.example.com:443"));  // [MS-SSTP] section 4.5
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 3), 3);
    EXPECT_EQ(testing::sstp_of(alice.client).peer, kProxy);
    EXPECT_EQ(alice.host.routes().lookup(kProxyAddress)->destination.length(), 32);
}

// --- Windows --------------------------------------------------------------------------------------------------------

Config windows() {
    auto config = testing::user_config("alice");
    config.plan.push_back(sstp_user_config("alice").plan[0]);
    adopt(Personality::Windows, config);
    return config;
}

gateway::Config gateway_of_both() {
    auto config = testing::gateway_config();
    config.sstp = sstp_gateway_config().sstp;
    return config;
}

TEST(Windows, TakesIkev2WhereItCan) {  // P2S-PROTO-04
    P2sLab lab{gateway_of_both()};
    auto& alice = lab.add_user("alice", kAlice, {}, windows());
    ASSERT_TRUE(lab.connect(alice));
    EXPECT_EQ(alice.client.status().attempts.size(), 1u);
    EXPECT_EQ(alice.client.status().attempts[0].protocol, "ikev2");
}

TEST(Windows, FallsBackToSstpWhereIkev2DoesNotPass) {  // P2S-PROTO-04
    ProxyLab behind{gateway_of_both()};                // whose proxy it does not use
    auto& lab = behind.lab;
    auto& alice = lab.add_user("alice", kAlice, {}, windows());
    const auto start = lab.network.now();
    ASSERT_TRUE(lab.connect(alice)) << alice.client.status().detail;
    const auto status = alice.client.status();
    ASSERT_EQ(status.attempts.size(), 2u);
    EXPECT_EQ(status.attempts[0].failure, "peer-silent");
    EXPECT_EQ(status.attempts[1].protocol, "sstp");
    EXPECT_EQ(status.attempts[1].failure, "");
    EXPECT_LE(*status.connected_at - start, 8s);
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 3), 3);
}

TEST(Windows, DialsSstpThroughTheMachinesProxy) {
    ProxyLab behind{gateway_of_both()};
    auto& alice = behind.lab.add_user("alice", kAlice, {}, over_proxy(windows()));
    EXPECT_TRUE(behind.lab.connect(alice)) << alice.client.status().detail;
    EXPECT_EQ(behind.proxy.asked.size(), 1u);
}

TEST(Windows, DoesNotSignInAtAProxy) {  // RRAS blog, SSTP FAQ part 2
    ProxyLab behind{gateway_of_both()};
    behind.proxy.wanted = http::Credentials{"alice", "secret"};
    auto config = over_proxy(windows(), http::Credentials{"alice", "secret"});
    adopt(Personality::Windows, config);
    auto& alice = behind.lab.add_user("alice", kAlice, {}, config);
    EXPECT_FALSE(behind.lab.connect(alice));
    EXPECT_EQ(alice.client.status().failure, "proxy-authentication-required");
}

TEST(Windows, TriesSstpAlsoWhenIkev2WasRefused) {  // [MS-RRASM] section 2.2.2.2.11
    P2sLab lab{gateway_of_both()};
    auto config = windows();
    testing::connection_of(config).peer.identifications = {ikev2::Identification::fqdn("other.example.com")};
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    ASSERT_TRUE(lab.connect(alice));
    EXPECT_EQ(alice.client.status().attempts.at(0).failure, "authentication-failed");
    EXPECT_EQ(alice.client.status().attempts.at(1).protocol, "sstp");
}

TEST(Windows, GivesASilentPortUpAfterThreeSyns) {
    FakeNetwork network;
    network.delay = 1h;
    FakeHost host{network, "alice", kAlice};
    auto config = sstp_user_config("alice");
    adopt(Personality::Windows, config);
    Client client{host, config};
    client.connect();
    ASSERT_TRUE(network.run_until([&] { return client.status().state == State::Failed; }, 10min));
    const auto attempt = client.status().attempts.at(0);
    EXPECT_EQ(attempt.failure, "no-connection");
    EXPECT_EQ(*attempt.ended - attempt.began, 21s);
}

}  // namespace
}  // namespace gatelab::client
