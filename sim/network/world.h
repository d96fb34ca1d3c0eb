// What everything in one Network shares: ns-3's simulator, the clock, the event sink. Outlives the Network as long as a
// host's timers and sockets hold on to it; `alive()` then tells them to keep away from ns-3.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "impl/host/host.h"
#include "sim/network/network.h"

namespace gatelab::sim {

// Stops the program when `holds` is false: the caller broke the contract of a function.
void require(bool holds, std::string_view what);

// How many events ns-3 has run since the Network began.
std::uint64_t events_run();

class World : public std::enable_shared_from_this<World> {
public:
    explicit World(NetworkOptions);
    ~World();
    void end();  // destroys the simulator and all that belongs to it
    bool alive() const { return alive_; }

    const NetworkOptions& options() const { return options_; }
    Duration now() const;
    void begin();
    Instant instant() const { return options_.epoch + now(); }
    Timer call_at(Duration when, std::function<void()>);
    void call_surely_at(Duration when, std::function<void()>);  // cannot be cancelled
    void call_soon(std::function<void()>);                      // in real time from any thread
    void emit(const std::string& node, std::string_view component, Trace);

    void run_until(Duration when);
    bool run_until(const std::function<bool()>& condition, Duration limit);
    void stop();
    const std::vector<Duration>& lateness() const { return lateness_; }

    // Held while a host is inside one of its calls: what ns-3 delivers meanwhile must wait for its own event, because a
    // callback never runs inside the call that caused it.
    class Calling {
    public:
        explicit Calling(World& world) : world_(world) { ++world_.calls_; }
        ~Calling() { --world_.calls_; }
        Calling(const Calling&) = delete;
        Calling& operator=(const Calling&) = delete;

    private:
        World& world_;
    };
    bool calling() const { return calls_ > 0; }

private:
    void run(Duration when);
    void check();
    void tick();
    void sample_lateness();
    void pace();

    NetworkOptions options_;
    bool alive_ = true;
    int calls_ = 0;
    const std::function<bool()>* condition_ = nullptr;  // of the current run_until
    bool met_ = false, check_pending_ = false;
    Duration start_;                                 // of the simulation, by ns-3's clock
    std::int64_t wall_origin_ = 0, run_origin_ = 0;  // nanoseconds, when the current run began
    Timer ticking_, sampling_, pacing_;

    const std::thread::id owner_ = std::this_thread::get_id();
    std::mutex inbox_mutex_;
    std::condition_variable inbox_filled_;
    std::vector<std::function<void()>> inbox_;  // calls from other threads
    std::vector<Duration> lateness_;
};

}  // namespace gatelab::sim
