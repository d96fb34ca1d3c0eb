#include "sim/traffic/statistics.h"

#include <gmock/gmock.h>

namespace gatelab::sim {
namespace {

using namespace std::chrono_literals;

TEST(RoundTripStatistics, AreNothingWithoutSamples) { EXPECT_FALSE(summarize({})); }

TEST(RoundTripStatistics, TakePercentilesByNearestRank) {
    std::vector<Duration> samples;
    for (int i = 100; i >= 1; --i) samples.push_back(i * 1ms);
    const auto trips = summarize(samples);
    ASSERT_TRUE(trips);
    EXPECT_EQ(trips->min_ms, 1);
    EXPECT_EQ(trips->p50_ms, 50);
    EXPECT_EQ(trips->p90_ms, 90);
    EXPECT_EQ(trips->p99_ms, 99);
    EXPECT_EQ(trips->max_ms, 100);
}

TEST(RoundTripStatistics, NameTheOnlySampleForEveryPercentile) {
    const auto trips = summarize({1500us});
    ASSERT_TRUE(trips);
    EXPECT_EQ(trips->min_ms, 1.5);
    EXPECT_EQ(trips->p50_ms, 1.5);
    EXPECT_EQ(trips->p99_ms, 1.5);
}

TEST(FlowStatistics, MeasureGoodputFromTheStartToTheLastArrival) {
    FlowCounters counters;
    counters.started = 2s;
    counters.last_arrival = 6s;
    counters.bytes_received = 1'000'000;
    EXPECT_DOUBLE_EQ(counters.goodput_bps(), 2'000'000);
}

TEST(FlowStatistics, AreZeroForAFlowThatNeverSent) {
    EXPECT_EQ(FlowCounters{}.goodput_bps(), 0);
    EXPECT_EQ(FlowCounters{}.loss(), 0);
}

TEST(FlowStatistics, CountWhatDidNotArriveAsLoss) {
    FlowCounters counters;
    counters.packets_sent = 8;
    counters.packets_received = 6;
    EXPECT_DOUBLE_EQ(counters.loss(), 0.25);
}

}  // namespace
}  // namespace gatelab::sim
