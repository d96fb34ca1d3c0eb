#include "sim/peers/uml/agent/frame_link.h"

#include <gtest/gtest.h>

#include <deque>

#include "impl/base/random.h"

namespace gatelab::sim::peers::uml::agent {
namespace {

struct Pair {
    FrameLink a{kHarnessMac, kControlMac}, b{kControlMac, kHarnessMac};
};

// Carries the frames of one side to the other, at most `most`; how many there were.
std::size_t carry(FrameLink& from, FrameLink& to, std::size_t most = 100000) {
    std::size_t count = 0;
    while (count < most) {
        const auto frame = from.next_frame();
        if (!frame) break;
        EXPECT_LE(frame->size(), kLargestFrame);
        EXPECT_TRUE(to.handle_frame(*frame));
        ++count;
    }
    return count;
}

TEST(FrameLink, PacksSmallMessagesTogetherAndCutsLargeOnes) {
    Pair pair;
    const Bytes small{1, 2, 3}, large(100000, 7);
    for (int i = 0; i < 10; ++i) pair.a.queue(small);
    EXPECT_EQ(carry(pair.a, pair.b), 1u);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(copy_of(pair.b.next_message().value()), small);
    EXPECT_FALSE(pair.b.next_message());
    pair.a.queue(large);
    EXPECT_EQ(carry(pair.a, pair.b), 68u);
    EXPECT_EQ(copy_of(pair.b.next_message().value()), large);
}

TEST(FrameLink, StopsAtTheWindowUntilTheOtherSideHasTakenFrames) {
    Pair pair;
    pair.a.queue(Bytes(400 * 1024, 1));
    EXPECT_EQ(carry(pair.a, pair.b), kWindow);
    EXPECT_EQ(carry(pair.a, pair.b), 0u);
    EXPECT_EQ(carry(pair.b, pair.a), 1u);  // a frame that only confirms
    EXPECT_EQ(carry(pair.a, pair.b), kWindow);
}

TEST(FrameLink, DoesNotConfirmConfirmations) {
    Pair pair;
    for (int i = 0; i < 1000; ++i) {
        pair.a.queue(Bytes{1});
        carry(pair.a, pair.b);
        carry(pair.b, pair.a);
        ASSERT_TRUE(pair.b.next_message());
    }
    EXPECT_EQ(carry(pair.a, pair.b) + carry(pair.b, pair.a), 0u);
}

TEST(FrameLink, CarriesAnyMixOfMessagesBothWays) {
    Pair pair;
    SeededRandom random{1};
    std::deque<Bytes> expected[2];
    FrameLink* sides[] = {&pair.a, &pair.b};
    for (int round = 0; round < 3000; ++round) {
        const auto side = random.below(2);
        auto message = random.bytes(random.below(10) == 0 ? random.below(70000) : random.below(200));
        sides[side]->queue(message);
        expected[side].push_back(std::move(message));
        const auto from = random.below(2);
        carry(*sides[from], *sides[1 - from], random.below(200));
        while (const auto got = sides[1 - from]->next_message()) {
            ASSERT_EQ(copy_of(*got), expected[from].front());
            expected[from].pop_front();
        }
    }
}

TEST(FrameLink, IgnoresFramesOfOtherProtocols) {
    FrameLink link{kHarnessMac, kControlMac};
    EXPECT_TRUE(link.handle_frame(Bytes(60, 0)));
    EXPECT_TRUE(link.handle_frame(Bytes{}));
    EXPECT_FALSE(link.has_message());
}

TEST(FrameLink, RefusesGapsRepeatsAndFalseConfirmations) {
    Pair pair;
    pair.a.queue(Bytes{1});
    const auto first = copy_of(*pair.a.next_frame());
    pair.a.queue(Bytes{2});
    const auto second = copy_of(*pair.a.next_frame());
    EXPECT_FALSE(FrameLink(kControlMac, kHarnessMac).handle_frame(second));
    EXPECT_TRUE(pair.b.handle_frame(first));
    EXPECT_FALSE(pair.b.handle_frame(first));
    auto confirming = second;
    confirming[21] = 1;  // "one of your frames", but none was sent
    EXPECT_FALSE(pair.b.handle_frame(confirming));
}

TEST(FrameLink, RefusesTruncatedFramesAndGiantMessages) {
    Pair pair;
    pair.a.queue(Bytes(100, 1));
    const auto frame = copy_of(*pair.a.next_frame());
    for (std::size_t length = 14; length < frame.size(); ++length)
        EXPECT_FALSE(FrameLink(kControlMac, kHarnessMac).handle_frame(ByteView{frame}.first(length)));
    auto giant = frame;
    giant[24] = 0xff;
    EXPECT_FALSE(pair.b.handle_frame(giant));
    EXPECT_FALSE(pair.a.queue(Bytes(kLargestMessage + 1)));
}

}  // namespace
}  // namespace gatelab::sim::peers::uml::agent
