// Packets over the tunnels of a gateway, while keys and paths change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/p2s_lab.h"

namespace gatelab::gateway {
namespace {

using namespace std::chrono_literals;
using testing::FakeNat;
using testing::kServerAddress;
using testing::P2sLab;

constexpr Ipv4Address kAlice{198, 51, 100, 10}, kBob{198, 51, 100, 11};
constexpr Ipv4Address kNatInside{192, 168, 1, 1}, kNatOutside{198, 51, 100, 77}, kBehindNat{192, 168, 1, 10};

TEST(Tunnels, CarryPingsBothWays) {
    P2sLab lab;
    auto& alice = lab.add_user("alice", kAlice);
    ASSERT_TRUE(lab.connect(alice));
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 5), 5);
    EXPECT_EQ(lab.ping(lab.server, {10, 60, 0, 2}, 5), 5);
    const auto tunnel = testing::tunnel_of(lab.gateway->sessions().at(0));
    EXPECT_FALSE(tunnel.udp_encapsulation);
    EXPECT_EQ(tunnel.traffic.packets_in, 10u);
    EXPECT_EQ(tunnel.traffic.packets_out, 10u);
    EXPECT_EQ(tunnel.traffic.bytes_in, 10u * 84);
    EXPECT_EQ(tunnel.traffic.outside_selectors, 0u);
}

TEST(Tunnels, ShowNothingInTheClear) {
    P2sLab lab;
    auto& alice = lab.add_user("alice", kAlice);
    ASSERT_TRUE(lab.connect(alice));
    int outer = 0;
    lab.network.filter = [&](Bytes& packet) {
        const auto header = testing::ip_header(packet);
        if (header->source == kAlice || header->destination == kAlice) {
            EXPECT_EQ(header->protocol, 50);
            ++outer;
        }
        return true;
    };
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 3), 3);
    EXPECT_EQ(outer, 6);
}

TEST(Tunnels, LetTwoClientsTalkToEachOther) {  // P2S-RT-13
    P2sLab lab;
    auto& alice = lab.add_user("alice", kAlice);
    auto& bob = lab.add_user("bob", kBob);
    ASSERT_TRUE(lab.connect(alice) && lab.connect(bob));
    EXPECT_EQ(lab.ping(alice.host, *bob.client.status().inner_address, 4), 4);
    EXPECT_EQ(lab.ping(bob.host, *alice.client.status().inner_address, 4), 4);
}

TEST(Tunnels, FitTheLargestInnerPacketInto1500Octets) {
    for (const auto& suite : ikev2::p2s_ipsec_policy()) {
        auto config = testing::user_config("alice");
        testing::connection_of(config).child_policy = {suite};
        P2sLab lab;
        FakeNat nat{lab.network, kNatInside, kNatOutside};
        auto& alice = lab.add_user("alice", kBehindNat, kNatInside, config);
        ASSERT_TRUE(lab.connect(alice)) << to_string(suite);
        std::size_t largest = 0;
        lab.network.filter = [&](Bytes& packet) {
            largest = std::max(largest, packet.size());
            return true;
        };
        alice.host.ping(kServerAddress, 1, ipsec::kTunnelMtu - 28);
        lab.network.run_for(1s);
        EXPECT_EQ(alice.host.replies().size(), 1u);
        EXPECT_GT(largest, ipsec::kTunnelMtu);
        EXPECT_LE(largest, 1500u) << to_string(suite);
    }
}

// --- rekeying -------------------------------------------------------------------------------------------------------

enum class Side { Client, Gateway };
enum class What { Child, Ike };
class Rekeying : public ::testing::TestWithParam<std::tuple<Side, What, double>> {};

TEST_P(Rekeying, LosesNoPacketUnderWay) {
    const auto [side, what, loss] = GetParam();
    P2sLab lab{testing::gateway_config(), 3};
    auto& alice = lab.add_user("alice", kAlice);
    ASSERT_TRUE(lab.connect(alice));
    const auto id = lab.gateway->sessions().at(0).id;
    // Loss is for IKE only: what ESP loses on the wire would say nothing about rekeying.
    SeededRandom dice(11);
    lab.network.filter = [&, rate = loss](Bytes& packet) { return !testing::udp_of(packet) || dice.unit() >= rate; };

    const int total = 4000;
    for (int i = 0; i < total; ++i) {
        alice.host.ping(kServerAddress, static_cast<std::uint16_t>(i));
        if (i == 100) {
            if (side == Side::Client) what == What::Child ? alice.client.rekey_child() : alice.client.rekey_ike();
            if (side == Side::Gateway) what == What::Child ? lab.gateway->rekey_child(id) : lab.gateway->rekey_ike(id);
        }
        lab.network.run_for(1ms);
    }
    lab.network.run_for(5s);
    EXPECT_EQ(alice.host.replies().size(), static_cast<std::size_t>(total));
    for (const auto& tunnel : {testing::tunnel_of(lab.gateway->sessions().at(0)), testing::tunnel_of(alice.client)}) {
        EXPECT_EQ(tunnel.child_rekeys, what == What::Child ? 1 : 0);
        EXPECT_EQ(tunnel.ike_rekeys, what == What::Ike ? 1 : 0);
        EXPECT_EQ(tunnel.children, 1);
        EXPECT_EQ(tunnel.traffic.packets_in, static_cast<std::uint64_t>(total));
    }
}

