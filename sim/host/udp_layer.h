// UDP (RFC 768) on a node, in place of ns-3's: no per-packet bookkeeping, and checksums at memory speed, which in ns-3
// cost more than all the rest of a hop.
#pragma once

#include <cstdint>
#include <map>

#include "impl/base/address.h"
#include "impl/base/bytes.h"
#include "sim/network/device.h"

namespace ns3 {
class Ipv4L3Protocol;
class Ipv4Route;
}  // namespace ns3

namespace gatelab::sim {

class UdpUser {
public:
    virtual ~UdpUser() = default;
    // `datagram` starts with the UDP header; `bytes` begins with the same octets, and may be swapped for another buffer
    // by whoever wants to keep them.
    virtual void receive(Endpoint remote, const ns3::Ptr<ns3::Packet>& datagram, Bytes& bytes) = 0;
};

class UdpLayer {
public:
    // Adds UDP to the stack, which owns it.
    static UdpLayer& install(ns3::Ipv4L3Protocol&);

    // Whether the endpoint was free and is now the user's. Port 0 is filled in. An unspecified address is all of them;
    // a datagram goes to the exact address first.
    bool bind(Endpoint& local, UdpUser&);
    void release(const Endpoint& local);
    void send(Endpoint from, Endpoint to, ByteView payload, ns3::Ipv4Route& route);

protected:
    UdpLayer() = default;
    ~UdpLayer() = default;
    UdpUser* user_at(Endpoint local) const;
    ns3::Ipv4L3Protocol* ipv4_ = nullptr;

private:
    bool taken(const Endpoint& local) const;
    std::map<std::uint16_t, std::map<Ipv4Address, UdpUser*>> users_;
    std::uint16_t next_port_ = 49152;  // RFC 6335's dynamic ports
};

}  // namespace gatelab::sim
