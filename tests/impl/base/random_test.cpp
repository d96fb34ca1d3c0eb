#include "impl/base/random.h"

#include <gtest/gtest.h>

namespace gatelab {
namespace {

TEST(SeededRandom, GivesTheSameStreamForTheSameSeedAndLabel) {
    SeededRandom a{7, "node/alice"}, b{7, "node/alice"};
    EXPECT_EQ(a.bytes(100), b.bytes(100));
}

TEST(SeededRandom, GivesOtherStreamsForOtherSeedsAndLabels) {
    SeededRandom a{7, "node/alice"}, b{7, "node/bob"}, c{8, "node/alice"};
    const auto first = a.bytes(16);
    EXPECT_NE(first, b.bytes(16));
    EXPECT_NE(first, c.bytes(16));
}

// The stream is part of what makes a run repeat on another machine: it may never change.
TEST(SeededRandom, HasAStreamThatNeverChanges) {
    SeededRandom random{7, "node/alice"};
    EXPECT_EQ(to_hex(random.bytes(8)), "d9aeceefb4881be1");
}

TEST(Random, BoundsAreKept) {
    SeededRandom random{1};
    for (int i = 0; i < 1000; ++i) {
        EXPECT_LT(random.below(3), 3u);
        const auto unit = random.unit();
        EXPECT_GE(unit, 0.0);
        EXPECT_LT(unit, 1.0);
    }
}

}  // namespace
}  // namespace gatelab
