// Whole IPv4 packets for tests, with checksums that hold.
#pragma once

#include <cstdint>
#include <optional>

#include "impl/base/address.h"
#include "impl/base/bytes.h"

namespace gatelab::testing {

struct IpHeader {
    Ipv4Address source, destination;
    std::uint8_t protocol = 0;
    std::uint8_t ttl = 64;
};

Bytes ip_packet(const IpHeader&, ByteView payload);
std::optional<IpHeader> ip_header(ByteView packet);  // nothing for what is no whole IPv4 packet
ByteView ip_payload(ByteView packet);
// The packet one hop on, or nothing when its TTL is used up.
std::optional<Bytes> one_hop_on(ByteView packet);

Bytes udp_packet(Endpoint source, Endpoint destination, ByteView payload);
struct UdpView {
    Endpoint source, destination;
    ByteView payload;
};
std::optional<UdpView> udp_of(ByteView packet);

struct Echo {
    bool reply = false;
    std::uint16_t identifier = 0, sequence = 0;
    std::size_t size = 56;  // octets of data
};
Bytes echo_packet(Ipv4Address source, Ipv4Address destination, const Echo&);
std::optional<Echo> echo_of(ByteView packet);

}  // namespace gatelab::testing
