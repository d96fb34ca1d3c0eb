// How a client goes from one tunnel to the next, and when it dials again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/p2s_lab.h"

namespace gatelab::client {
namespace {

using namespace std::chrono_literals;
using openvpn::Transport;
using ::testing::ElementsAre;
using testing::FakeHost;
using testing::FakeNetwork;
using ::testing::IsEmpty;
using testing::kServerAddress;
using testing::openvpn_user_config;
using testing::P2sLab;
using testing::user_config;

constexpr Ipv4Address kAlice{198, 51, 100, 10};

// IKEv2 first, then OpenVPN over TCP.
Config plan_of_two() {
    auto config = user_config("alice");
    config.plan.push_back(openvpn_user_config("alice", Transport::Tcp).plan[0]);
    return config;
}

gateway::Config gateway_of_two() {
    auto config = testing::gateway_config();
    config.openvpn = testing::openvpn_gateway_config().openvpn;
    return config;
}

// Nothing of IKEv2 passes, nor of ESP.
bool passes_without_udp(Bytes& packet) {
    return testing::ip_header(packet)->protocol != static_cast<std::uint8_t>(IpProtocol::Udp);
}

std::vector<std::string> story_of(const Client& client) {
    std::vector<std::string> told;
    for (const auto& attempt : client.status().attempts)
        told.push_back(attempt.protocol + ": " + (attempt.failure.empty() ? "up" : attempt.failure));
    return told;
}

TEST(Plan, StopsAtTheFirstTunnelThatComesUp) {
    P2sLab lab{gateway_of_two()};
    auto& alice = lab.add_user("alice", kAlice, {}, plan_of_two());
    ASSERT_TRUE(lab.connect(alice));
    EXPECT_THAT(story_of(alice.client), ElementsAre("ikev2: up"));
    EXPECT_THAT(alice.host.events_named("falling-back"), IsEmpty());
}

TEST(Plan, FallsBackToTheNextTunnel) {
    P2sLab lab{gateway_of_two()};
    lab.network.filter = passes_without_udp;
    auto& alice = lab.add_user("alice", kAlice, {}, plan_of_two());
    const auto start = lab.network.now();
    ASSERT_TRUE(lab.connect(alice)) << alice.client.status().detail;
    EXPECT_THAT(story_of(alice.client), ElementsAre("ikev2: peer-silent", "openvpn-tcp: up"));
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 2), 2);

    const auto attempts = alice.client.status().attempts;
    EXPECT_EQ(attempts[0].began, start);
    EXPECT_EQ(attempts[1].began, attempts[0].ended);
    EXPECT_EQ(attempts[1].ended, alice.client.status().connected_at);
    const auto failed = alice.host.events_named("attempt-failed");
    ASSERT_EQ(failed.size(), 1u);
    EXPECT_EQ(text_of(failed[0].attributes, "protocol"), "ikev2");
    EXPECT_EQ(text_of(failed[0].attributes, "reason"), "peer-silent");
    const auto fell_back = alice.host.events_named("falling-back");
    ASSERT_EQ(fell_back.size(), 1u);
    EXPECT_EQ(text_of(fell_back[0].attributes, "to"), "openvpn-tcp");
}

TEST(Plan, GivesEachDialItsOwnTime) {
    P2sLab lab{gateway_of_two()};
    lab.network.filter = passes_without_udp;
    auto config = plan_of_two();
    config.plan[0].give_up = 3s;
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    ASSERT_TRUE(lab.connect(alice));
    const auto attempts = alice.client.status().attempts;
    EXPECT_THAT(story_of(alice.client), ElementsAre("ikev2: timed-out", "openvpn-tcp: up"));
    EXPECT_EQ(*attempts[0].ended - attempts[0].began, 3s);
    lab.network.run_for(5min);
    EXPECT_TRUE(alice.is(State::Connected));  // what the abandoned attempt comes to is of no interest
}

TEST(Plan, FailsWithTheLastDialsReason) {
    FakeNetwork network;
    FakeHost host{network, "alice", kAlice};
    Client client{host, plan_of_two()};
    client.connect();
    network.run_for(5min);
    EXPECT_EQ(client.status().state, State::Failed);
    EXPECT_EQ(client.status().failure, "no-connection");
    EXPECT_THAT(story_of(client), ElementsAre("ikev2: peer-silent", "openvpn-tcp: no-connection"));
}

TEST(Plan, EndsAtAFailureThatIsFinal) {
    P2sLab lab{gateway_of_two()};
    auto config = plan_of_two();
    testing::connection_of(config).peer.identifications = {ikev2::Identification::fqdn("other.example.com")};
    config.ends_round = {"authentication-failed"};
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    EXPECT_FALSE(lab.connect(alice));
    EXPECT_THAT(story_of(alice.client), ElementsAre("ikev2: authentication-failed"));
    EXPECT_EQ(alice.client.status().failure, "authentication-failed");
}

TEST(Plan, WithoutATunnelFailsAtOnce) {
    FakeNetwork network;
    FakeHost host{network, "alice", kAlice};
    Config config;
    config.redial = Redial{};  // dialling again would not help
    Client client{host, config};
    client.connect();
    network.run_for(1ms);
    EXPECT_EQ(client.status().state, State::Failed);
    EXPECT_EQ(client.status().failure, "no-common-tunnel");
    EXPECT_THAT(client.status().attempts, IsEmpty());
    client.disconnect();
    client.rekey_child();
    client.check_liveness();
}

