#include "sim/peers/uml/guest_card.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace gatelab::sim::peers::uml {
namespace {

using namespace std::chrono_literals;

struct PortOfTest final : Port {
    void on_packet(Receiver receiver) override { deliver = std::move(receiver); }
    void inject(ByteView packet) override { injected.push_back(copy_of(packet)); }
    Receiver deliver;
    std::vector<Bytes> injected;
};

struct CardOfTest final : Card {
    void on_frame(Receiver receiver) override { sent = std::move(receiver); }
    bool send(ByteView frame) override {
        if (frames.size() == room) return false;
        frames.push_back(copy_of(frame));
        return true;
    }
    Receiver sent;
    std::size_t room = 1000;
    std::vector<Bytes> frames;
};

class GuestCardTest : public testing::Test {
protected:
    void wait(Duration time) { network.run_until(network.now() + time); }

    Network network{NetworkOptions{}};
    PortOfTest port;
    CardOfTest wire;
    GuestCard card{
        port,
        wire,
        {[this] { return network.now(); },
         [this](Duration when, std::function<void()> call) { return network.call_at(when, std::move(call)); }}};
};

TEST_F(GuestCardTest, PutsPacketsIntoFramesOfOurOwnAddresses) {
    card.open();
    port.deliver(Bytes{0x45, 1, 2});
    ASSERT_EQ(wire.frames.size(), 1u);
    EXPECT_EQ(to_hex(wire.frames[0]), "02676c00000302676c0000040800450102");
}

TEST_F(GuestCardTest, TakesIpv4OutOfFramesAndCountsTheRest) {
    wire.sent(*from_hex("02676c00000402676c0000030800450102"));
    wire.sent(*from_hex("ffffffffffff02676c0000030806000108"));
    wire.sent(Bytes(13));
    EXPECT_THAT(port.injected, testing::ElementsAre(Bytes{0x45, 1, 2}));
    EXPECT_EQ(card.counters().out, 1u);
    EXPECT_EQ(card.counters().foreign, 2u);
}

TEST_F(GuestCardTest, LosesPacketsUntilTheGuestIsUp) {
    port.deliver(Bytes{0x45});
    EXPECT_TRUE(wire.frames.empty());
    EXPECT_EQ(card.counters().in, 0u);
}

TEST_F(GuestCardTest, DropsPacketsThatNoEthernetCarries) {
    card.open();
    port.deliver(Bytes(1501));
    port.deliver(Bytes(1500));
    EXPECT_EQ(wire.frames.size(), 1u);
    EXPECT_EQ(card.counters().oversized, 1u);
}

TEST_F(GuestCardTest, KeepsPacketsInOrderWhileTheRingIsFull) {
    card.open();
    wire.room = 2;
    for (std::uint8_t i = 0; i < 5; ++i) port.deliver(Bytes{i});
    EXPECT_EQ(wire.frames.size(), 2u);
    wait(1ms);
    EXPECT_EQ(wire.frames.size(), 2u);
    wire.room = 1000;
    port.deliver(Bytes{5});
    wait(1ms);
    ASSERT_EQ(wire.frames.size(), 6u);
    for (std::uint8_t i = 0; i < 6; ++i) EXPECT_EQ(wire.frames[i].back(), i);
}

TEST_F(GuestCardTest, DropsPacketsThatFindNoRoomInItsQueueEither) {
    card.open();
    wire.room = 0;
    for (int i = 0; i < 1003; ++i) port.deliver(Bytes{0x45});
    EXPECT_EQ(card.counters().overflowed, 3u);
}

}  // namespace
}  // namespace gatelab::sim::peers::uml
