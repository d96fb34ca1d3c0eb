#include "sim/peers/uml/calendar.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/um_timetravel.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>

namespace gatelab::sim::peers::uml {
namespace {

constexpr Duration kGlance = std::chrono::milliseconds(50);  // how often a wait for the first word looks up
constexpr auto kNever = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

double in_seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

tl::unexpected<Error> violation(std::string what) {
    return fail(Fault::Malformed, "broke the protocol of its clock: " + std::move(what));
}

}  // namespace

Calendar::Calendar(CalendarOptions options, FileDescriptor listener, std::function<void(Error)> failed)
    : options_(std::move(options)), listener_(std::move(listener)), failed_(std::move(failed)), waits_(2) {
    power_on_ = options_.clock.now();
}

void Calendar::attach(Line& line) {
    lines_.push_back(&line);
    waits_.resize(lines_.size() + 2);
}

Calendar::Deadline Calendar::from_now(Duration wait) {
    return (std::chrono::steady_clock::now().time_since_epoch() + wait).count();
}

bool Calendar::hear(std::size_t count, Deadline deadline) {
    for (auto& wait : waits_) wait.events = POLLIN;
    for (;;) {
        const auto left = std::max<Deadline>(deadline - from_now({}), 0);
        const auto milliseconds = static_cast<int>(std::min<Deadline>(left / 1'000'000 + 1, 1'000'000));
        const int heard = ::poll(waits_.data(), count, milliseconds);
        if (heard > 0) return true;
        if (heard == 0 && from_now({}) >= deadline) return false;
    }
}

void Calendar::boot(const std::function<bool()>& gone) {
    if (state_ != State::Absent) return;
    if (auto connected = connect(gone); !connected) return fail_with(std::move(connected.error()));
    serve_until_it_waits();
}

Result<void> Calendar::connect(const std::function<bool()>& gone) {
    const auto deadline = from_now(options_.limits.connect);
    const auto wait = [&](int descriptor) -> Result<void> {
        waits_[0].fd = descriptor;
        while (!hear(1, std::min(deadline, from_now(kGlance)))) {
            if (gone()) return fail(Fault::Io, "ended before it connected to its clock");
            if (from_now({}) >= deadline)
                return fail(Fault::Unavailable, fmt::format("did not connect to its clock within {} s",
                                                            in_seconds(options_.limits.connect)));
        }
        return {};
    };
    if (auto heard = wait(listener_.get()); !heard) return heard;
    socket_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket_) return fail(Fault::Io, fmt::format("its clock's connection failed: {}", std::strerror(errno)));
    listener_.reset();
    while (state_ == State::Absent) {
        if (auto heard = wait(socket_.get()); !heard) return heard;
        if (auto served = serve(); !served) return served;
    }
    return {};
}

void Calendar::serve_until_it_waits() {
    const auto deadline = from_now(options_.limits.spin);
    while (state_ == State::Running) {
        waits_[0].fd = socket_.get();
        for (std::size_t i = 0; i < lines_.size(); ++i) waits_[i + 1].fd = lines_[i]->descriptor();
        if (!hear(lines_.size() + 1, deadline) || from_now({}) > deadline)  // it may also talk without end
            return fail_with({Fault::Unavailable, fmt::format("used its processor for {} s without letting time pass",
                                                              in_seconds(options_.limits.spin))});
        Result<void> served;
        if (waits_[0].revents)
            served = serve();
        else
            for (std::size_t i = 0; i < lines_.size() && served; ++i)
                if (waits_[i + 1].revents) served = lines_[i]->serve();
        if (!served) return fail_with(std::move(served.error()));
    }
}

Result<void> Calendar::attend(int descriptor) {
    const auto deadline = from_now(options_.limits.spin);
    for (;;) {
        if (state_ == State::Ended) return fail(Fault::Io, "has ended");
        waits_[0].fd = socket_.get();
        waits_[1].fd = descriptor;
        if (!hear(2, deadline))
            return fail(Fault::Unavailable,
                        fmt::format("did not answer an interrupt within {} s", in_seconds(options_.limits.spin)));
        if (waits_[0].revents) {
            if (auto served = serve(); !served) return served;
        } else {
            return {};
        }
    }
}

