// The User-Mode Linux guests of a simulation: kernels whose clock and network cards are events of the simulator.
//
// One participant runs at a time. A guest asks for the time at which it wants to run next; that request is an event of
// the simulator, and the event lets the guest run until it waits again. Meanwhile simulated time stands still, so work
// of a guest's processor costs no simulated time, and the order of everything is the simulator's.
//
// The guest side of the protocol is Linux's: include/uapi/linux/um_timetravel.h for time, vhost-user for the cards.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "impl/base/bytes.h"
#include "impl/base/result.h"
#include "impl/host/host.h"

namespace gatelab::sim::peers::uml {

using MacAddress = std::array<std::uint8_t, 6>;

// Simulated time, as guests are run by it. All zero-based at the guests' power-on.
struct GuestClock {
    std::function<Duration()> now;
    std::function<Timer(Duration when, std::function<void()>)> call_at;
};

struct GuestSpec {
    std::string name;              // of the node, for messages
    std::filesystem::path kernel;  // see kernel.h
    // Holds "init", the guest's first program (see agent/); the guest finds the folder at kShare, and may write to it.
    // What is written there is on our side at once.
    std::filesystem::path share;
    std::filesystem::path console;  // file that the guest's console goes to
    unsigned memory_mib = 128;      // at most; memory that is not touched costs nothing
    std::uint64_t seed = 1;         // all that is random in the guest
    Instant time_of_day{};          // what its clock shows at power-on
    std::vector<MacAddress> cards;  // eth0, eth1, ...
};

inline constexpr const char* kShare = "/run/share";

// An Ethernet network card of a guest.
class Card {
public:
    using Receiver = std::function<void(ByteView frame)>;  // without the frame check sequence
    virtual ~Card() = default;
    virtual void on_frame(Receiver) = 0;  // what the guest sends; called while the guest runs: do not call the guest
    // Hands the guest a frame of at most 1514 octets, now. False when it has no room (256 frames are waiting) or is not
    // up yet.
    virtual bool send(ByteView frame) = 0;
};

class Guest {
public:
    virtual ~Guest() = default;
    virtual Card& card(std::size_t) = 0;
    // Why the guest is no more, in one sentence with the last lines of its console: it ended, panicked, was killed,
    // used its processor for `spin_limit` of wall time without a system call that lets time pass, or never connected.
    virtual Result<void> health() const = 0;
    virtual void on_end(std::function<void()>) = 0;  // called once, from an event of its own
    virtual std::size_t memory() const = 0;          // resident, octets
    virtual void power_off() = 0;                    // at once; on_end is not called. Not from on_frame.
};

struct GuestCounters {
    std::uint64_t runs = 0;                       // times that a guest was let run
    std::uint64_t requests = 0;                   // of a time to run at
    std::uint64_t frames_in = 0, frames_out = 0;  // into guests, out of guests
};

struct GuestLimits {
    // Wall time that a guest may run without letting simulated time pass, and that it may take to connect.
    Duration spin = std::chrono::seconds(20), connect = std::chrono::seconds(30);
    // Keep the simulation's thread and its guests on one processor, if one is free: much faster, since they take turns.
    bool one_processor = true;
};

class Guests {
public:
    // Unavailable when this machine does not let such kernels run.
    static Result<std::unique_ptr<Guests>> create(GuestClock, GuestLimits = {});
    virtual ~Guests() = default;  // ends them all; nothing is left, not even when we are killed

    // Powers a guest on at the current simulated time. Guests that are added at one time boot in the order in which
    // they were added. Unavailable, Io: names the guest.
    virtual Result<Guest*> add(const GuestSpec&) = 0;
    virtual GuestCounters counters() const = 0;
    // A folder only we may read, for shares and the like; it goes with the guests.
    virtual const std::filesystem::path& scratch() const = 0;
};

}  // namespace gatelab::sim::peers::uml
