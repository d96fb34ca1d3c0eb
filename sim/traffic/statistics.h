// Counting what a flow sent and what arrived.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "impl/base/time.h"

namespace gatelab::sim {

struct RoundTrips {
    double min_ms = 0, p50_ms = 0, p90_ms = 0, p99_ms = 0, max_ms = 0;
};

// The percentiles of round-trip times by nearest rank: each is a time that was measured. Nothing for no samples.
std::optional<RoundTrips> summarize(std::vector<Duration> samples);

// What a flow has achieved so far. Bytes are of payload.
struct FlowCounters {
    std::uint64_t packets_sent = 0, packets_received = 0;
    std::uint64_t bytes_sent = 0, bytes_received = 0;
    std::uint64_t retransmissions = 0;  // Tcp
    std::vector<Duration> round_trips;  // Ping
    std::optional<Duration> started;    // the first attempt to send, since the start of the run
    std::optional<Duration> last_arrival;

    double goodput_bps()
        const;            // payload received over the time from `started` to `last_arrival`; 0 when that is nothing
    double loss() const;  // share of the packets sent that did not arrive, 0 to 1
};

}  // namespace gatelab::sim
