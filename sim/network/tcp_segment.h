// What middleboxes read out of a TCP segment beyond its ports (RFC 9293 section 3.1).
#pragma once

#include <cstdint>
#include <optional>

#include "impl/base/bytes.h"

namespace gatelab::sim {

struct TcpSegment {
    static constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;

    std::uint32_t sequence = 0, acknowledgment = 0;
    std::uint8_t flags = 0;
    std::uint32_t payload_size = 0;  // by the IP header's length
    ByteView payload;                // as much of it as there is at hand

    bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
    bool opens() const { return (flags & (kSyn | kAck | kRst)) == kSyn; }  // the first segment of a connection
    // SEG.LEN of RFC 9293: SYN and FIN count as an octet each.
    std::uint32_t length() const { return payload_size + has(kSyn) + has(kFin); }
    // The sequence number of the first octet of payload.
    std::uint32_t first_octet() const { return sequence + has(kSyn); }
};

// `packet` starts with an IPv4 header and may be cut after any octet of the TCP header's fixed part or later. Nothing
// when it is no TCP segment, or none with its header in it.
std::optional<TcpSegment> read_segment(ByteView packet);

}  // namespace gatelab::sim
