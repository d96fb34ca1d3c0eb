// Two datagram engines joined by a seeded wire that loses, delays, reorders and repeats, in simulated time.
//
// Time jumps to whatever comes next: an arrival, or an engine's next_timeout(). No sleeps; one seed repeats a run.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "impl/base/address.h"
#include "impl/base/bytes.h"
#include "impl/base/random.h"
#include "impl/base/time.h"

namespace gatelab::test {

struct WireQuality {
    double loss = 0;        // of 1
    double repetition = 0;  // of 1: how many arrive twice
    Duration delay = std::chrono::milliseconds(10);
    Duration jitter = Duration::zero();  // added at random: reorders
};

// A datagram under way. `from` and `to` are what the receiver sees; a test plays NAT by rewriting them.
struct Parcel {
    Instant at;
    std::uint64_t order = 0;
    Endpoint from, to;
    Bytes bytes;
};

class EngineWire {
public:
    explicit EngineWire(std::uint64_t seed, WireQuality quality = {}) : random_(seed, "wire"), quality_(quality) {}

    // Called on each datagram that leaves; may rewrite it. False loses it.
    std::function<bool(Instant, Parcel&)> on_send = [](Instant, Parcel&) { return true; };

    void send(Instant now, Parcel parcel) {
        if (!on_send(now, parcel)) return;
        if (quality_.loss > 0 && random_.unit() < quality_.loss) return;
        const bool twice = quality_.repetition > 0 && random_.unit() < quality_.repetition;
        for (int i = 0; i < (twice ? 2 : 1); ++i) {
            parcel.at = now + quality_.delay;
            if (quality_.jitter > Duration::zero())
                parcel.at += Duration{
                    static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(quality_.jitter.count())))};
            parcel.order = next_order_++;
            under_way_.push_back(parcel);
        }
    }

    std::optional<Instant> next_arrival() const {
        const auto first = soonest();
        return first == under_way_.end() ? std::nullopt : std::optional{first->at};
    }

    Parcel take() {
        const auto first = soonest();
        Parcel parcel = *first;
        under_way_.erase(first);
        return parcel;
    }

private:
    std::vector<Parcel>::const_iterator soonest() const {
        return std::min_element(under_way_.begin(), under_way_.end(), [](const Parcel& a, const Parcel& b) {
            return std::pair{a.at, a.order} < std::pair{b.at, b.order};
        });
    }

    SeededRandom random_;
    WireQuality quality_;
    std::vector<Parcel> under_way_;
    std::uint64_t next_order_ = 0;
};

}  // namespace gatelab::test
