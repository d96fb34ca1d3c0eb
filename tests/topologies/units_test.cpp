#include "topologies/yaml/units.h"

#include <gtest/gtest.h>

namespace gatelab::topologies {
namespace {

using namespace std::chrono_literals;

TEST(Units, ReadDurationsWithTheirUnit) {
    EXPECT_EQ(parse_duration("10ms"), Duration{10ms});
    EXPECT_EQ(parse_duration("1.5s"), Duration{1500ms});
    EXPECT_EQ(parse_duration("2 h"), Duration{2h});
    EXPECT_EQ(parse_duration("250us"), Duration{250us});
    EXPECT_EQ(parse_duration("0s"), Duration{0});
}

TEST(Units, RefuseWhatIsNoDuration) {
    for (const auto* text : {"", "10", "ms", "-1s", "1e3s", "1..5s", "10 msec", "1s ", "inf", "nan s", "99999999d"})
        EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Units, ReadRatesInBitsPerSecond) {
    EXPECT_EQ(parse_rate("100Mbps"), 100'000'000u);
    EXPECT_EQ(parse_rate("1.5Gbps"), 1'500'000'000u);
    EXPECT_EQ(parse_rate("64kbps"), 64'000u);
    for (const auto* text : {"", "100", "0bps", "100MBps", "100 MB", "2000Gbps"})
        EXPECT_FALSE(parse_rate(text)) << text;
}

TEST(Units, ReadInstantsInUtc) {
    EXPECT_EQ(parse_instant("2026-01-01"), instant_from_unix(1767225600));
    EXPECT_EQ(parse_instant("2026-01-01T12:30:15Z"), instant_from_unix(1767225600 + 45015));
    for (const auto* text : {"", "2026", "2026-02-30", "2026-13-01", "1969-12-31", "2026-01-01 12:00",
                             "2026-01-01T24:00:00Z", "2026/01/01", "999999-01-01"})
        EXPECT_FALSE(parse_instant(text)) << text;
}

TEST(Units, ReadSharesAsFractionOrPercent) {
    EXPECT_DOUBLE_EQ(parse_fraction("0.25").value(), 0.25);
    EXPECT_DOUBLE_EQ(parse_fraction("1%").value(), 0.01);
    for (const auto* text : {"", "1.1", "101%", "-0.1", "x"}) EXPECT_FALSE(parse_fraction(text)) << text;
}

}  // namespace
}  // namespace gatelab::topologies
