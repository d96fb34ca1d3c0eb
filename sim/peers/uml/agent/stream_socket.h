// A UNIX or TCP stream that the agent carries.
#pragma once

#include "sim/peers/uml/agent/sockets.h"

namespace gatelab::sim::peers::uml::agent {

class StreamSocket final : public Socket {
public:
    enum class State { Connecting, Open };
    StreamSocket(Channel, FileDescriptor, State, Readiness&, const Tell&);
    ~StreamSocket() override;  // aborts unless both sides have ended it

    void handle(std::uint32_t ready) override;
    void take_data(const Data&) override;
    void finish() override;

private:
    void finish_connecting();
    void read();
    void write();
    void shut_down_when_written();
    void end(const std::string& reason);
    void update_interest();
    std::uint32_t retransmissions() const;

    const Channel channel_;
    FileDescriptor socket_;
    Readiness& readiness_;
    const Tell& tell_;
    Bytes waiting_;  // to be written
    std::uint32_t interest_ = 0;
    bool connecting_, ended_ = false, finishing_ = false, finished_ = false;
};

}  // namespace gatelab::sim::peers::uml::agent