INSTANTIATE_TEST_SUITE_P(FromEitherSide, Rekeying,
                         ::testing::Combine(::testing::Values(Side::Client, Side::Gateway),
                                            ::testing::Values(What::Child, What::Ike), ::testing::Values(0.0, 0.3)));

TEST(Tunnels, RekeyByThemselvesAtTheEndOfALifetime) {
    P2sLab lab;
    auto config = testing::user_config("alice");
    testing::connection_of(config).lifetimes.child = 10s;
    testing::connection_of(config).lifetimes.ike = 25s;
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    ASSERT_TRUE(lab.connect(alice));
    lab.network.run_for(60s);
    const auto tunnel = testing::tunnel_of(lab.gateway->sessions().at(0));
    EXPECT_GE(tunnel.child_rekeys, 4);
    EXPECT_GE(tunnel.ike_rekeys, 2);
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 3), 3);
}

// --- paths ----------------------------------------------------------------------------------------------------------

TEST(Tunnels, GoThroughUdpBehindANat) {
    P2sLab lab;
    FakeNat nat{lab.network, kNatInside, kNatOutside};
    auto& alice = lab.add_user("alice", kBehindNat, kNatInside);
    ASSERT_TRUE(lab.connect(alice)) << alice.client.status().detail;
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 5), 5);
    const auto here = testing::tunnel_of(alice.client);
    EXPECT_TRUE(here.udp_encapsulation && here.nat_here && !here.nat_there);
    const auto there = testing::tunnel_of(lab.gateway->sessions().at(0));
    EXPECT_TRUE(there.udp_encapsulation && there.nat_there && !there.nat_here);
    EXPECT_EQ(there.path.remote.address, kNatOutside);
}

TEST(Tunnels, ServeTwoUsersBehindOneNat) {
    P2sLab lab;
    FakeNat nat{lab.network, kNatInside, kNatOutside};
    auto& alice = lab.add_user("alice", kBehindNat, kNatInside);
    auto& bob = lab.add_user("bob", {192, 168, 1, 11}, kNatInside);
    ASSERT_TRUE(lab.connect(alice) && lab.connect(bob));
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 3), 3);
    EXPECT_EQ(lab.ping(bob.host, kServerAddress, 3), 3);
    EXPECT_EQ(lab.ping(lab.server, {10, 60, 0, 3}, 3), 3);
}

TEST(Tunnels, FollowAClientWhoseNatForgotIt) {
    P2sLab lab;
    FakeNat nat{lab.network, kNatInside, kNatOutside};
    auto& alice = lab.add_user("alice", kBehindNat, kNatInside);
    ASSERT_TRUE(lab.connect(alice));
    const auto before = testing::tunnel_of(lab.gateway->sessions().at(0)).path.remote;
    nat.forget();
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 3), 3);  // RFC 7296 section 2.23: dynamic address update
    EXPECT_NE(testing::tunnel_of(lab.gateway->sessions().at(0)).path.remote, before);
    EXPECT_EQ(lab.ping(lab.server, {10, 60, 0, 2}, 3), 3);
    EXPECT_EQ(lab.gateway_host.events_named("path-changed").size(), 1u);
}

TEST(Tunnels, StayUpThroughALossyWire) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        P2sLab lab{testing::gateway_config(), seed};
        lab.network.loss = 0.2;
        auto& alice = lab.add_user("alice", kAlice);
        ASSERT_TRUE(lab.connect(alice)) << "seed " << seed << ": " << alice.client.status().detail;
        EXPECT_GT(lab.ping(alice.host, kServerAddress, 200), 60) << "seed " << seed;
    }
}

}  // namespace
}  // namespace gatelab::gateway
