// Traces of dropped packets, a few a second: a flood of them must not become a flood of events.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "impl/base/events.h"
#include "impl/base/time.h"

namespace gatelab {

class DropLog {
public:
    // "dropped" with why and how many went untold before; nothing once ten have been told within a second.
    std::optional<Trace> note(Instant now, std::string why) {
        if (now - since_ >= std::chrono::seconds(1)) {
            since_ = now;
            told_ = 0;
        }
        if (told_ == kPerSecond) {
            ++untold_;
            return {};
        }
        ++told_;
        Trace trace{"dropped", {{"why", std::move(why)}}};
        if (untold_ > 0) trace.attributes.emplace_back("untold_before", untold_);
        untold_ = 0;
        return trace;
    }
    bool is_full(Instant now) const { return told_ == kPerSecond && now - since_ < std::chrono::seconds(1); }

private:
    static constexpr int kPerSecond = 10;
    Instant since_{};
    int told_ = 0;
    std::int64_t untold_ = 0;
};

}  // namespace gatelab
