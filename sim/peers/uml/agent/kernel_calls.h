// What the agent says to its kernel in several places.
#pragma once

#include <netinet/in.h>
#include <sys/ioctl.h>

#include "impl/base/address.h"

namespace gatelab::sim::peers::uml::agent {

// Whether another packet waits at a socket. Each call that fails lets a microsecond of simulated time pass, and costs a
// round through the simulator, so nothing is read until it fails. (A datagram without contents looks like none.)
inline bool has_more(int socket) {
    int octets = 0;
    return ::ioctl(socket, FIONREAD, &octets) == 0 && octets > 0;
}

// An IPv4 endpoint as the kernel has it.
struct KernelAddress {
    KernelAddress() = default;
    explicit KernelAddress(Endpoint endpoint) {
        address.sin_family = AF_INET;
        address.sin_port = htons(endpoint.port);
        address.sin_addr.s_addr = htonl(endpoint.address.number());
    }
    Endpoint endpoint() const { return {Ipv4Address{ntohl(address.sin_addr.s_addr)}, ntohs(address.sin_port)}; }
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&address); }

    sockaddr_in address{};
    socklen_t size = sizeof address;
};

}  // namespace gatelab::sim::peers::uml::agent
