// A machine's raw ICMP socket, shared by all pings that start there: a host gives out only one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "impl/host/host.h"

namespace gatelab::sim {

class EchoSocket {
public:
    using Receiver = std::function<void(ByteView message)>;  // a whole ICMP echo reply

    explicit EchoSocket(Host& host) : host_(host) {}  // the host must outlive it; opens at the first send

    bool send(Ipv4Address target, ByteView message);  // false when it cannot leave
    void listen(std::uint16_t identifier, Receiver);  // at most one receiver an identifier
    void forget(std::uint16_t identifier) { receivers_.erase(identifier); }

private:
    void handle(ByteView message) const;

    Host& host_;
    std::unique_ptr<RawIp> socket_;
    std::map<std::uint16_t, Receiver> receivers_;
};

}  // namespace gatelab::sim
