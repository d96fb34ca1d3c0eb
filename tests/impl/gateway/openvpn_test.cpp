// A gateway's OpenVPN: who is let in, what they are given, and what strangers can do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "impl/gateway/openvpn_service.h"
#include "tests/support/fake_tcp.h"
#include "tests/support/p2s_lab.h"

namespace gatelab::gateway {
namespace {

using namespace std::chrono_literals;
using client::State;
using openvpn::Transport;
using ::testing::ElementsAre;
using testing::kGatewayAddress;
using testing::kServerAddress;
using testing::openvpn_gateway_config;
using testing::openvpn_of;
using testing::openvpn_user_config;
using testing::P2sLab;

constexpr Ipv4Address kAlice{198, 51, 100, 10}, kBob{198, 51, 100, 11};

class OverEither : public ::testing::TestWithParam<Transport> {
protected:
    P2sLab::User& add_user(P2sLab& lab, const std::string& name, Ipv4Address address,
                           const std::string& password = "") {
        return lab.add_user(name, address, {}, openvpn_user_config(name, GetParam(), password));
    }
};

TEST_P(OverEither, GivesAddressDnsAndRoutesAndCarriesPackets) {
    P2sLab lab{openvpn_gateway_config()};
    auto& alice = add_user(lab, "alice", kAlice);
    ASSERT_TRUE(lab.connect(alice)) << alice.client.status().failure << ": " << alice.client.status().detail;
    const auto status = alice.client.status();
    EXPECT_EQ(status.inner_address, (Ipv4Address{10, 60, 0, 2}));
    EXPECT_THAT(status.dns, ElementsAre(Ipv4Address{10, 1, 0, 53}));
    EXPECT_THAT(status.routes, ElementsAre(Prefix{{10, 1, 0, 0}, 16}, Prefix{{10, 60, 0, 0}, 24}));
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 5), 5);
    EXPECT_EQ(lab.ping(lab.server, {10, 60, 0, 2}, 5), 5);
    const auto session = lab.gateway->session_of("alice");
    ASSERT_TRUE(session);
    const auto tunnel = openvpn_of(*session);
    EXPECT_EQ(tunnel.transport, GetParam());
    EXPECT_EQ(tunnel.peer.address, kAlice);
    EXPECT_EQ(tunnel.session.data.packets_in, 10u);
    EXPECT_EQ(tunnel.session.data.bytes_in, 10u * 84);
}

TEST_P(OverEither, LetsTwoClientsTalk) {
    P2sLab lab{openvpn_gateway_config()};
    auto& alice = add_user(lab, "alice", kAlice);
    auto& bob = add_user(lab, "bob", kBob);
    ASSERT_TRUE(lab.connect(alice) && lab.connect(bob));
    EXPECT_EQ(lab.ping(alice.host, {10, 60, 0, 3}, 3), 3);
}

TEST_P(OverEither, RefusesWhomNoAddressIsLeftForAndTakesTheFirstFreeOne) {
    auto config = openvpn_gateway_config();
    config.client_address_pool = Prefix{{10, 60, 0, 0}, 29};
    P2sLab lab{config};
    for (std::uint8_t i = 0; i < 5; ++i)
        ASSERT_TRUE(
            lab.connect(add_user(lab, "user" + std::to_string(i), {198, 51, 100, static_cast<std::uint8_t>(20 + i)})));
    auto& late = add_user(lab, "late", {198, 51, 100, 40});
    EXPECT_FALSE(lab.connect(late));
    EXPECT_EQ(late.client.status().failure, "authentication-failed");
    EXPECT_EQ(late.client.status().detail, "address pool exhausted");  // AUTH_FAILED,address pool exhausted
    lab.gateway->disconnect(lab.gateway->sessions().at(1).id);
    lab.network.run_for(1s);
    ASSERT_TRUE(lab.connect(late));
    EXPECT_EQ(late.client.status().inner_address, (Ipv4Address{10, 60, 0, 3}));  // P2S-FAQ-12
}

TEST_P(OverEither, RefusesAUserAboveTheLimitOfTheSku) {
    auto config = openvpn_gateway_config();
    config.session_limit = 1;
    P2sLab lab{config};
    auto& alice = add_user(lab, "alice", kAlice);
    auto& bob = add_user(lab, "bob", kBob);
    ASSERT_TRUE(lab.connect(alice));
    EXPECT_FALSE(lab.connect(bob));
    EXPECT_EQ(bob.client.status().detail, "session limit reached");
    EXPECT_EQ(lab.gateway->free_addresses(), 252u);
}

