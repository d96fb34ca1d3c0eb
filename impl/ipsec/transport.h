// The sockets of one local address: IKE on UDP 500 and 4500, ESP beside IKE on 4500 or natively as protocol 50.
#pragma once

#include <memory>

#include "impl/host/host.h"
#include "impl/ikev2/engine.h"

namespace gatelab::ipsec {

inline constexpr std::uint16_t kIkePort = 500;
inline constexpr std::uint16_t kNatPort = 4500;

// What arrived on port 4500 (RFC 3948 section 2).
enum class Datagram { Ike, Esp, Keepalive, Junk };
Datagram classify(ByteView payload);

class Transport {
public:
    // Who takes what arrives.
    class Receiver {
    public:
        virtual ~Receiver() = default;
        virtual void receive_ike(const ikev2::Path&, ByteView datagram) = 0;             // non-ESP marker still on
        virtual void receive_esp(const ikev2::Path&, bool in_udp, ByteView packet) = 0;  // ports 0 when native
        virtual void receive_junk(const ikev2::Path&) = 0;
    };

    static Result<std::unique_ptr<Transport>> open(Host&, Ipv4Address local, Receiver&);

    Ipv4Address local() const { return local_; }
    Result<void> send_ike(const ikev2::Path&, ByteView datagram);
    Result<void> send_esp(const ikev2::Path&, bool in_udp, ByteView packet);

private:
    Transport(Ipv4Address local, Receiver& receiver) : local_(local), receiver_(receiver) {}
    void receive_on_nat_port(Endpoint remote, ByteView payload);

    Ipv4Address local_;
    Receiver& receiver_;
    std::unique_ptr<UdpSocket> ike_, nat_;
    std::unique_ptr<RawIp> esp_;
};

}  // namespace gatelab::ipsec
