// Runs an engine on a Host: acts on all that it says, and wakes it at its next timeout.
#pragma once

#include <optional>
#include <utility>

#include "impl/host/host.h"

namespace gatelab::client {

// The owner calls pump() after whatever it has asked of the engine. `Act` is called with each output, in order, and may
// stop() the engine.
template <class Engine, class Act>
class Driver {
public:
    Driver(Host& host, Act act) : host_(host), act_(std::move(act)) {}
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;

    void run(Engine engine) {
        stop();
        engine_.emplace(std::move(engine));
    }
    void stop() {
        engine_.reset();
        timer_.reset();
        armed_for_.reset();
    }
    explicit operator bool() const { return engine_.has_value(); }
    Engine* operator->() { return &*engine_; }
    const Engine* operator->() const { return &*engine_; }

    void pump() {
        if (std::exchange(pumping_, true)) return;
        while (engine_) {
            const auto outputs = engine_->drain();
            if (outputs.empty()) break;
            for (const auto& output : outputs) std::visit(act_, output);
        }
        pumping_ = false;
        arm();
    }

private:
    // A deadline that moved away leaves the timer as it is: an early handle_timeout() is harmless.
    void arm() {
        const auto next = engine_ ? engine_->next_timeout() : std::nullopt;
        if (!next || (armed_for_ && *armed_for_ <= *next)) return;
        armed_for_ = next;
        timer_ = host_.call_at(*next, [this] {
            armed_for_.reset();
            if (engine_) engine_->handle_timeout(host_.now());
            pump();
        });
    }

    Host& host_;
    Act act_;
    bool pumping_ = false;
    std::optional<Engine> engine_;
    Timer timer_;
    std::optional<Instant> armed_for_;
};

}  // namespace gatelab::client