void Calendar::run() {
    if (state_ != State::Waiting) return;
    appointment_.reset();
    has_request_ = false;
    state_ = State::Running;
    ++runs_;
    unacknowledged_ = ++sequence_ ? sequence_ : ++sequence_;
    const auto now = static_cast<std::uint64_t>(options_.clock.now().count());
    if (auto sent = send({UM_TIMETRAVEL_RUN, unacknowledged_, now}); !sent) return fail_with(std::move(sent.error()));
    serve_until_it_waits();
}

// Never waits: the watchdog could not see that. The ACK of a RUN and what follows it often come together.
Result<void> Calendar::serve() {
    const auto got = ::recv(socket_.get(), heard_.data() + filled_, heard_.size() - filled_, MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return {};
    if (got <= 0) return fail(Fault::Io, "closed the connection of its clock");
    filled_ += static_cast<std::size_t>(got);
    std::size_t start = 0;
    for (; filled_ - start >= sizeof(Message); start += sizeof(Message)) {
        Message message;
        std::memcpy(&message, heard_.data() + start, sizeof message);
        if (auto handled = handle(message); !handled) return handled;
    }
    std::memmove(heard_.data(), heard_.data() + start, filled_ - start);
    filled_ -= start;
    return {};
}

Result<void> Calendar::handle(const Message& message) {
    if (message.operation == UM_TIMETRAVEL_START) return start(message);
    if (state_ == State::Absent) return violation(fmt::format("operation {} before START", message.operation));
    if (message.operation == UM_TIMETRAVEL_ACK) {
        if (unacknowledged_ == 0 || message.sequence != unacknowledged_)
            return violation(fmt::format("ACK of message {}, which is not open", message.sequence));
        unacknowledged_ = 0;
        return {};
    }
    const auto now = options_.clock.now();
    Message answer{UM_TIMETRAVEL_ACK, message.sequence, 0};
    switch (message.operation) {
        case UM_TIMETRAVEL_REQUEST:
            if (auto accepted = request(message.time); !accepted) return accepted;
            break;
        case UM_TIMETRAVEL_WAIT:
            if (state_ != State::Running) return violation("WAIT while it waits");
            if (unacknowledged_) return violation("WAIT before the ACK of RUN");
            if (auto sent = send(answer); !sent) return sent;
            state_ = State::Waiting;
            schedule();
            return {};
        case UM_TIMETRAVEL_GET: answer.time = static_cast<std::uint64_t>(now.count()); break;
        case UM_TIMETRAVEL_GET_TOD:
            answer.time =
                static_cast<std::uint64_t>((options_.time_of_day.time_since_epoch() + (now - power_on_)).count());
            break;
        case UM_TIMETRAVEL_UPDATE:
            if (message.time != static_cast<std::uint64_t>(now.count()))
                return violation(fmt::format("UPDATE to {} ns at {} ns", message.time, now.count()));
            break;
        default: return violation(fmt::format("unknown operation {}", message.operation));
    }
    return send(answer);
}

Result<void> Calendar::start(const Message& message) {
    if (state_ != State::Absent) return violation("a second START");
    state_ = State::Running;
    started_ = true;
    return send({UM_TIMETRAVEL_ACK, message.sequence, 0});
}

Result<void> Calendar::request(std::uint64_t time) {
    ++requests_;
    has_request_ = time < kNever;  // else: nothing to do until it is interrupted
    if (has_request_) {
        request_ = Duration{static_cast<std::int64_t>(time)};
        if (request_ < options_.clock.now())
            return violation(fmt::format("REQUEST for {} ns at {} ns", request_.count(), options_.clock.now().count()));
    }
    if (state_ == State::Waiting) schedule();
    return {};
}

// Only what stands when the guest waits counts: no need to tell the simulator of each change before.
void Calendar::schedule() {
    if (!has_request_) return appointment_.reset();
    if (appointment_ && scheduled_ == request_) return;
    scheduled_ = request_;
    appointment_ = options_.clock.call_at(request_, [this] { run(); });
}

Result<void> Calendar::send(const Message& message) {
    if (::send(socket_.get(), &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof message) return {};
    if (errno == EAGAIN) return violation("it does not read what it is answered");
    return fail(Fault::Io, "closed the connection of its clock");
}

void Calendar::fail_with(Error error) {
    if (state_ == State::Ended) return;
    end();
    failed_(std::move(error));
}

void Calendar::end() {
    state_ = State::Ended;
    appointment_.reset();
    listener_.reset();
    socket_.reset();
}

}  // namespace gatelab::sim::peers::uml
