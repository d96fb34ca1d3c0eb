// A cable between two cards, which writes down what passes.
#pragma once

#include <fmt/format.h>

#include <map>
#include <string>

#include "tests/sim/peers/uml/event_clock.h"

namespace gatelab::sim::peers::uml {

class Wire {
public:
    Wire(EventClock& events, Card& a, Card& b, Duration delay) : clock_(events.clock()), delay_(delay) {
        a.on_frame([this, &b](ByteView frame) { carry("a", frame, b); });
        b.on_frame([this, &a](ByteView frame) { carry("b", frame, a); });
    }
    // A line a frame: when it was sent, by whom, its length and a hash of all of it.
    const std::string& trace() const { return trace_; }

private:
    void carry(const char* from, ByteView frame, Card& to) {
        std::uint32_t hash = 2166136261u;
        for (const auto octet : frame) hash = (hash ^ octet) * 16777619u;
        trace_ += fmt::format("{} {} {} {:08x}\n", clock_.now().count(), from, frame.size(), hash);
        const auto id = ++carried_;
        underway_[id] = clock_.call_at(clock_.now() + delay_, [this, id, &to, copy = copy_of(frame)] {
            to.send(copy);
            done_.push_back(id);
        });
        for (const auto each : done_) underway_.erase(each);
        done_.clear();
    }

    GuestClock clock_;
    Duration delay_;
    std::string trace_;
    std::uint64_t carried_ = 0;
    std::map<std::uint64_t, Timer> underway_;
    std::vector<std::uint64_t> done_;
};

}  // namespace gatelab::sim::peers::uml
