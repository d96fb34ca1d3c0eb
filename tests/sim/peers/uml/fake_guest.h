// The guest's side of its clock and of its network cards, played by a test: on a thread of its own, because whoever it
// talks to stands still until it waits.
#pragma once

#include <linux/um_timetravel.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <string>
#include <thread>

#include "sim/peers/file_descriptor.h"

namespace gatelab::sim::peers::uml {

// A socket that listens at an abstract address, and its name.
inline FileDescriptor listen_somewhere(std::string& name) {
    static std::atomic<int> count = 0;
    name = "gatelab-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    FileDescriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(socket.get(), 1);
    return socket;
}

inline FileDescriptor connect_to(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    FileDescriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    return socket;
}

// The guest's clock.
class FakeClock {
public:
    struct Message {
        std::uint32_t operation = 0, sequence = 0;
        std::uint64_t time = 0;
    };
    explicit FakeClock(const std::string& name) : socket_(connect_to(name)) {}

    bool read(Message& message) const {
        return ::recv(socket_.get(), &message, sizeof message, MSG_WAITALL) == sizeof message;
    }
    void write(const Message& message) const { (void)!::send(socket_.get(), &message, sizeof message, MSG_NOSIGNAL); }
    // Sends a message and waits for its answer: its time. ~0 when there is none.
    std::uint64_t ask(std::uint32_t operation, std::uint64_t time = 0) {
        write({operation, ++sequence_, time});
        Message answer;
        if (!read(answer) || answer.operation != UM_TIMETRAVEL_ACK || answer.sequence != sequence_) return ~0ull;
        return answer.time;
    }
    void start() { ask(UM_TIMETRAVEL_START); }
    void request(std::uint64_t time) { ask(UM_TIMETRAVEL_REQUEST, time); }
    // Waits until it is let run: the time then. ~0 when that does not come.
    std::uint64_t wait() {
        ask(UM_TIMETRAVEL_WAIT);
        Message run;
        if (!read(run) || run.operation != UM_TIMETRAVEL_RUN) return ~0ull;
        write({UM_TIMETRAVEL_ACK, run.sequence, 0});
        return run.time;
    }
    void close() { socket_.reset(); }
    int descriptor() const { return socket_.get(); }

private:
    FileDescriptor socket_;
    std::uint32_t sequence_ = 0;
};

}  // namespace gatelab::sim::peers::uml
