// Which inner packets a security association carries (RFC 4301 section 4.4.1, RFC 7296 section 3.13.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "impl/base/address.h"
#include "impl/base/bytes.h"

namespace gatelab::esp {

struct TrafficSelector {
    Ipv4Address first;
    Ipv4Address last{255, 255, 255, 255};
    std::uint8_t protocol = 0;  // 0: any
    std::uint16_t first_port = 0;
    std::uint16_t last_port = 65535;

    static TrafficSelector of(Prefix prefix) { return {prefix.first(), prefix.last(), 0, 0, 65535}; }
    bool contains(const TrafficSelector& inner) const;
    bool matches(Ipv4Address address, std::uint8_t packet_protocol, std::optional<std::uint16_t> port) const;
    friend constexpr auto operator<=>(const TrafficSelector&, const TrafficSelector&) = default;
};

using TrafficSelectors = std::vector<TrafficSelector>;

std::string to_string(const TrafficSelector&);   // "10.1.0.0/16", "10.1.0.1-10.1.0.9", "10.1.0.0/16[udp/53]"
std::string to_string(const TrafficSelectors&);  // joined by ", "

// What both sides want, or nothing (RFC 7296 section 2.9).
std::optional<TrafficSelector> intersection(const TrafficSelector&, const TrafficSelector&);
TrafficSelectors intersection(const TrafficSelectors& offered, const TrafficSelectors& ours);

// Whether an IPv4 packet may leave (source within `local`, destination within `remote`) over a security association.
// False for what is no IPv4 packet. A fragment without ports matches only selectors with all ports.
bool permits(const TrafficSelectors& local, const TrafficSelectors& remote, ByteView outbound_packet);

}  // namespace gatelab::esp
