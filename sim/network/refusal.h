// What a packet filter sends when it refuses a packet: always in the name of the end that it keeps the packet from, so
// that the filter itself needs no address.
#pragma once

#include <cstdint>
#include <optional>

#include "impl/base/bytes.h"

namespace gatelab::sim {

// The packets of this file are whole IPv4 packets. `packet` is the head of the refused one: its IPv4 header, and 20
// octets of TCP or 8 of another transport.

// The RST that a closed port would answer a segment with (RFC 9293 section 3.5.2): it takes the number that the segment
// acknowledges, or, when it acknowledges nothing, acknowledges the segment. Nothing for a RST, and for what is no TCP.
std::optional<Bytes> reset_for(ByteView packet);

// A RST to the destination of a segment, as if from its source. `sequence` is what the destination expects next; with
// it a RST is taken at once (RFC 5961 section 3.2).
std::optional<Bytes> reset_onward(ByteView packet, std::uint32_t sequence);

// ICMP "communication administratively prohibited" (type 3 code 13; RFC 1812 section 5.2.7.1), quoting all of `packet`.
// Nothing where RFC 1122 section 3.2.2 forbids an error: about ICMP errors, fragments but the first, and addresses that
// are no machine's.
std::optional<Bytes> prohibited(ByteView packet);

}  // namespace gatelab::sim
