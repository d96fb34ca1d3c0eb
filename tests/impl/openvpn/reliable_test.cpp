#include "impl/openvpn/reliable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>

#include "impl/base/random.h"

namespace gatelab::openvpn {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using Verdict = ReliableReceiver::Verdict;

constexpr Instant kNow = instant_from_unix(1'767'225'600);

void acknowledge(ReliableSender& sender, std::vector<std::uint32_t> ids) { sender.acknowledge(ids); }

std::vector<std::uint32_t> due(ReliableSender& sender, Instant now) {
    std::vector<std::uint32_t> ids;
    while (const auto next = sender.next_due(now)) ids.push_back(next->id);
    return ids;
}

std::vector<std::string> taken(ReliableReceiver& receiver) {
    std::vector<std::string> texts;
    while (const auto packet = receiver.take()) texts.push_back(as_text(packet->payload));
    return texts;
}

TEST(ReliableSender, NumbersPacketsAndSendsThemAtOnce) {
    ReliableSender sender{seconds(2)};
    EXPECT_EQ(sender.push(Opcode::ControlHardResetClientV2, {}), 0u);
    EXPECT_EQ(sender.push(Opcode::ControlV1, {1}), 1u);
    EXPECT_THAT(due(sender, kNow), ElementsAre(0, 1));
    EXPECT_THAT(due(sender, kNow), IsEmpty());
    EXPECT_TRUE(sender.has_sent(Opcode::ControlHardResetClientV2));
    acknowledge(sender, {0});
    EXPECT_FALSE(sender.has_sent(Opcode::ControlHardResetClientV2));
    EXPECT_FALSE(sender.empty());
    acknowledge(sender, {1});
    EXPECT_TRUE(sender.empty());
    EXPECT_FALSE(sender.next_timeout());
}

TEST(ReliableSender, RepeatsLaterAndLaterUpToAMinute) {
    ReliableSender sender{seconds(2)};
    sender.push(Opcode::ControlV1, {1});
    Instant now = kNow;
    due(sender, now);
    for (const int wait : {2, 4, 8, 16, 32, 60, 60}) {
        EXPECT_EQ(*sender.next_timeout(), now + seconds(wait));
        EXPECT_THAT(due(sender, now + seconds(wait) - Duration{1}), IsEmpty());
        now += seconds(wait);
        EXPECT_TRUE(sender.next_due(now)->repeated);
    }
    EXPECT_EQ(sender.repetitions(), 7u);
}

TEST(ReliableSender, WaitsWhenItsWindowIsFull) {
    ReliableSender sender{seconds(2)};
    for (std::size_t i = 0; i < kSendWindow; ++i) {
        EXPECT_TRUE(sender.has_room());
        sender.push(Opcode::ControlV1, {});
    }
    EXPECT_FALSE(sender.has_room());
    due(sender, kNow);
    acknowledge(sender, {1, 2, 3});  // the oldest still holds the window back
    EXPECT_FALSE(sender.has_room());
    acknowledge(sender, {0});
    EXPECT_TRUE(sender.has_room());
}

TEST(ReliableSender, RepeatsAtOnceWhatThreeLaterPacketsOvertook) {
    ReliableSender sender{seconds(2)};
    for (int i = 0; i < 4; ++i) sender.push(Opcode::ControlV1, {});
    due(sender, kNow);
    acknowledge(sender, {1, 2});
    acknowledge(sender, {1, 2, 2});  // said again: no news
    EXPECT_THAT(due(sender, kNow), IsEmpty());
    acknowledge(sender, {3});
    EXPECT_THAT(due(sender, kNow), ElementsAre(0));
}

TEST(ReliableSender, BelievesNoAcknowledgementOfWhatItHasNotSent) {
    ReliableSender sender{seconds(2)};
    sender.push(Opcode::ControlV1, {});
    acknowledge(sender, {0, 1, 0xffffffff});
    EXPECT_THAT(due(sender, kNow), ElementsAre(0));
}

TEST(ReliableReceiver, HandsOnInOrderAndOnce) {
    ReliableReceiver receiver;
    EXPECT_EQ(receiver.accept(1, Opcode::ControlV1, as_bytes("b")), Verdict::Accepted);
    EXPECT_THAT(taken(receiver), IsEmpty());
    EXPECT_EQ(receiver.accept(1, Opcode::ControlV1, as_bytes("b")), Verdict::Repeated);
    EXPECT_EQ(receiver.accept(0, Opcode::ControlV1, as_bytes("a")), Verdict::Accepted);
    EXPECT_THAT(taken(receiver), ElementsAre("a", "b"));
    EXPECT_EQ(receiver.accept(0, Opcode::ControlV1, as_bytes("a")), Verdict::Repeated);
    EXPECT_THAT(taken(receiver), IsEmpty());
}

TEST(ReliableReceiver, AcknowledgesWhatIsRepeatedButNotWhatIsTooFarAhead) {
    ReliableReceiver receiver{1};
    EXPECT_EQ(receiver.accept(0, Opcode::ControlV1, {}), Verdict::Repeated);
    EXPECT_EQ(receiver.accept(1 + kReceiveWindow, Opcode::ControlV1, {}), Verdict::TooFarAhead);
    EXPECT_EQ(receiver.accept(0xffffffff, Opcode::ControlV1, {}), Verdict::TooFarAhead);
    EXPECT_EQ(receiver.accept(kReceiveWindow, Opcode::ControlV1, {}), Verdict::Accepted);
    EXPECT_THAT(receiver.take_acks(8), ElementsAre(0, kReceiveWindow));
}

TEST(ReliableReceiver, SaysRecentAcknowledgementsAgain) {
    ReliableReceiver receiver;
    for (std::uint32_t id = 0; id < 6; ++id) receiver.accept(id, Opcode::ControlV1, {});
    EXPECT_THAT(receiver.take_acks(), ElementsAre(0, 1, 2, 3));
    EXPECT_TRUE(receiver.owes_acks());
    EXPECT_THAT(receiver.take_acks(8), ElementsAre(4, 5, 0, 1, 2, 3));
    EXPECT_FALSE(receiver.owes_acks());
    receiver.accept(6, Opcode::ControlV1, {});
    receiver.accept(7, Opcode::ControlV1, {});
    receiver.accept(8, Opcode::ControlV1, {});
    EXPECT_THAT(receiver.take_acks(8), ElementsAre(6, 7, 8, 4, 5, 0, 1, 2));
}

// Whatever a wire loses, repeats and reorders, what is pushed is taken, in order and once.
TEST(Reliability, DeliversOverAnyWire) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        SeededRandom random{seed, "wire"};
        ReliableSender sender{seconds(1)};
        ReliableReceiver receiver;
        struct Flight {
            std::optional<std::uint32_t> packet;
            Bytes payload;
            std::vector<std::uint32_t> acks;
        };
        std::vector<Flight> flights;
        std::uint8_t next = 0, expected = 0;
        Instant now = kNow;
        for (int round = 0; expected < 100 || !sender.empty(); ++round) {
            ASSERT_LT(round, 100'000) << "seed " << seed;
            while (next < 100 && sender.has_room()) sender.push(Opcode::ControlV1, {next++});
            while (const auto due = sender.next_due(now)) flights.push_back({due->id, due->payload, {}});
            if (receiver.owes_acks()) flights.push_back({{}, {}, receiver.take_acks(8)});
            if (flights.empty()) {
                if (const auto at = sender.next_timeout()) now = std::max(now, *at);
                continue;
            }
            const auto index = random.below(flights.size());
            const auto flight = flights[index];
            if (random.below(10) != 0) flights.erase(flights.begin() + static_cast<std::ptrdiff_t>(index));
            if (random.below(4) == 0) continue;  // lost
            if (flight.packet) receiver.accept(*flight.packet, Opcode::ControlV1, flight.payload);
            sender.acknowledge(flight.acks);
            while (const auto packet = receiver.take()) ASSERT_EQ(packet->payload.at(0), expected++);
        }
        EXPECT_EQ(expected, 100);
    }
}

}  // namespace
}  // namespace gatelab::openvpn
