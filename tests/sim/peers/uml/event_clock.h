// A simulator of the simplest kind: events in order of time, equal times in the order in which they were made.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include "sim/peers/uml/guests.h"

namespace gatelab::sim::peers::uml {

class EventClock {
public:
    GuestClock clock() {
        return {[this] { return now_; },
                [this](Duration when, std::function<void()> call) -> Timer {
                    const Key key{std::max(when, now_), ++made_};
                    events_->emplace(key, std::move(call));
                    return std::make_unique<Pending>(events_, key);
                }};
    }
    Duration now() const { return now_; }

    // Runs what is due until `end`, or until `condition` holds.
    bool run_until(
        Duration end, const std::function<bool()>& condition = [] { return false; }) {
        const auto began = std::chrono::steady_clock::now() - now_;
        while (!condition() && !events_->empty() && events_->begin()->first.first <= end) {
            auto event = events_->extract(events_->begin());
            now_ = event.key().first;
            if (paced) std::this_thread::sleep_until(began + now_);
            event.mapped()();
        }
        if (condition()) return true;
        now_ = std::max(now_, end);
        return condition();
    }
    bool paced = false;  // keeps step with the wall clock

private:
    using Key = std::pair<Duration, std::uint64_t>;
    using Events = std::map<Key, std::function<void()>>;
    class Pending final : public TimerHandle {
    public:
        Pending(std::weak_ptr<Events> events, Key key) : events_(std::move(events)), key_(key) {}
        ~Pending() override {
            if (const auto events = events_.lock()) events->erase(key_);
        }

    private:
        std::weak_ptr<Events> events_;
        Key key_;
    };

    Duration now_{};
    std::uint64_t made_ = 0;
    std::shared_ptr<Events> events_ = std::make_shared<Events>();
};

}  // namespace gatelab::sim::peers::uml
