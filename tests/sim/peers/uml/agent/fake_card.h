// An agent without a guest: it runs as a child of the test, on this machine's own kernel, and its control card is one
// end of a pair of sockets. Simulated time waits for it.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "sim/network/network.h"
#include "sim/peers/uml/agent/server.h"
#include "sim/peers/uml/guests.h"

namespace gatelab::sim::peers::uml {

using namespace std::chrono_literals;

class FakeCard final : public Card {
public:
    explicit FakeCard(int socket) : socket_(socket) {}
    ~FakeCard() override { ::close(socket_); }

    void on_frame(Receiver receiver) override { receiver_ = std::move(receiver); }
    bool send(ByteView frame) override {
        ++frames_in;
        return ::send(socket_, frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
    }
    // Takes what the agent has sent; waits a little for the first of it.
    void poll() {
        pollfd wait{socket_, POLLIN, 0};
        for (int patience = 1; ::poll(&wait, 1, patience) > 0; patience = 0) {
            std::array<std::uint8_t, 2048> frame;
            const auto got = ::recv(socket_, frame.data(), frame.size(), MSG_DONTWAIT);
            if (got <= 0) return;
            ++frames_out;
            if (receiver_) receiver_(ByteView{frame}.first(static_cast<std::size_t>(got)));
        }
    }
    void inject(ByteView frame) { receiver_(frame); }  // as if the agent had sent it
    int frames_in = 0, frames_out = 0;

private:
    int socket_;
    Receiver receiver_;
};

class AgentWithoutGuest {
public:
    AgentWithoutGuest() {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) std::abort();
        child_ = ::fork();
        if (child_ == 0) {
            ::close(ends[0]);
            agent::Server server{FileDescriptor{ends[1]}, [](const agent::Configure& wanted) {
                                     return wanted.mtu == 1500 ? std::string{} : "no such card";
                                 }};
            server.serve({agent::kVersion, "a kernel"});
            ::_exit(0);
        }
        ::close(ends[1]);
        card = std::make_unique<FakeCard>(ends[0]);
        tick();
    }
    ~AgentWithoutGuest() {
        card.reset();
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }

    Network network{NetworkOptions{}};
    GuestClock clock{
        [this] { return network.now(); },
        [this](Duration when, std::function<void()> call) { return network.call_at(when, std::move(call)); }};
    std::unique_ptr<FakeCard> card;

    // Whether `condition` comes to hold within 20 s of simulated time, which is at least as much of real time here.
    bool wait_for(const std::function<bool()>& condition) { return network.run_until(condition, network.now() + 20s); }
    void wait(Duration time) { network.run_until(network.now() + time); }

private:
    void tick() {
        ticking_ = network.call_at(network.now() + 1ms, [this] {
            card->poll();
            tick();
        });
    }
    pid_t child_ = 0;
    Timer ticking_;
};

}  // namespace gatelab::sim::peers::uml
