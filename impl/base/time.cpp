#include "impl/base/time.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace gatelab {

std::string format_seconds(Duration duration) {
    const auto total = duration.count();
    const auto magnitude = total < 0 ? -static_cast<std::uint64_t>(total) : static_cast<std::uint64_t>(total);
    return fmt::format("{}{}.{:09}", total < 0 ? "-" : "", magnitude / 1'000'000'000, magnitude % 1'000'000'000);
}

std::string format_utc(Instant at) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(unix_seconds(at))));
}

}  // namespace gatelab
