#include "impl/openvpn/replay_window.h"

#include <gtest/gtest.h>

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

#include "tests/impl/openvpn/data_support.h"

namespace gatelab::openvpn {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(DataReplayWindow, TakesEachIdOnceInAnyOrder) {
    ReplayWindow window{64, seconds{15}};
    for (const std::uint32_t id : {5, 1, 4, 2, 3, 60, 66, 65}) {
        EXPECT_TRUE(window.is_fresh(kStart, id)) << id;
        window.mark(kStart, id);
        EXPECT_FALSE(window.is_fresh(kStart, id)) << id;
    }
    EXPECT_EQ(window.highest(), 66u);
}

TEST(DataReplayWindow, NeverTakesIdZero) {
    EXPECT_FALSE((ReplayWindow{64, seconds{15}}.is_fresh(kStart, 0)));
    EXPECT_FALSE((ReplayWindow{0, seconds{15}}.is_fresh(kStart, 0)));
}

TEST(DataReplayWindow, ReachesBackExactlyItsSize) {
    for (const std::uint32_t size : {1, 2, 63, 64, 65, 1000, 65536}) {
        for (const std::uint32_t top : {70'000u, 0x80000001u, 0xffffffffu}) {
            ReplayWindow window{size, seconds{15}};
            window.mark(kStart, top);
            EXPECT_EQ(window.is_fresh(kStart, top - size + 1), size > 1) << size;
            EXPECT_FALSE(window.is_fresh(kStart, top - size)) << size;
            EXPECT_FALSE(window.is_fresh(kStart, top)) << size;
        }
    }
}

TEST(DataReplayWindow, ForgetsAllWhenItLeapsOverItsRing) {
    ReplayWindow window{64, seconds{15}};
    for (std::uint32_t id = 1; id <= 64; ++id) window.mark(kStart, id);
    window.mark(kStart, 0x10000040);
    for (std::uint32_t back = 1; back < 64; ++back) EXPECT_TRUE(window.is_fresh(kStart, 0x10000040 - back)) << back;
}

TEST(DataReplayWindow, TakesNothingBelowAnIdThatCameLongAgo) {
    ReplayWindow window{64, seconds{15}};
    window.mark(kStart, 40);
    window.mark(kStart + seconds{5}, 50);
    EXPECT_TRUE(window.is_fresh(kStart + seconds{15}, 39)) << "exactly at the limit";
    EXPECT_FALSE(window.is_fresh(kStart + seconds{16}, 39));
    EXPECT_TRUE(window.is_fresh(kStart + seconds{16}, 41)) << "only 50, of 11 seconds ago, is above it";
    EXPECT_TRUE(window.is_fresh(kStart + seconds{20}, 49));
    EXPECT_FALSE(window.is_fresh(kStart + seconds{21}, 49));
    EXPECT_TRUE(window.is_fresh(kStart + seconds{500}, 51)) << "what is newer than all is never too old";
}

TEST(DataReplayWindow, CountsWholeSeconds) {
    ReplayWindow window{64, seconds{15}};
    window.mark(kStart + milliseconds{900}, 40);
    EXPECT_TRUE(window.is_fresh(kStart + milliseconds{15'999}, 39));
    EXPECT_FALSE(window.is_fresh(kStart + milliseconds{16'000}, 39));
}

TEST(DataReplayWindow, WithoutALimitOfTimeKeepsAllOfItsSize) {
    ReplayWindow window{64, {}};
    window.mark(kStart, 64);
    EXPECT_TRUE(window.is_fresh(kStart + std::chrono::hours{10}, 1));
}

TEST(DataReplayWindow, OfNoSizeTakesAscendingIdsOnly) {
    ReplayWindow window{0, seconds{15}};
    EXPECT_TRUE(window.is_fresh(kStart, 7)) << "the first may be any";
    window.mark(kStart, 7);
    for (const std::uint32_t id : {1, 6, 7}) EXPECT_FALSE(window.is_fresh(kStart, id)) << id;
    EXPECT_TRUE(window.is_fresh(kStart + seconds{1000}, 8));
    EXPECT_TRUE(window.is_fresh(kStart, 100)) << "a sender may drop what it had no room for";
    window.mark(kStart, 0xffffffff);
    for (const std::uint32_t id : {0u, 1u, 0xfffffffeu, 0xffffffffu}) EXPECT_FALSE(window.is_fresh(kStart, id)) << id;
}

// A window, and a table of all ids with the times at which they came, must agree.
RC_GTEST_PROP(DataReplayWindow, AgreesWithATableOfAllIdsAndTheirTimes, ()) {
    const auto size = *rc::gen::inRange<std::uint32_t>(1, 200);
    const auto back = *rc::gen::inRange<std::int64_t>(1, 20);
    const auto start = *rc::gen::element<std::uint32_t>(1, 1000, 0xfffff000);
    const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(
        rc::gen::pair(rc::gen::inRange(-150, 160), rc::gen::inRange(0, 4000)));
    ReplayWindow window{size, seconds{back}};
    std::map<std::uint32_t, std::int64_t> seen;
    Instant now = kStart;
    std::uint32_t id = start;
    for (const auto& [step, wait] : steps) {
        now += milliseconds{wait};
        const std::int64_t next = std::int64_t{id} + step;
        if (next > 0 && next <= 0xffffffff) id = static_cast<std::uint32_t>(next);
        const std::uint32_t top = seen.empty() ? 0 : seen.rbegin()->first;
        const bool too_old = std::any_of(seen.lower_bound(id), seen.end(),
                                         [&](const auto& one) { return one.second + back < unix_seconds(now); });
        const bool expected = !seen.contains(id) && std::uint64_t{id} + size > top && !too_old;
        RC_ASSERT(window.is_fresh(now, id) == expected);
        if (!expected) continue;
        window.mark(now, id);
        seen.emplace(id, unix_seconds(now));
        RC_ASSERT(window.highest() == seen.rbegin()->first);
    }
}

}  // namespace
}  // namespace gatelab::openvpn
