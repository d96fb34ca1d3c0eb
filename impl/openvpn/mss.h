// --mssfix: keeps TCP within the tunnel from sending segments that do not fit through it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "impl/base/bytes.h"
#include "impl/openvpn/options.h"

namespace gatelab::openvpn {

// Lowers the MSS option of a TCP SYN (or SYN-ACK) in an inner IPv4 packet to `largest`, its checksum with it; anything
// else is left alone.
void clamp_mss(ByteSpan inner, std::uint16_t largest);
// The MSS so that the outer IPv4 packet of a TCP segment without options has at most `outer` octets. `overhead`: what
// the data channel adds at most. Never below what an IPv4 link carries at the least (68 octets, RFC 791).
std::uint16_t mss_for(std::uint16_t outer, std::size_t overhead, Transport);

}  // namespace gatelab::openvpn
