// Values as people write them in a topology file: "10ms", "100Mbps", "2026-01-01".
#pragma once

#include <cstdint>
#include <string_view>

#include "impl/base/result.h"
#include "impl/base/time.h"

namespace gatelab::topologies {

Result<Duration> parse_duration(std::string_view);   // a number and ns, us, ms, s, min, h or d: "1.5s"; up to 10 years
Result<std::uint64_t> parse_rate(std::string_view);  // bits per second: a number and bps, kbps, Mbps or Gbps
Result<Instant> parse_instant(std::string_view);     // UTC: "2026-01-01" or "2026-01-01T12:30:00Z", 1970 to 2200
Result<double> parse_fraction(std::string_view);     // 0 to 1: "0.01" or "1%"
Result<std::uint64_t> parse_number(std::string_view);  // whole and not negative

}  // namespace gatelab::topologies