TEST_P(OverEither, AsksForNameAndPasswordWhereThereAreUsers) {
    auto config = openvpn_gateway_config();
    config.openvpn->users = {{"alice", "right"}, {"bob", "other"}};
    P2sLab lab{config};
    EXPECT_TRUE(lab.connect(add_user(lab, "alice", kAlice, "right")));
    auto& wrong = add_user(lab, "bob", kBob, "right");
    EXPECT_FALSE(lab.connect(wrong));
    EXPECT_EQ(wrong.client.status().detail, "wrong user name or password");
    EXPECT_FALSE(lab.connect(add_user(lab, "carol", {198, 51, 100, 12})));
    EXPECT_EQ(lab.gateway->sessions().size(), 1u);
}

TEST_P(OverEither, AcceptsATokenInThePasswordsPlaceWhenItRenegotiates) {
    auto config = openvpn_gateway_config();
    config.openvpn->users = {{"alice", "right"}};
    config.openvpn->pushes_auth_token = true;
    P2sLab lab{config};
    auto& alice = add_user(lab, "alice", kAlice, "right");
    ASSERT_TRUE(lab.connect(alice));
    EXPECT_THAT(openvpn_of(alice.client).session.pushed->auth_token, ::testing::StartsWith("SESS_ID_AT_"));
    alice.client.rekey_child();
    lab.network.run_for(2s);
    EXPECT_EQ(openvpn_of(alice.client).session.renegotiations, 1);
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 3), 3);
}

TEST_P(OverEither, RefusesAStrangersCertificate) {
    P2sLab lab{openvpn_gateway_config()};
    auto config = openvpn_user_config("alice", GetParam());
    crypto::CertificateRequest request;
    request.common_name = "alice";
    request.not_before = instant_from_unix(1577836800);
    request.not_after = instant_from_unix(2493072000);
    const auto stranger = crypto::make_root(request, crypto::PrivateKey::generate_ecdsa(256));
    testing::profile_of(config).certificate = stranger.certificate.to_pem();
    testing::profile_of(config).key = stranger.key.to_pem();
    auto& mallory = lab.add_user("mallory", kAlice, {}, config);
    EXPECT_FALSE(lab.connect(mallory));
    EXPECT_TRUE(lab.gateway->sessions().empty());
    EXPECT_EQ(lab.gateway->free_addresses(), 253u);
}

TEST_P(OverEither, PassesOnNothingFromAnAddressThatIsNotTheClients) {
    P2sLab lab{openvpn_gateway_config()};
    auto& alice = add_user(lab, "alice", kAlice);
    ASSERT_TRUE(lab.connect(alice));
    int arrived = 0;
    lab.network.filter = [&](Bytes& packet) {
        const auto header = testing::ip_header(packet);
        if (header && header->destination == kServerAddress) ++arrived;
        return true;
    };
    alice.host.send(testing::echo_packet({10, 60, 0, 99}, kServerAddress, {}));
    lab.network.run_for(1s);
    EXPECT_EQ(arrived, 0);
    alice.host.send(testing::echo_packet({10, 60, 0, 2}, kServerAddress, {}));
    lab.network.run_for(1s);
    EXPECT_EQ(arrived, 1);
}

TEST_P(OverEither, ServesClientsAfterARestart) {
    P2sLab lab{openvpn_gateway_config()};
    auto& alice = add_user(lab, "alice", kAlice);
    ASSERT_TRUE(lab.connect(alice));
    const auto config = lab.gateway->config();
    lab.gateway.reset();
    lab.gateway = std::move(*Gateway::start(lab.gateway_host, config));
    lab.network.run_for(2min);  // ping-restart, or the closed connection
    EXPECT_TRUE(alice.is(State::Failed));
    EXPECT_EQ(alice.client.status().failure, GetParam() == Transport::Udp ? "peer-silent" : "peer-exit");
    ASSERT_TRUE(lab.connect(alice));
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 2), 2);
}

TEST_P(OverEither, ForgetsAClientThatHasGoneSilent) {
    P2sLab lab{openvpn_gateway_config()};
    auto& alice = add_user(lab, "alice", kAlice);
    ASSERT_TRUE(lab.connect(alice));
    lab.network.detach(kAlice);
    lab.network.tcp().stalled = true;
    lab.network.run_for(3min);  // twice ping-restart
    EXPECT_TRUE(lab.gateway->sessions().empty());
    EXPECT_EQ(text_of(lab.gateway_host.events_named("session-closed").at(0).attributes, "reason"), "peer-silent");
}