TEST(Plan, CanBeStoppedAtAnyTime) {
    // In the first dial, about the moment of falling back, in the second, and while it waits. Nothing answers either.
    std::vector<Duration> moments{0ms, 1ms, 5s, 22s, 25s, 30s};
    for (auto at = 20600ms; at < 20700ms; at += 1ms) moments.push_back(at);
    for (const auto after : moments) {
        P2sLab lab;
        lab.network.filter = passes_without_udp;
        auto config = plan_of_two();
        config.redial = Redial{};
        auto& alice = lab.add_user("alice", kAlice, {}, config);
        alice.client.connect();
        lab.network.run_for(after);
        alice.client.disconnect();
        lab.network.run_for(60s);
        EXPECT_TRUE(alice.is(State::Idle)) << after.count();
        EXPECT_EQ(alice.client.status().failure, "requested");
    }
}

TEST(Plan, CanBeDialledAnewAfterItWasStopped) {
    for (const auto after : {0ms, 1ms, 22000ms}) {
        P2sLab lab;
        lab.network.filter = passes_without_udp;
        auto config = plan_of_two();
        config.redial = Redial{};
        auto& alice = lab.add_user("alice", kAlice, {}, config);
        alice.client.connect();
        lab.network.run_for(after);
        alice.client.disconnect();
        lab.network.run_for(60s);
        lab.network.filter = nullptr;
        EXPECT_TRUE(lab.connect(alice)) << after.count();
        EXPECT_EQ(lab.ping(alice.host, kServerAddress, 2), 2);
    }
}

// --- dialling again -------------------------------------------------------------------------------------------------

TEST(Redial, DialsTheWholePlanAgainWhenTheTunnelIsLost) {
    P2sLab lab{gateway_of_two()};
    auto config = plan_of_two();
    config.redial = Redial{.pause = 7s};
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    std::vector<State> states;
    alice.client.on_change([&](State state) { states.push_back(state); });
    ASSERT_TRUE(lab.connect(alice));

    lab.network.filter = passes_without_udp;  // from now on
    lab.gateway->disconnect_all();
    alice.client.check_liveness();
    lab.network.run_until([&] { return alice.is(State::Waiting); }, 60s);
    const auto lost = lab.network.now();
    EXPECT_THAT(alice.client.status().attempts, IsEmpty());
    EXPECT_EQ(alice.client.status().failure, "peer-silent");
    EXPECT_EQ(alice.host.routes().lookup(kServerAddress)->interface, "eth0");
    lab.network.run_for(60s);
    ASSERT_TRUE(alice.is(State::Connected)) << alice.client.status().detail;
    EXPECT_THAT(states,
                ElementsAre(State::Connecting, State::Connected, State::Waiting, State::Connecting, State::Connected));
    EXPECT_THAT(story_of(alice.client), ElementsAre("ikev2: peer-silent", "openvpn-tcp: up"));
    EXPECT_EQ(alice.client.status().attempts[0].began - lost, 7s);
    EXPECT_EQ(alice.client.status().failure, "");
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 2), 2);
}

TEST(Redial, GoesOnUntilATunnelIsUp) {
    P2sLab lab{gateway_of_two()};
    lab.network.loss = 1;
    auto config = user_config("alice");
    config.redial = Redial{.pause = 1s, .alike = 2, .longest = 4s};
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    alice.client.connect();
    lab.network.run_for(130s);
    const auto attempts = alice.client.status().attempts;
    ASSERT_GE(attempts.size(), 5u);
    const Duration expected[] = {1s, 1s, 2s, 4s, 4s};
    for (std::size_t i = 1; i < attempts.size(); ++i)
        EXPECT_EQ(attempts[i].began - *attempts[i - 1].ended, expected[i - 1]) << i;
    lab.network.loss = 0;
    lab.network.run_for(30s);
    EXPECT_TRUE(alice.is(State::Connected));
    EXPECT_GE(alice.client.status().attempts.size(), attempts.size());  // all since connect()
}

TEST(Redial, EndsWithDisconnect) {
    P2sLab lab{gateway_of_two()};
    auto config = user_config("alice");
    config.redial = Redial{};
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    ASSERT_TRUE(lab.connect(alice));
    alice.client.disconnect();
    lab.network.run_for(5min);
    EXPECT_TRUE(alice.is(State::Idle));
    EXPECT_EQ(lab.gateway->sessions().size(), 0u);
}

TEST(Redial, EndsAtAFailureThatIsFinal) {
    P2sLab lab{gateway_of_two()};
    auto config = user_config("alice");
    testing::connection_of(config).peer.identifications = {ikev2::Identification::fqdn("other.example.com")};
    config.redial = Redial{};
    config.ends_redial = {"authentication-failed"};
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    EXPECT_FALSE(lab.connect(alice));
    lab.network.run_for(5min);
    EXPECT_TRUE(alice.is(State::Failed));
    EXPECT_EQ(alice.client.status().attempts.size(), 1u);
}

TEST(Redial, RemembersABoundedNumberOfAttempts) {
    FakeNetwork network;
    FakeHost host{network, "alice", kAlice};
    auto config = openvpn_user_config("alice", Transport::Tcp);  // is refused at once
    config.redial = Redial{.pause = 1s, .alike = 1'000'000};
    Client client{host, config};
    client.connect();
    network.run_for(3min);
    EXPECT_EQ(client.status().attempts.size(), kAttemptsKept);
    EXPECT_GE(client.status().attempts.back().began, network.now() - 2s);
}

}  // namespace
}  // namespace gatelab::client
