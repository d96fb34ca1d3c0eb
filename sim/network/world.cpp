#include "sim/network/world.h"

#include <ns3/core-module.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>

namespace gatelab::sim {
namespace {

constexpr Duration kTick = std::chrono::milliseconds(1);
constexpr Duration kPace = std::chrono::microseconds(500);  // how far ahead of the wall clock it may run
constexpr Duration kLatenessInterval = std::chrono::milliseconds(10);

std::int64_t wall_clock() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

ns3::Time delay_until(Duration when, Duration now) {
    return ns3::NanoSeconds(std::max(when - now, Duration{}).count());
}

class ScheduledCall final : public TimerHandle {
public:
    ScheduledCall(std::weak_ptr<World> world, ns3::EventId event)
        : world_(std::move(world)), event_(std::move(event)) {}
    ~ScheduledCall() override {
        // Removed rather than cancelled: timers that are pushed back for every packet must not pile up in the queue.
        if (const auto world = world_.lock(); world && world->alive()) ns3::Simulator::Remove(event_);
    }

private:
    std::weak_ptr<World> world_;
    ns3::EventId event_;
};

bool world_exists = false;

}  // namespace

void require(bool holds, std::string_view what) {
    if (holds) return;
    std::cerr << "gatelab: simulated network: " << what << std::endl;
    std::abort();
}

std::uint64_t events_run() { return ns3::Simulator::GetEventCount(); }

World::World(NetworkOptions options) : options_(std::move(options)), start_(options_.lead) {
    require(!world_exists, "a process holds at most one Network at a time");
    world_exists = true;
    using ns3::GlobalValue;
    GlobalValue::Bind("SimulatorImplementationType", ns3::StringValue("ns3::DefaultSimulatorImpl"));
    GlobalValue::Bind("ChecksumEnabled", ns3::BooleanValue(options_.checksums || options_.real_time));
    ns3::RngSeedManager::SetSeed(1);  // nothing here draws from ns-3's generators
    ns3::RngSeedManager::SetRun(1);
    require(ns3::Simulator::Now().IsZero(), "ns-3's simulator is in use by someone else");
}

World::~World() { end(); }

void World::end() {
    if (!alive_) return;
    alive_ = false;
    world_exists = false;
    ns3::Simulator::Destroy();
}

Duration World::now() const { return alive_ ? Duration{ns3::Simulator::Now().GetNanoSeconds()} - start_ : Duration{}; }

// What was scheduled for a time stays where it was on ns-3's clock: only the counting starts anew.
void World::begin() {
    start_ += now();
    lateness_.clear();
}

Timer World::call_at(Duration when, std::function<void()> call) {
    require(alive_, "a call was scheduled after the end of the Network");
    return std::make_unique<ScheduledCall>(
        weak_from_this(), ns3::Simulator::Schedule(delay_until(when, now()), [run = std::move(call)] { run(); }));
}

void World::call_surely_at(Duration when, std::function<void()> call) {
    ns3::Simulator::Schedule(delay_until(when, now()), [run = std::move(call)] { run(); });
}

void World::call_soon(std::function<void()> call) {
    if (!options_.real_time || std::this_thread::get_id() == owner_) {
        ns3::Simulator::ScheduleWithContext(ns3::Simulator::NO_CONTEXT, ns3::Time(0),
                                            [run = std::move(call)] { run(); });
        return;
    }
    {
        const std::lock_guard lock{inbox_mutex_};
        inbox_.push_back(std::move(call));
    }
    inbox_filled_.notify_one();
}

// Keeps step with the wall clock: waits for it at every pace, and meanwhile takes what other threads bring. ns-3's own
// real-time simulator can do this for one Run() only: it dates a later run from the wall time of its start, and stands
// still for as long as the runs before it took.
void World::pace() {
    std::vector<std::function<void()>> calls;
    {
        std::unique_lock lock{inbox_mutex_};
        const std::int64_t left = (now().count() - run_origin_) - (wall_clock() - wall_origin_);
        inbox_filled_.wait_for(lock, Duration{std::max<std::int64_t>(left, 0)}, [this] { return !inbox_.empty(); });
        calls.swap(inbox_);
    }
    for (const auto& call : calls) call();
    // What was brought may have caused events that are due now: they come before the rest of the wait.
    pacing_ = call_at(calls.empty() ? now() + kPace : now(), [this] { pace(); });
}

void World::emit(const std::string& node, std::string_view component, Trace trace) {
    if (options_.events) {
        options_.events(Event{.t = now(),
                              .node = node,
                              .component = std::string(component),
                              .event = std::move(trace.event),
                              .attributes = std::move(trace.attributes)});
    }
    if (condition_ && !check_pending_) {  // not from here: whoever emits is in the middle of something
        check_pending_ = true;
        ns3::Simulator::ScheduleNow(&World::check, this);
    }
}

void World::run(Duration when) {
    // An event of our own, not Simulator::Stop(delay): that one could not be taken back when the run ends earlier.
    auto end = ns3::Simulator::Schedule(delay_until(when, now()), [] { ns3::Simulator::Stop(); });
    if (options_.real_time && !(options_.hurried_lead && now() < Duration{})) {
        wall_origin_ = wall_clock();
        run_origin_ = now().count();
        pacing_ = call_at(now(), [this] { pace(); });
        sampling_ = call_at(now(), [this] { sample_lateness(); });
    }
    ns3::Simulator::Run();
    pacing_.reset();
    sampling_.reset();
    ns3::Simulator::Remove(end);
}

void World::run_until(Duration when) {
    if (when >= now()) run(when);
}

bool World::run_until(const std::function<bool()>& condition, Duration limit) {
    if (condition()) return true;
    if (limit < now()) return false;
    condition_ = &condition;
    met_ = check_pending_ = false;
    ticking_ = call_at(now() + kTick, [this] { tick(); });
    run(limit);
    ticking_.reset();
    condition_ = nullptr;
    return met_ || condition();
}

void World::check() {
    check_pending_ = false;
    if (!condition_ || met_ || !(*condition_)()) return;
    met_ = true;
    ns3::Simulator::Stop();
}

void World::tick() {
    if (!condition_ || met_) return;
    check();
    if (!met_) ticking_ = call_at(now() + kTick, [this] { tick(); });
}

void World::stop() { ns3::Simulator::Stop(); }

void World::sample_lateness() {
    lateness_.emplace_back((wall_clock() - wall_origin_) - (now().count() - run_origin_));
    sampling_ = call_at(now() + kLatenessInterval, [this] { sample_lateness(); });
}

}  // namespace gatelab::sim
