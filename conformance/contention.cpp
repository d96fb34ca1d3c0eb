#include "conformance/contention.h"

#include <algorithm>
#include <fstream>
#include <string>

namespace gatelab::conformance {
namespace {

// "some avg10=1.00 avg60=1.00 avg300=1.00 total=123456"
std::optional<std::uint64_t> microseconds_waited() {
    std::ifstream in("/proc/pressure/cpu");
    for (std::string word; in >> word;)
        if (word.rfind("total=", 0) == 0) return std::stoull(word.substr(6));
    return std::nullopt;
}

}  // namespace

Contention::Contention() : waited_(microseconds_waited()), start_(std::chrono::steady_clock::now()) {}

std::optional<double> Contention::share() const {
    const auto now = microseconds_waited();
    const std::chrono::duration<double, std::micro> passed = std::chrono::steady_clock::now() - start_;
    if (!waited_ || !now || passed.count() <= 0) return std::nullopt;
    return std::clamp(static_cast<double>(*now - *waited_) / passed.count(), 0.0, 1.0);
}

}  // namespace gatelab::conformance