TEST_P(OverEither, KeepsAnIdleTunnelByPings) {
    P2sLab lab{openvpn_gateway_config()};
    auto& alice = add_user(lab, "alice", kAlice);
    ASSERT_TRUE(lab.connect(alice));
    lab.network.run_for(10min);
    EXPECT_TRUE(alice.is(State::Connected));
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 2), 2);
}

TEST_P(OverEither, EndsBothEndsWhenTheGatewayDisconnects) {
    P2sLab lab{openvpn_gateway_config()};
    auto& alice = add_user(lab, "alice", kAlice);
    ASSERT_TRUE(lab.connect(alice));
    lab.gateway->disconnect_all();
    lab.network.run_for(2s);
    EXPECT_TRUE(lab.gateway->sessions().empty());
    EXPECT_EQ(alice.client.status().failure, "peer-exit");
    EXPECT_EQ(alice.host.routes().lookup(kServerAddress)->interface, "eth0");
}

INSTANTIATE_TEST_SUITE_P(OpenVpnGateway, OverEither, ::testing::Values(Transport::Udp, Transport::Tcp),
                         [](const auto& way) { return way.param == Transport::Udp ? "Udp" : "Tcp"; });

TEST(OpenVpnGateway, FollowsAClientToItsNewAddress) {
    P2sLab lab{openvpn_gateway_config()};
    testing::FakeNat nat{lab.network, {192, 168, 1, 1}, {198, 51, 100, 77}};
    auto& alice = lab.add_user("alice", {192, 168, 1, 10}, {192, 168, 1, 1}, openvpn_user_config("alice"));
    ASSERT_TRUE(lab.connect(alice));
    const auto before = openvpn_of(lab.gateway->sessions().at(0)).peer;
    nat.forget();
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 3), 3);
    const auto after = openvpn_of(lab.gateway->sessions().at(0));
    EXPECT_NE(after.peer, before);
    EXPECT_EQ(after.moved, 1u);
    EXPECT_EQ(lab.gateway_host.events_named("floated").size(), 1u);
}

TEST(OpenVpnGateway, HasOneClientOverUdpAndOneOverTcpInOnePool) {
    P2sLab lab{openvpn_gateway_config()};
    auto& alice = lab.add_user("alice", kAlice, {}, openvpn_user_config("alice", Transport::Udp));
    auto& bob = lab.add_user("bob", kBob, {}, openvpn_user_config("bob", Transport::Tcp));
    ASSERT_TRUE(lab.connect(alice) && lab.connect(bob));
    const auto sessions = lab.gateway->sessions();
    EXPECT_LT(sessions[0].id, sessions[1].id);
    EXPECT_EQ(bob.client.status().inner_address, (Ipv4Address{10, 60, 0, 3}));
    EXPECT_EQ(lab.ping(alice.host, {10, 60, 0, 3}, 3), 3);
}

TEST(OpenVpnGateway, RoutesEverythingForForcedTunnelling) {  // P2S-CR-05
    auto config = openvpn_gateway_config();
    config.custom_routes = {Prefix{{0, 0, 0, 0}, 1}, Prefix{{128, 0, 0, 0}, 1}};
    P2sLab lab{config};
    auto& alice = lab.add_user("alice", kAlice, {}, openvpn_user_config("alice"));
    ASSERT_TRUE(lab.connect(alice));
    EXPECT_THAT(alice.client.status().routes, ElementsAre(Prefix{{0, 0, 0, 0}, 1}, Prefix{{128, 0, 0, 0}, 1}));
    EXPECT_EQ(alice.host.routes().lookup({8, 8, 8, 8})->interface, "vpn0");
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 3), 3);  // the tunnel itself goes around itself
}

// --- strangers over TCP ---------------------------------------------------------------------------------------------

struct Stranger {
    Stranger(P2sLab& lab, std::uint8_t last)
        : stream(lab.network.tcp().connect({{192, 0, 2, last}, 5000}, {kGatewayAddress, 443})) {
        stream->set_callbacks(
            {.connected = {}, .received = {}, .writable = {}, .closed = [this](const std::string&) { closed = true; }});
    }
    bool closed = false;
    std::unique_ptr<TcpStream> stream;
};

TEST(OpenVpnGateway, DropsAConnectionThatSaysNothing) {
    auto config = openvpn_gateway_config();
    config.openvpn->handshake_window = 20s;
    P2sLab lab{config};
    Stranger silent{lab, 1};
    lab.network.run_for(19s);
    EXPECT_FALSE(silent.closed);
    lab.network.run_for(2s);
    EXPECT_TRUE(silent.closed);
}

