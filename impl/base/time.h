// Time as engines see it: a value that the owner hands in.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace gatelab {

using Duration = std::chrono::nanoseconds;

// A clock without now(): reading the time inside an engine does not compile.
// Its time points count from 1970-01-01 00:00 UTC and never run backwards, so they also judge certificates.
struct HostClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<HostClock, duration>;
    static constexpr bool is_steady = true;
};
using Instant = HostClock::time_point;

// `seconds` since 1970-01-01 00:00 UTC.
constexpr Instant instant_from_unix(std::int64_t seconds) { return Instant{std::chrono::seconds{seconds}}; }

// Whole seconds since 1970-01-01 00:00 UTC, rounded down.
constexpr std::int64_t unix_seconds(Instant at) {
    return std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
}

// The earlier of two deadlines, where none means never.
constexpr std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
    if (!a) return b;
    if (!b) return a;
    return *a < *b ? a : b;
}

// Seconds with nine decimals ("1.000000000"): exact, so equal on every machine.
std::string format_seconds(Duration);

// "2026-01-01T00:00:00Z".
std::string format_utc(Instant);

}  // namespace gatelab
