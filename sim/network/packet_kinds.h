// Tells the kinds of topologies/model/packet_kinds.h from packets.
#pragma once

#include "impl/base/bytes.h"
#include "topologies/model/packet_kinds.h"

namespace gatelab::sim {

// Whether the packet is of that kind. `packet` starts with an IPv4 header; the first 128 octets are enough, but for
// nat-keepalive, which is short. A later fragment is ESP at most.
//
// OpenVPN has no port of its own and no signature: in UDP a packet outside ports 53, 500 and 4500 is taken for OpenVPN
// by its opcode, in TCP a segment that begins with a length of at most 4096 and an opcode. Where other programs may
// look like that, a fault names the port too.
bool is_kind(topologies::PacketKind, ByteView packet);

}  // namespace gatelab::sim
