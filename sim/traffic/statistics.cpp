#include "sim/traffic/statistics.h"

#include <algorithm>

namespace gatelab::sim {
namespace {

double to_ms(Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

// The smallest sample that is at least as large as `percent` of all.
double nearest_rank(const std::vector<Duration>& sorted, std::size_t percent) {
    return to_ms(sorted[(sorted.size() * percent + 99) / 100 - 1]);
}

}  // namespace

std::optional<RoundTrips> summarize(std::vector<Duration> samples) {
    if (samples.empty()) return std::nullopt;
    std::sort(samples.begin(), samples.end());
    return RoundTrips{to_ms(samples.front()), nearest_rank(samples, 50), nearest_rank(samples, 90),
                      nearest_rank(samples, 99), to_ms(samples.back())};
}

double FlowCounters::goodput_bps() const {
    if (!started || !last_arrival || *last_arrival <= *started) return 0;
    return static_cast<double>(bytes_received) * 8e9 / static_cast<double>((*last_arrival - *started).count());
}

double FlowCounters::loss() const {
    if (packets_sent == 0) return 0;
    return 1 - static_cast<double>(std::min(packets_received, packets_sent)) / static_cast<double>(packets_sent);
}

}  // namespace gatelab::sim
