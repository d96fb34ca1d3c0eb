// IPv4 endpoints as the kernel has them.
#pragma once

#include <netinet/in.h>

#include "impl/base/address.h"

namespace gatelab::sim::peers::uml::agent {

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
