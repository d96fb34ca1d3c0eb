// One connection to charon's control socket, without I/O: bytes of the stream go in and come out.
//
//   we --> charon   EVENT_REGISTER, CMD_REQUEST           one at a time: the next waits for the answer to the last
//   we <-- charon   EVENT_CONFIRM, CMD_RESPONSE, EVENT    events at any time; some commands stream theirs as events
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sim/peers/vici_message.h"

namespace gatelab::sim::peers {

class ViciSession {
public:
    struct Answer {
        std::string command;
        ViciSection message;
        std::vector<ViciSection> parts;  // of a command that streams
    };
    struct News {
        std::string event;
        ViciSection message;
    };
    using Output = std::variant<Answer, News>;

    void subscribe(std::string event);
    // `parts` names the event, subscribed to before, that the answer is streamed as; "": it is not.
    void request(std::string command, ViciSection arguments = {}, std::string parts = {});
    bool busy() const { return waiting_.has_value() || !queue_.empty(); }

    // Malformed when charon does not keep to the protocol, Unsupported when it knows a command or an event not; the
    // session is of no use afterwards.
    Result<void> handle_bytes(ByteView);
    std::optional<Output> next_output();
    // What is to be written to the stream.
    Bytes take_bytes();

private:
    struct Exchange {
        ViciPacket packet;
        std::string parts;
    };
    void enqueue(Exchange);
    void send_next();
    Result<void> handle(ViciPacket);

    std::deque<Exchange> queue_;
    std::optional<Exchange> waiting_;  // for its answer
    std::vector<ViciSection> parts_;
    std::deque<Output> outputs_;
    Bytes in_, out_;
};

}  // namespace gatelab::sim::peers
