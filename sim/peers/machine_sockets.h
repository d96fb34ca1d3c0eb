// The sockets that a MachineHost opens.
#pragma once

#include <memory>

#include "impl/host/host.h"
#include "sim/peers/socket_watch.h"

namespace gatelab::sim::peers {

// Each takes a non-blocking socket of the machine, already bound, listening or connecting.
std::unique_ptr<UdpSocket> make_machine_udp(SocketWatch&, FileDescriptor);
std::unique_ptr<RawIp> make_machine_raw(SocketWatch&, FileDescriptor);
std::unique_ptr<TcpStream> make_machine_stream(SocketWatch&, FileDescriptor, bool connecting);
std::unique_ptr<TcpListener> make_machine_listener(SocketWatch&, FileDescriptor);

// IPv4 endpoints as the kernel has them.
struct KernelAddress {
    explicit KernelAddress(Endpoint);
    alignas(8) unsigned char octets[16];  // a sockaddr_in
};
Endpoint local_endpoint_of(int socket);

}  // namespace gatelab::sim::peers
