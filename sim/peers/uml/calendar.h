// The simulator's side of one guest's clock: Linux's time-travel protocol (include/uapi/linux/um_timetravel.h), sixteen
// octets a message over a stream socket, each answered by an ACK with its sequence number.
//
//   Absent --START--> Running --WAIT--> Waiting --RUN--> Running ...     any --fault or end()--> Ended
//
// A guest asks for a time to run at (REQUEST; a later one replaces it) and waits. At that time, in an event of the
// simulator, it is let run, and the event does not end before the guest waits again: simulated time stands still
// meanwhile. It is never allowed to run ahead (FREE_UNTIL), so its time is always the simulator's.
//
// While a guest runs it may also speak on other lines (its network cards); they are served in between.
#pragma once

#include <poll.h>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "impl/base/result.h"
#include "sim/peers/file_descriptor.h"
#include "sim/peers/uml/guests.h"

namespace gatelab::sim::peers::uml {

// Something else that a running guest speaks on.
class Line {
public:
    virtual ~Line() = default;
    virtual int descriptor() const = 0;  // readable when there is something to serve; negative: nothing ever
    virtual Result<void> serve() = 0;    // reads and answers what is there; an error ends the guest
};

struct CalendarOptions {
    GuestClock clock;
    GuestLimits limits;
    Instant time_of_day{};  // what the guest's clock shows now
};

class Calendar {
public:
    enum class State { Absent, Running, Waiting, Ended };

    // `listener` is the socket that the guest will connect to. `failed` is told once what ended the guest.
    Calendar(CalendarOptions, FileDescriptor listener, std::function<void(Error)> failed);

    void attach(Line&);  // before boot()
    // Waits for the guest to connect, and lets it run until it waits for the first time. `gone` is asked now and then
    // whether there is still someone to wait for.
    void boot(const std::function<bool()>& gone);
    // Serves the guest's clock, and nothing else, until `descriptor` can be read. For questions put to a waiting guest.
    Result<void> attend(int descriptor);
    void end();  // forgets the guest, without a word to anyone

    State state() const { return state_; }
    bool started() const { return started_; }  // it connected, once
    std::uint64_t runs() const { return runs_; }
    std::uint64_t requests() const { return requests_; }

private:
    struct Message {
        std::uint32_t operation, sequence;
        std::uint64_t time;
    };
    // Wall clock, in nanoseconds; for the watchdog alone.
    using Deadline = std::int64_t;
    static Deadline from_now(Duration);

    Result<void> connect(const std::function<bool()>& gone);
    void run();
    void serve_until_it_waits();
    Result<void> serve();  // what the clock has said
    Result<void> handle(const Message&);
    Result<void> start(const Message&);
    Result<void> request(std::uint64_t time);
    Result<void> send(const Message&);
    // Waits until one of `waits_` can be read; false when the deadline comes first.
    bool hear(std::size_t count, Deadline);
    void schedule();
    void fail_with(Error);

    CalendarOptions options_;
    FileDescriptor listener_, socket_;
    std::function<void(Error)> failed_;
    std::vector<Line*> lines_;
    std::vector<pollfd> waits_;  // the clock, then the lines, then one more for attend()
    State state_ = State::Absent;
    bool started_ = false;
    Duration power_on_{};
    bool has_request_ = false;
    Duration request_{};    // the time to run at
    Timer appointment_;     // set while the guest waits
    Duration scheduled_{};  // when the appointment is
    std::array<std::uint8_t, 4 * sizeof(Message)> heard_{};
    std::size_t filled_ = 0;
    std::uint32_t sequence_ = 0;
    std::uint32_t unacknowledged_ = 0;  // the RUN that the guest has not acknowledged yet; 0 if none
    std::uint64_t runs_ = 0, requests_ = 0;
};

}  // namespace gatelab::sim::peers::uml
