// The sockets that a GuestHost opens.
#pragma once

#include <functional>
#include <memory>

#include "impl/host/host.h"
#include "sim/peers/uml/control_channel.h"

namespace gatelab::sim::peers::uml {

struct GuestSocket {
    Endpoint local;
    std::function<void()> closed;                         // when the socket goes
    std::function<void(const std::string& why)> refused;  // by the guest's kernel, afterwards
};
std::unique_ptr<UdpSocket> open_guest_udp(ControlChannel&, GuestSocket);
std::unique_ptr<TcpListener> open_guest_listener(ControlChannel&, GuestSocket);
std::unique_ptr<RawIp> open_guest_raw(ControlChannel&, IpProtocol, GuestSocket);

}  // namespace gatelab::sim::peers::uml
