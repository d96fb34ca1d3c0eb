#include "impl/esp/replay_window.h"

#include <gtest/gtest.h>

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace gatelab::esp {
namespace {

TEST(ReplayWindow, TakesEachNumberOnceInAnyOrder) {
    ReplayWindow window{32};
    for (const std::uint64_t number : {5, 1, 4, 2, 3, 36, 35}) {
        EXPECT_TRUE(window.is_fresh(number)) << number;
        window.mark(number);
        EXPECT_FALSE(window.is_fresh(number)) << number;
    }
}

TEST(ReplayWindow, NeverTakesNumberZero) { EXPECT_FALSE(ReplayWindow{32}.is_fresh(0)); }

class ReplayWindowOfSize : public testing::TestWithParam<std::size_t> {};

TEST_P(ReplayWindowOfSize, ReachesBackExactlyItsSize) {
    const std::size_t size = GetParam();
    for (const std::uint64_t top : {std::uint64_t{10'000}, std::uint64_t{1} << 32, (std::uint64_t{1} << 40) + 63}) {
        ReplayWindow window{size};
        window.mark(top);
        for (std::uint64_t back = 1; back < size; ++back) ASSERT_TRUE(window.is_fresh(top - back)) << back;
        EXPECT_FALSE(window.is_fresh(top - size));
        EXPECT_FALSE(window.is_fresh(top - size - 1));
    }
}

TEST_P(ReplayWindowOfSize, ForgetsNothingAndInventsNothingWhenItMoves) {
    const std::size_t size = GetParam();
    for (std::uint64_t step = 1; step < 3 * size; step += 1 + step / 3) {
        ReplayWindow window{size};
        std::set<std::uint64_t> marked;
        for (std::uint64_t number = 7; number < 10 * size; number += step) {
            window.mark(number);
            marked.insert(number);
        }
        const auto top = window.highest();
        for (std::uint64_t back = 0; back < size && back < top; ++back)
            ASSERT_EQ(window.is_fresh(top - back), !marked.contains(top - back)) << step << " " << back;
    }
}

TEST_P(ReplayWindowOfSize, TakesEverythingUpToANumberForReceived) {
    ReplayWindow window{GetParam()};
    window.mark(3);
    for (const std::uint64_t number : {1000, 1023, 1024, 1087}) {
        window.mark_all_up_to(number);
        EXPECT_FALSE(window.is_fresh(number));
        EXPECT_FALSE(window.is_fresh(number - GetParam() + 1));
        EXPECT_TRUE(window.is_fresh(number + 1));
        EXPECT_TRUE(window.is_fresh(number + 200));
    }
    window.mark_all_up_to(5);
    EXPECT_EQ(window.highest(), 1087u) << "went back";
}

INSTANTIATE_TEST_SUITE_P(Esp, ReplayWindowOfSize, testing::Values(32, 33, 63, 64, 65, 128, 1000));

// A window and a set that forgets nothing must agree on all that the window can still see.
RC_GTEST_PROP(ReplayWindow, AgreesWithASetOfAllNumbersSeen, ()) {
    const auto size = *rc::gen::inRange<std::size_t>(32, 300);
    const auto start = *rc::gen::element<std::uint64_t>(1, 1000, 0xffffff00, 0xffffffffffff0000);
    const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(-400, 500));
    ReplayWindow window{size};
    std::set<std::uint64_t> seen;
    std::uint64_t top = 0;
    std::uint64_t number = start;
    for (const int step : steps) {
        const auto next = number + static_cast<std::uint64_t>(static_cast<std::int64_t>(step));
        if (next > 0 && (next < number) == (step < 0)) number = next;
        const bool expected = !seen.contains(number) && number + size > top;
        RC_ASSERT(window.is_fresh(number) == expected);
        if (!expected) continue;
        window.mark(number);
        seen.insert(number);
        top = std::max(top, number);
        RC_ASSERT(window.highest() == top);
    }
}

// RFC 4303 appendix A2.1.
TEST(ReplayWindow, FindsTheHighHalfOfANumber) {
    ReplayWindow window{64};
    EXPECT_EQ(window.extend(1), 1u);
    EXPECT_EQ(window.extend(0xffffffff), std::nullopt) << "before the first number";

    window.mark(0x2'0000'0100);  // case A
    EXPECT_EQ(window.extend(0x101), 0x2'0000'0101u);
    EXPECT_EQ(window.extend(0xc1), 0x2'0000'00c1u) << "left edge of the window";
    EXPECT_EQ(window.extend(0xc0), 0x3'0000'00c0u) << "too old, so it must be newer by 2^32";
    EXPECT_EQ(window.extend(0xffffffff), 0x2'ffff'ffffu);

    window.mark(0x3'0000'0010);  // case B
    EXPECT_EQ(window.extend(0x11), 0x3'0000'0011u);
    EXPECT_EQ(window.extend(0xffffffd1), 0x2'ffff'ffd1u) << "left edge, one block back";
    EXPECT_EQ(window.extend(0xffffffd0), 0x3'ffff'ffd0u);

    window.mark(0xffffffff'ffffff00);
    EXPECT_EQ(window.extend(0xffffffff), 0xffffffff'ffffffffu);
    EXPECT_EQ(window.extend(0), std::nullopt) << "behind the last number there is";
}

// Whatever lies within half the number space ahead, or within the window behind, is found from its low half.
RC_GTEST_PROP(ReplayWindow, FindsTheHighHalfOfEveryNumberInReach, ()) {
    const auto size = *rc::gen::inRange<std::size_t>(32, 4096);
    const auto top =
        (*rc::gen::inRange<std::uint64_t>(1, 5) << 32) + *rc::gen::inRange<std::uint64_t>(0, 10'000) - 5000;
    const auto number = top - size + 1 + *rc::gen::inRange<std::uint64_t>(0, 0x8000'0000);
    ReplayWindow window{size};
    window.mark(top);
    RC_ASSERT(window.extend(static_cast<std::uint32_t>(number)) == std::optional{number});
}

}  // namespace
}  // namespace gatelab::esp
