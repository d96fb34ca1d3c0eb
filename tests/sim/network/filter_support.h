// Rules, packets and first octets of TLS that the tests of the packet filter share.
#pragma once

#include <string>
#include <vector>

#include "sim/network/packet_filter.h"
#include "tests/sim/network/support.h"

namespace gatelab::sim {

using topologies::FilterRule;
using Direction = PacketFilter::Direction;

inline constexpr auto kOut = Direction::Outbound, kIn = Direction::Inbound;
inline constexpr Endpoint kClient{{10, 0, 0, 5}, 40000}, kServer{{203, 0, 113, 7}, 443};
inline constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;

inline const std::string kClientHello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and so on", 21);
inline const std::string kServerHello("\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03 and so on", 21);
inline const std::string kOpenVpnReset("\x00\x0e\x38\x10\x20\x30\x40\x50\x60\x70\x80\x00\x00\x00\x00\x00", 16);

inline FilterRule tls_on_443() {
    FilterRule rule;
    rule.action = FilterRule::Action::Allow;
    rule.direction = FilterRule::Direction::Outbound;
    rule.protocol = 6;
    rule.destination_ports = {443};
    rule.tls_only = true;
    return rule;
}

inline topologies::Firewall closed_but_for(std::vector<FilterRule> rules) {
    topologies::Firewall firewall;
    firewall.inside = "inside";
    firewall.rules = std::move(rules);
    firewall.otherwise = FilterRule::Action::Drop;
    return firewall;
}

inline FilterRule drop_ports(std::vector<std::uint16_t> ports) {
    FilterRule rule;
    rule.protocol = 17;
    rule.destination_ports = std::move(ports);
    return rule;
}

inline topologies::Firewall open_but_for(std::vector<FilterRule> rules) {
    auto firewall = closed_but_for(std::move(rules));
    firewall.otherwise = FilterRule::Action::Allow;
    return firewall;
}

inline FilterRule reject_everything() {
    FilterRule rule;
    rule.action = FilterRule::Action::Reject;
    return rule;
}

}  // namespace gatelab::sim
