// Whether a TCP connection is TLS, by the first octets of each direction (RFC 8446 sections 4 and 5.1, the same in RFC
// 5246): from the side that opened it a record with the beginning of a ClientHello, from the other side one with the
// beginning of a ServerHello, or an alert.
//
// Octets are judged as they come and by their sequence numbers, so segments may arrive in any order, twice, or an octet
// at a time. It keeps 11 octets of each direction and no more; what comes after them is never looked at.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sim/network/tcp_segment.h"

namespace gatelab::sim {

class TlsWatch {
public:
    // Begins with the segment that opens the connection (TcpSegment::opens()).
    explicit TlsWatch(const TcpSegment& opening);

    // Looks at a segment; `opener` is whether it comes from the side that opened the connection. What is wrong with the
    // connection, or "" so far. What was refused does not count as seen.
    std::string_view see(bool opener, const TcpSegment& segment);
    // Both sides have shown what they are: there is nothing more to see.
    bool satisfied() const;
    // What the receiver expects next of the side `opener`, as long as not all that is wanted of it has been seen.
    std::uint32_t next_from(bool opener) const;

private:
    static constexpr std::size_t kHello = 11;  // record header, handshake header, legacy_version
    static constexpr std::size_t kAlert = 7;   // record header, level, description
    struct Side {
        std::optional<std::uint32_t> first;  // sequence number of its first octet
        std::array<std::uint8_t, kHello> octets{};
        std::uint16_t known = 0;  // a bit for each octet
    };

    static bool is_known(const Side& side, std::size_t at) { return (side.known >> at & 1) != 0; }
    static std::size_t wanted(const Side& side);
    static bool complete(const Side& side);
    static bool fits(const Side& side, bool opener, std::size_t at);

    Side opener_, answerer_;
};

}  // namespace gatelab::sim