TEST(OpenVpnGateway, DropsAConnectionThatDrips) {
    auto config = openvpn_gateway_config();
    config.openvpn->handshake_window = 20s;
    P2sLab lab{config};
    Stranger dripping{lab, 1};
    const Bytes length{0x00, 0x50};
    for (int i = 0; i < 25; ++i) {
        dripping.stream->write(ByteView{length}.subspan(static_cast<std::size_t>(i > 0), 1));
        lab.network.run_for(1s);
    }
    EXPECT_TRUE(dripping.closed);
}

TEST(OpenVpnGateway, DropsAConnectionThatCannotBeOpenVpn) {
    P2sLab lab{openvpn_gateway_config()};
    Stranger browser{lab, 1};
    browser.stream->write(as_bytes("GET / HTTP/1.1\r\n\r\n"));  // a length of 0x4745
    lab.network.run_for(1s);
    EXPECT_TRUE(browser.closed);
}

TEST(OpenVpnGateway, MakesRoomForNewcomersAmongStrangers) {
    auto config = openvpn_gateway_config();
    config.openvpn->half_open = 3;
    P2sLab lab{config};
    auto& alice = lab.add_user("alice", kAlice, {}, openvpn_user_config("alice", Transport::Tcp));
    ASSERT_TRUE(lab.connect(alice));
    std::list<Stranger> strangers;
    for (std::uint8_t i = 1; i <= 5; ++i) {
        strangers.emplace_back(lab, i);
        lab.network.run_for(1s);
    }
    std::vector<bool> closed;
    for (const auto& stranger : strangers) closed.push_back(stranger.closed);
    EXPECT_THAT(closed, ElementsAre(true, true, false, false, false));  // the oldest
    EXPECT_TRUE(alice.is(State::Connected));                            // who has proved herself stays
    auto& bob = lab.add_user("bob", kBob, {}, openvpn_user_config("bob", Transport::Tcp));
    EXPECT_TRUE(lab.connect(bob));
}

TEST(OpenVpnGateway, TurnsConnectionsAwayAboveTheLimit) {
    auto config = openvpn_gateway_config();
    config.openvpn->connections = 2;
    P2sLab lab{config};
    Stranger one{lab, 1}, two{lab, 2}, three{lab, 3};
    lab.network.run_for(1s);
    EXPECT_TRUE(!one.closed && !two.closed && three.closed);
}

TEST(OpenVpnGateway, DropsInnerPacketsWhileAClientDoesNotRead) {
    P2sLab lab{openvpn_gateway_config()};
    auto& alice = lab.add_user("alice", kAlice, {}, openvpn_user_config("alice", Transport::Tcp));
    ASSERT_TRUE(lab.connect(alice));
    lab.network.tcp().stalled = true;
    for (std::uint16_t i = 0; i < 1000; ++i) {
        lab.server.ping({10, 60, 0, 2}, i, 1200);
        if (i % 100 == 0) lab.network.run_for(100ms);
    }
    lab.network.run_for(1s);
    lab.network.tcp().stalled = false;
    lab.network.run_for(5s);
    // What TCP and the queue held comes through, the rest is lost, and the tunnel stands.
    EXPECT_GT(lab.server.replies().size(), 50u);
    EXPECT_LT(lab.server.replies().size(), 200u);
    EXPECT_EQ(lab.ping(lab.server, {10, 60, 0, 2}, 5), 5);
}

TEST(OpenVpnGateway, PushesWhatTheAdministratorDecided) {
    auto config = openvpn_gateway_config();
    config.openvpn->tun_mtu = 1400;
    config.openvpn->ping_restart = Duration::zero();
    const auto push = push_for(config, {10, 60, 0, 7});
    EXPECT_EQ(push.address, (Ipv4Address{10, 60, 0, 7}));
    EXPECT_EQ(push.subnet, (Prefix{{10, 60, 0, 0}, 24}));
    EXPECT_EQ(push.route_gateway, (Ipv4Address{10, 60, 0, 1}));
    EXPECT_THAT(push.routes, ::testing::SizeIs(2));
    EXPECT_EQ(push.ping, 10s);
    EXPECT_FALSE(push.ping_restart);
    EXPECT_EQ(push.tun_mtu, 1400);
}

}  // namespace
}  // namespace gatelab::gateway
