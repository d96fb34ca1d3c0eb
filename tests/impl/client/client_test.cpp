// How a client comes to a state, and what it leaves on its host.
#include "impl/client/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/p2s_lab.h"

namespace gatelab::client {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::FakeHost;
using testing::FakeNetwork;
using testing::kGatewayAddress;
using testing::kServerAddress;
using testing::P2sLab;

constexpr Ipv4Address kAlice{198, 51, 100, 10};

TEST(Client, PassesThroughItsStates) {
    P2sLab lab;
    auto& alice = lab.add_user("alice", kAlice);
    std::vector<State> states;
    alice.client.on_change([&](State state) { states.push_back(state); });
    ASSERT_TRUE(lab.connect(alice));
    alice.client.disconnect();
    lab.network.run_for(1s);
    EXPECT_THAT(states, ElementsAre(State::Connecting, State::Connected, State::Disconnecting, State::Idle));
}

TEST(Client, GivesUpASilentGatewayInBoundedTime) {
    FakeNetwork network;
    FakeHost host{network, "alice", kAlice};
    Client client{host, testing::user_config("alice")};
    const auto start = network.now();
    client.connect();
    ASSERT_TRUE(network.run_until([&] { return client.status().state == State::Failed; }, 5min));
    EXPECT_EQ(client.status().failure, "peer-silent");
    EXPECT_LT(network.now() - start, 25s);
}

TEST(Client, GivesUpAtItsOwnTimeoutWhenThatComesFirst) {
    FakeNetwork network;
    FakeHost host{network, "alice", kAlice};
    auto config = testing::user_config("alice");
    config.plan[0].give_up = 3s;
    Client client{host, config};
    const auto start = network.now();
    client.connect();
    ASSERT_TRUE(network.run_until([&] { return client.status().state == State::Failed; }, 5min));
    EXPECT_EQ(client.status().failure, "timed-out");
    EXPECT_EQ(network.now() - start, 3s);
    network.run_for(5min);
    EXPECT_EQ(client.status().failure, "timed-out");  // what the abandoned attempt comes to is of no interest
}

TEST(Client, SaysWhenThereIsNoRoute) {
    FakeNetwork network;
    FakeHost host{network, "alice", kAlice};
    host.routes().remove({Prefix{}, "eth0", {}});
    Client client{host, testing::user_config("alice")};
    client.connect();
    network.run_for(1s);
    EXPECT_EQ(client.status().state, State::Failed);
    EXPECT_EQ(client.status().failure, "no-route");
}

TEST(Client, SaysWhenItsPortIsTaken) {
    FakeNetwork network;
    FakeHost host{network, "alice", kAlice};
    const auto other = host.open_udp({kAlice, 4500});
    Client client{host, testing::user_config("alice")};
    client.connect();
    network.run_for(1s);
    EXPECT_EQ(client.status().failure, "no-socket");
}

TEST(Client, DoesNotTrustAnotherGateway) {
    P2sLab lab;
    auto config = testing::user_config("alice");
    testing::connection_of(config).peer.identifications = {ikev2::Identification::fqdn("other.example.com")};
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    EXPECT_FALSE(lab.connect(alice));
    EXPECT_EQ(alice.client.status().failure, "authentication-failed");
}

TEST(Client, FailsByNameWhenNoProposalFits) {
    P2sLab lab;
    auto config = testing::user_config("alice");
    testing::connection_of(config).ike_policy = {{ikev2::Encryption::AesCbc, 192, ikev2::Integrity::HmacSha512_256,
                                                  ikev2::Prf::HmacSha512, crypto::Group::Modp2048}};
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    EXPECT_FALSE(lab.connect(alice));
    EXPECT_EQ(alice.client.status().failure, "no-proposal-chosen");
}

TEST(Client, FailsByNameWhenNoChildProposalFits) {
    P2sLab lab;
    auto config = testing::user_config("alice");
    testing::connection_of(config).child_policy = {{{.cipher = esp::Cipher::AesGcm16, .key_bits = 192}, {}}};
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    EXPECT_FALSE(lab.connect(alice));
    EXPECT_EQ(alice.client.status().failure, "no-proposal-chosen");
    lab.network.run_for(1s);
    EXPECT_EQ(lab.gateway->free_addresses(), 253u);  // nothing is left behind at the gateway
}

TEST(Client, FailsByNameWhenItsSelectorsMeetNone) {
    P2sLab lab;
    auto config = testing::user_config("alice");
    testing::connection_of(config).remote = {esp::TrafficSelector::of(Prefix{{192, 168, 77, 0}, 24})};
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    EXPECT_FALSE(lab.connect(alice));
    EXPECT_EQ(alice.client.status().failure, "traffic-selectors-unacceptable");
    lab.network.run_for(1s);
    EXPECT_EQ(lab.gateway->free_addresses(), 253u);
}

TEST(Client, KeepsTheGatewayOutOfATunnelForEverything) {
    auto gateway = testing::gateway_config();
    gateway.custom_routes = {Prefix{{0, 0, 0, 0}, 1}, Prefix{{128, 0, 0, 0}, 1}};  // forced tunnelling
    P2sLab lab{gateway};
    FakeHost web{lab.network, "web", {192, 0, 2, 80}, kGatewayAddress};
    auto& alice = lab.add_user("alice", kAlice);
    ASSERT_TRUE(lab.connect(alice));
    // The gateway's own address lies inside what goes through the tunnel.
    EXPECT_EQ(alice.host.routes().lookup({192, 0, 2, 80})->interface, "vpn0");
    EXPECT_EQ(alice.host.routes().lookup(kGatewayAddress)->interface, "eth0");
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 3), 3);
    EXPECT_EQ(lab.ping(alice.host, {192, 0, 2, 80}, 3), 0);  // the gateway is no way to the Internet (P2S-CR-06)
}

