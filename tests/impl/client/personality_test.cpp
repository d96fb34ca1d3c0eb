// When each personality gives up, in simulated time, and what it does then.
#include "impl/client/personality.h"

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
using testing::openvpn_user_config;
using testing::P2sLab;
using testing::user_config;

constexpr Ipv4Address kAlice{198, 51, 100, 10};

Config as_dialled_by(Personality personality, Config config) {
    adopt(personality, config);
    return config;
}

// The first attempt of a client whose packets nobody answers.
Attempt left_alone(const Config& config) {
    FakeNetwork network;
    FakeHost host{network, "alice", kAlice};
    Client client{host, config};
    client.connect();
    network.run_until([&] { return !client.status().attempts.empty() && client.status().attempts[0].ended; }, 1h);
    return client.status().attempts.at(0);
}

Duration lasted(const Attempt& attempt) { return *attempt.ended - attempt.began; }

TEST(Personality, HasANameForEach) {
    EXPECT_EQ(name_of(Personality::Gatelab), "gatelab");
    EXPECT_EQ(name_of(Personality::Windows), "windows");
    EXPECT_EQ(name_of(Personality::MacOs), "macos");
    EXPECT_EQ(name_of(Personality::Ios), "ios");
    EXPECT_EQ(name_of(Personality::StrongSwan), "strongswan");
    EXPECT_EQ(name_of(Personality::OpenVpnClient), "openvpn-client");
    EXPECT_EQ(name_of(Personality::AzureVpnClient), "azure-vpn-client");
}

struct Patience {
    Personality personality;
    Duration least, most;  // until it gives a silent IKEv2 gateway up
};

class GivingUpIkev2 : public ::testing::TestWithParam<Patience> {};

TEST_P(GivingUpIkev2, TakesTheTimeOfTheTable) {
    const auto& [personality, least, most] = GetParam();
    const auto attempt = left_alone(as_dialled_by(personality, user_config("alice")));
    EXPECT_EQ(attempt.failure, "peer-silent");
    EXPECT_GE(lasted(attempt), least);
    EXPECT_LE(lasted(attempt), most);
}

INSTANTIATE_TEST_SUITE_P(Table, GivingUpIkev2,
                         ::testing::Values(Patience{Personality::Gatelab, 20s, 22s},
                                           Patience{Personality::Windows, 7s, 7s},
                                           Patience{Personality::MacOs, 31s, 31s}, Patience{Personality::Ios, 31s, 31s},
                                           Patience{Personality::StrongSwan, 164s, 166s}),
                         [](const auto& row) { return std::string(name_of(row.param.personality)); });

TEST(GivingUpOpenVpn, IsTheHandshakeWindowOverUdp) {
    for (const auto personality : {Personality::Gatelab, Personality::OpenVpnClient, Personality::AzureVpnClient}) {
        const auto attempt = left_alone(as_dialled_by(personality, openvpn_user_config("alice")));
        EXPECT_EQ(attempt.failure, "handshake-timeout") << name_of(personality);
        EXPECT_EQ(lasted(attempt), 60s) << name_of(personality);
    }
}

TEST(GivingUpOpenVpn, FollowsTheProfilesWindow) {
    auto config = openvpn_user_config("alice");
    testing::profile_of(config).handshake_window = 5min;
    EXPECT_EQ(lasted(left_alone(as_dialled_by(Personality::OpenVpnClient, config))), 5min);
}

// --- dialling again -------------------------------------------------------------------------------------------------

TEST(Pauses, GrowAsOpenVpnsConnectRetryDoes) {  // openvpn(8): 1 s, after five retries doubled, at most 300 s
    const auto& redial = habits_of(Personality::OpenVpnClient).redial;
    std::vector<Duration> pauses;
    for (int round = 0; round < 16; ++round) pauses.push_back(pause_before(redial, round));
    EXPECT_THAT(pauses, ElementsAre(1s, 1s, 1s, 1s, 1s, 2s, 4s, 8s, 16s, 32s, 64s, 128s, 256s, 300s, 300s, 300s));
    EXPECT_EQ(pause_before(redial, 1'000'000), 300s);
}

