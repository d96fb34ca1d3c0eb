// Where a gateway's OpenVPN packets come in and go out: a UDP port, or a TCP port with its connections.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "impl/gateway/tcp_connections.h"
#include "impl/host/host.h"
#include "impl/openvpn/listener.h"

namespace gatelab::gateway {

class PacketPort {
public:
    using Peer = openvpn::Listener::Peer;

    class Owner {
    public:
        virtual ~Owner() = default;
        virtual void handle_packet(const Peer& from, ByteView packet) = 0;
        virtual void handle_disconnect(openvpn::ConnectionId) = 0;
    };

    virtual ~PacketPort() = default;
    // Whether a data packet may be sealed for this peer: over TCP, one that is sealed must go out.
    virtual bool has_room(const Peer&) const { return true; }
    virtual void send(const Peer& to, ByteView packet) = 0;
    virtual Endpoint endpoint_of(const Peer&) const = 0;  // unspecified when it is gone
    // TCP alone.
    virtual void close(openvpn::ConnectionId) {}         // after what was sent has gone out
    virtual void trust(openvpn::ConnectionId) {}         // its peer has proved who it is: it may stay
    virtual std::uint64_t refused() const { return 0; }  // connections above the limit, or silent for too long
};

struct TcpPortOptions {
    TcpBounds bounds;
    std::size_t largest_packet = 4096;
};

// Refused when the port is taken. Host and owner must outlive the port.
Result<std::unique_ptr<PacketPort>> open_udp_port(Host&, Endpoint, PacketPort::Owner&);
Result<std::unique_ptr<PacketPort>> open_tcp_port(Host&, Endpoint, const TcpPortOptions&, PacketPort::Owner&);

}  // namespace gatelab::gateway