TEST(Client, LeavesTheRoutesAsTheyWere) {
    P2sLab lab;
    auto& alice = lab.add_user("alice", kAlice);
    ASSERT_TRUE(lab.connect(alice));
    EXPECT_EQ(alice.host.routes().lookup(kServerAddress)->interface, "vpn0");
    EXPECT_EQ(alice.host.routes().lookup(kGatewayAddress)->destination.length(), 32);
    alice.client.disconnect();
    EXPECT_EQ(alice.host.routes().lookup(kServerAddress)->interface, "eth0");
    EXPECT_EQ(alice.host.routes().lookup(kGatewayAddress)->destination.length(), 0);
}

TEST(Client, KeepsItsOwnNetworkLocal) {  // P2S-RT-14
    P2sLab lab;
    auto& alice = lab.add_user("alice", kAlice);
    ASSERT_TRUE(alice.host.routes().add({Prefix{{10, 1, 0, 0}, 16}, "eth0", {}}));
    ASSERT_TRUE(lab.connect(alice));
    EXPECT_EQ(alice.host.routes().lookup(kServerAddress)->interface, "eth0");
    EXPECT_THAT(alice.client.status().routes, ElementsAre(Prefix{{10, 60, 0, 0}, 24}));
    EXPECT_EQ(alice.host.events_named("route-kept-local").size(), 1u);
}

TEST(Client, DialsAgainAfterItFailed) {
    P2sLab lab;
    auto& alice = lab.add_user("alice", kAlice);
    lab.network.loss = 1;
    EXPECT_FALSE(lab.connect(alice));
    lab.network.loss = 0;
    EXPECT_TRUE(lab.connect(alice)) << alice.client.status().detail;
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 2), 2);
}

TEST(Client, DialsAgainFromItsOwnCallback) {
    P2sLab lab;
    auto& alice = lab.add_user("alice", kAlice);
    int failures = 0;
    alice.client.on_change([&](State state) {
        if (state == State::Failed && ++failures < 3) alice.client.connect();
    });
    ASSERT_TRUE(lab.connect(alice));
    lab.gateway->disconnect_all();
    lab.network.run_for(1s);
    EXPECT_EQ(failures, 1);
    EXPECT_TRUE(alice.is(State::Connected));
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 2), 2);
}

TEST(Client, DialsAgainFromAnotherAddress) {
    P2sLab lab;
    auto& alice = lab.add_user("alice", kAlice);
    ASSERT_TRUE(lab.connect(alice));
    alice.host.move_to({198, 51, 100, 99});
    alice.client.on_change([&](State state) {
        if (state == State::Failed) alice.client.connect();
    });
    alice.client.check_liveness();
    lab.network.run_for(60s);
    ASSERT_TRUE(alice.is(State::Connected)) << alice.client.status().detail;
    EXPECT_EQ(testing::tunnel_of(alice.client).path.local.address, (Ipv4Address{198, 51, 100, 99}));
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 2), 2);
}

TEST(Client, CanBeStoppedAtAnyTime) {
    for (const auto after : {0ms, 1ms, 7ms, 12ms, 17ms, 22ms}) {  // before, during and after the two exchanges
        P2sLab lab;
        auto& alice = lab.add_user("alice", kAlice);
        alice.client.connect();
        lab.network.run_for(after);
        alice.client.disconnect();
        lab.network.run_for(60s);
        EXPECT_TRUE(alice.is(State::Idle)) << after.count();
        EXPECT_EQ(alice.client.status().failure, "requested");
        EXPECT_TRUE(lab.connect(alice)) << after.count();
        EXPECT_EQ(lab.ping(alice.host, kServerAddress, 2), 2);
    }
}

TEST(Client, NoticesAGatewayThatHasDied) {
    P2sLab lab;
    auto& alice = lab.add_user("alice", kAlice);
    ASSERT_TRUE(lab.connect(alice));
    lab.gateway.reset();
    alice.client.check_liveness();
    lab.network.run_for(25s);
    EXPECT_TRUE(alice.is(State::Failed));
    EXPECT_EQ(alice.client.status().failure, "peer-silent");
    EXPECT_EQ(alice.host.routes().lookup(kServerAddress)->interface, "eth0");
    EXPECT_FALSE(testing::tunnel_of(alice.client).connection.empty());  // the last tunnel's figures stay to be read
}

}  // namespace
}  // namespace gatelab::client