TEST(Pauses, AreNeverShorterThanTheFirst) {
    EXPECT_EQ(pause_before({.pause = 2min, .alike = 1, .longest = 1min}, 0), 2min);
    EXPECT_EQ(pause_before({.pause = 2min, .alike = 1, .longest = 1min}, 9), 2min);
}

TEST(Personality, SaysWhoDialsAgainByItself) {
    for (const auto personality : {Personality::Gatelab, Personality::Windows, Personality::MacOs, Personality::Ios,
                                   Personality::StrongSwan, Personality::AzureVpnClient})
        EXPECT_FALSE(as_dialled_by(personality, user_config("alice")).redial) << name_of(personality);
    EXPECT_TRUE(as_dialled_by(Personality::OpenVpnClient, user_config("alice")).redial);
}

TEST(OpenVpnProgram, DialsUntilItsGatewayIsThere) {
    FakeNetwork network;
    FakeHost host{network, "alice", kAlice}, gateway_host{network, "gw", testing::kGatewayAddress};
    Client client{host, as_dialled_by(Personality::OpenVpnClient, openvpn_user_config("alice", Transport::Tcp))};
    client.connect();
    network.run_for(10s);
    EXPECT_EQ(client.status().state, State::Waiting);
    const auto gateway = gateway::Gateway::start(gateway_host, testing::openvpn_gateway_config());
    network.run_for(10s);
    EXPECT_EQ(client.status().state, State::Connected);
}

TEST(OpenVpnProgram, ComesBackWhenItsTunnelIsLost) {
    P2sLab lab{testing::openvpn_gateway_config()};
    auto& alice = lab.add_user("alice", kAlice, {},
                               as_dialled_by(Personality::OpenVpnClient, openvpn_user_config("alice", Transport::Tcp)));
    ASSERT_TRUE(lab.connect(alice));
    lab.gateway->disconnect_all();
    lab.network.run_for(3s);
    EXPECT_TRUE(alice.is(State::Connected));
    EXPECT_EQ(alice.host.events_named("attempt-failed").size(), 0u);
}

TEST(OpenVpnProgram, TakesAPasswordThatWasRefusedForTheLastWord) {  // openvpn(8): --auth-retry none
    auto gateway = testing::openvpn_gateway_config();
    gateway.openvpn->users = {{"alice", "secret"}};
    P2sLab lab{gateway};
    auto& alice =
        lab.add_user("alice", kAlice, {},
                     as_dialled_by(Personality::OpenVpnClient, openvpn_user_config("alice", Transport::Tcp, "wrong")));
    EXPECT_FALSE(lab.connect(alice));
    lab.network.run_for(10min);
    EXPECT_TRUE(alice.is(State::Failed));
    EXPECT_EQ(alice.client.status().failure, "authentication-failed");
    EXPECT_EQ(alice.client.status().attempts.size(), 1u);
}

TEST(AlwaysOn, DialsAgainAfterTheTablesPause) {
    P2sLab lab;
    auto config = as_dialled_by(Personality::Windows, user_config("alice"));
    config.redial = habits_of(Personality::Windows).redial;
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    ASSERT_TRUE(lab.connect(alice));
    lab.gateway->disconnect_all();
    ASSERT_TRUE(lab.network.run_until([&] { return alice.is(State::Waiting); }, 5s));
    const auto lost = lab.network.now();
    ASSERT_TRUE(lab.network.run_until([&] { return alice.is(State::Connected); }, 30s));
    EXPECT_EQ(alice.client.status().attempts.at(0).began - lost, 5s);
    EXPECT_EQ(alice.client.status().attempts.size(), 1u);
}

}  // namespace
}  // namespace gatelab::client
