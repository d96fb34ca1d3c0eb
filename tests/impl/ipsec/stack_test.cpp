// What the sockets are fed by others than the peer, and what keys a run leaves. Tunnels are tested with the products.
#include "impl/ipsec/stack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/p2s_lab.h"

namespace gatelab::ipsec {
namespace {

using namespace std::chrono_literals;
using testing::FakeHost;
using testing::P2sLab;

constexpr Ipv4Address kStranger{192, 0, 2, 66};

// An attacker who has a machine on the wire.
struct Attack {
    P2sLab lab;
    FakeHost stranger{lab.network, "stranger", kStranger};
    P2sLab::User& alice = lab.add_user("alice", {198, 51, 100, 10});

    void send_udp(std::uint16_t port, ByteView payload) {
        stranger.send(testing::udp_packet({kStranger, 4500}, {testing::kGatewayAddress, port}, payload));
    }
};

TEST(Stack, SurvivesAnyBytesOnItsPorts) {
    Attack attack;
    SeededRandom random(7);
    for (int i = 0; i < 2000; ++i) {
        const auto junk = random.bytes(random.below(300));
        attack.send_udp(i % 2 == 0 ? 500 : 4500, junk);
        attack.stranger.send(testing::ip_packet({kStranger, testing::kGatewayAddress, 50}, junk));
    }
    attack.lab.network.run_for(1s);
    ASSERT_TRUE(attack.lab.connect(attack.alice));
    EXPECT_EQ(attack.lab.ping(attack.alice.host, testing::kServerAddress, 3), 3);
    EXPECT_LT(attack.lab.gateway_host.events_named("packet-ignored").size(), 20u);  // told, but not one by one
}

TEST(Stack, DropsAReplayedPacketAndCountsIt) {
    Attack attack;
    ASSERT_TRUE(attack.lab.connect(attack.alice));
    std::vector<Bytes> recorded;
    attack.lab.network.filter = [&](Bytes& packet) {
        const auto header = testing::ip_header(packet);
        if (header && header->protocol == 50 && header->destination == testing::kGatewayAddress)
            recorded.push_back(packet);
        return true;
    };
    ASSERT_EQ(attack.lab.ping(attack.alice.host, testing::kServerAddress, 3), 3);
    attack.lab.network.filter = nullptr;
    ASSERT_EQ(recorded.size(), 3u);
    for (const auto& packet : recorded) attack.stranger.send(packet);
    attack.lab.network.run_for(1s);
    const auto traffic = testing::tunnel_of(attack.lab.gateway->sessions().at(0)).traffic;
    EXPECT_EQ(traffic.replayed, 3u);
    EXPECT_EQ(traffic.packets_in, 3u);
    const auto told = attack.lab.gateway_host.events_named("packet-dropped");
    ASSERT_EQ(told.size(), 2u);  // the first and the second of three
    EXPECT_EQ(text_of(told[0].attributes, "why"), "replayed");
}

TEST(Stack, DropsAForgedPacketAndCountsIt) {
    Attack attack;
    ASSERT_TRUE(attack.lab.connect(attack.alice));
    attack.lab.network.filter = [](Bytes& packet) {
        const auto header = testing::ip_header(packet);
        if (header && header->protocol == 50 && header->destination == testing::kGatewayAddress) packet.back() ^= 1;
        return true;
    };
    EXPECT_EQ(attack.lab.ping(attack.alice.host, testing::kServerAddress, 3), 0);
    EXPECT_EQ(testing::tunnel_of(attack.lab.gateway->sessions().at(0)).traffic.unauthentic, 3u);
}

TEST(Stack, DropsAnInnerSourceThatWasNotAssigned) {
    Attack attack;
    ASSERT_TRUE(attack.lab.connect(attack.alice));
    attack.alice.host.send(testing::echo_packet({10, 60, 0, 99}, testing::kServerAddress, {}));
    attack.lab.network.run_for(1s);
    const auto tunnel = testing::tunnel_of(attack.alice.client);
    EXPECT_EQ(tunnel.traffic.refused_out, 1u);  // our own client does not even send it
    EXPECT_EQ(tunnel.traffic.packets_out, 0u);
}

TEST(Stack, TellsTheSameKeysOnBothSides) {
    P2sLab lab;
    auto& alice = lab.add_user("alice", {198, 51, 100, 10});
    struct Seen {
        std::vector<std::uint64_t> ike;
        std::map<std::uint32_t, Bytes> esp;
        KeyObserver observer() {
            return {[this](const ikev2::SaKeys& keys) { ike.push_back(keys.spi_i); },
                    [this](const EspKeys& keys) { esp[keys.parameters.spi.value()] = keys.parameters.encryption_key; }};
        }
    } at_gateway, at_client;
    lab.gateway->on_keys({at_gateway.observer(), {}});
    alice.client.on_keys({at_client.observer(), {}});
    ASSERT_TRUE(lab.connect(alice));
    alice.client.rekey_child();
    lab.network.run_for(1s);
    EXPECT_EQ(at_gateway.ike.size(), 1u);
    EXPECT_EQ(at_gateway.ike, at_client.ike);
    EXPECT_EQ(at_gateway.esp.size(), 4u);
    EXPECT_EQ(at_gateway.esp, at_client.esp);
}

}  // namespace
}  // namespace gatelab::ipsec
