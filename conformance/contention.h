// How much of a stretch of time some process of this machine waited for a processor.
//
// The simulator's own lateness does not tell whether a real peer was starved; this does. Linux counts it as pressure
// stall information (/proc/pressure/cpu, "some").
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace gatelab::conformance {

class Contention {
public:
    Contention();  // counting starts
    // 0 to 1, since the start; nothing where the kernel does not count it.
    std::optional<double> share() const;

private:
    std::optional<std::uint64_t> waited_;  // microseconds since the machine started
    std::chrono::steady_clock::time_point start_;
};

}  // namespace gatelab::conformance
