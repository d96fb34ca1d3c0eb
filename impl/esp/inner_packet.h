// What ESP needs to know of the IPv4 packet that it carries (RFC 791 section 3.1).
#pragma once

#include <cstdint>
#include <optional>

#include "impl/base/address.h"
#include "impl/base/bytes.h"
#include "impl/esp/traffic_selector.h"

namespace gatelab::esp {

struct InnerPacket {
    ByteView bytes;  // cut to the length that its header states
    Ipv4Address source, destination;
    std::uint8_t protocol = 0;
    // Ports of TCP, UDP and their like; type and code of ICMP in both, as RFC 7296 section 3.13.1 packs them. Missing
    // in later fragments, in protocols without ports, and where the packet ends too early.
    std::optional<std::uint16_t> source_port, destination_port;
};

// Nothing when the bytes do not start with a whole IPv4 packet.
std::optional<InnerPacket> parse_inner(ByteView);

// As the one of traffic_selector.h, of a packet that was parsed before.
bool permits(const TrafficSelectors& local, const TrafficSelectors& remote, const InnerPacket& outbound);

}  // namespace gatelab::esp
