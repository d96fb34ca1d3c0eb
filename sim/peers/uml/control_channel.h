// The harness's end of the conversation with one guest's agent (agent/protocol.h).
//
// What the agent says is told from an event of its own, never while the guest runs; what is said to it leaves in an
// event, too, many messages in one frame. Until the agent has said hello, what is said to it waits.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "sim/peers/uml/agent/frame_link.h"
#include "sim/peers/uml/agent/protocol.h"
#include "sim/peers/uml/guests.h"

namespace gatelab::sim::peers::uml {

class ControlChannel {
public:
    // What a line hears; each call may end the line.
    struct Ears {
        std::function<void(const agent::Message&)> received;
        std::function<void(const Error&)> broken;  // once: the guest is no more
    };
    // The harness's hold on one channel: a program, a socket. When it goes, the agent closes the channel.
    class Line {
    public:
        virtual ~Line() = default;
        virtual agent::Channel channel() const = 0;
        // Io when the guest is no more; Unavailable for a datagram when too much waits already. The message names this
        // channel.
        virtual Result<void> send(const agent::Message&) = 0;
    };

    // The card outlives the channel. `emergency` is told once, from an event, when the two sides do not understand each
    // other any more.
    ControlChannel(Card&, GuestClock, std::function<void(const agent::Hello&)> hello,
                   std::function<void(const Error&)> emergency);
    ~ControlChannel();

    std::unique_ptr<Line> open(Ears);
    std::unique_ptr<Line> take_over(agent::Channel, Ears);  // one that the agent has opened
    void send(const agent::Message&);                       // of no channel
    void on_configured(std::function<void(const agent::Configured&)>);

    void break_off(const Error& why);  // the guest is no more; told to all lines, in events

    class Core;

private:
    std::shared_ptr<Core> core_;
};

}  // namespace gatelab::sim::peers::uml
