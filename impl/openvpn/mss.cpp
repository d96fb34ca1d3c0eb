#include "impl/openvpn/mss.h"

#include <optional>

namespace gatelab::openvpn {
namespace {

constexpr std::size_t kIpHeader = 20, kTcpHeader = 20, kUdpHeader = 8, kTcpLength = 2;
constexpr std::size_t kSmallestMss = 68 - kIpHeader - kTcpHeader;
constexpr std::uint8_t kTcp = 6, kSyn = 0x02;
constexpr std::size_t kChecksumAt = 16, kFlagsAt = 13;

std::uint16_t load_be16(ByteView at) { return static_cast<std::uint16_t>(at[0] << 8 | at[1]); }

void store_be16(ByteSpan at, std::uint16_t value) {
    at[0] = static_cast<std::uint8_t>(value >> 8);
    at[1] = static_cast<std::uint8_t>(value);
}

// The TCP header with its options, when the packet has it whole and it opens a connection.
std::optional<ByteSpan> syn_of(ByteSpan inner) {
    if (inner.size() < kIpHeader || inner[0] >> 4 != 4 || inner[9] != kTcp) return {};
    const std::size_t ip_header = (inner[0] & 0x0fu) * 4u, total = load_be16(inner.subspan(2));
    const bool first_fragment = (load_be16(inner.subspan(6)) & 0x1fff) == 0;
    if (!first_fragment || ip_header < kIpHeader || total > inner.size() || total < ip_header + kTcpHeader) return {};
    const auto tcp = inner.subspan(ip_header, total - ip_header);
    const std::size_t tcp_header = (tcp[12] >> 4) * 4u;
    if (tcp_header < kTcpHeader || tcp_header > tcp.size() || (tcp[kFlagsAt] & kSyn) == 0) return {};
    return tcp.first(tcp_header);
}

std::uint16_t swapped(std::uint16_t value) { return static_cast<std::uint16_t>(value << 8 | value >> 8); }

// RFC 1624 equation 3. A value that starts at an odd octet lies across two words of the sum, which is the same as
// swapping its octets (RFC 1071 section 2).
void replace(ByteSpan tcp, std::size_t at, std::uint16_t value) {
    std::uint16_t before = load_be16(tcp.subspan(at)), after = value;
    if (at % 2 == 1) before = swapped(before), after = swapped(after);
    const auto checksum = tcp.subspan(kChecksumAt);
    std::uint32_t sum = static_cast<std::uint16_t>(~load_be16(checksum)) + static_cast<std::uint16_t>(~before) + after;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    store_be16(checksum, static_cast<std::uint16_t>(~sum));
    store_be16(tcp.subspan(at), value);
}

}  // namespace

void clamp_mss(ByteSpan inner, std::uint16_t largest) {
    constexpr std::uint8_t kEnd = 0, kNothing = 1, kMss = 2, kMssSize = 4;  // RFC 9293 section 3.2
    const auto tcp = syn_of(inner);
    if (!tcp) return;
    for (std::size_t at = kTcpHeader; at + 1 < tcp->size();) {
        const std::uint8_t kind = (*tcp)[at];
        if (kind == kEnd) return;
        const std::size_t size = kind == kNothing ? 1 : (*tcp)[at + 1];
        if (size == 0 || (size == 1 && kind != kNothing) || at + size > tcp->size()) return;
        if (kind == kMss && size == kMssSize && load_be16(tcp->subspan(at + 2)) > largest)
            replace(*tcp, at + 2, largest);
        at += size;
    }
}

std::uint16_t mss_for(std::uint16_t outer, std::size_t overhead, Transport transport) {
    const std::size_t outside = kIpHeader + (transport == Transport::Udp ? kUdpHeader : kTcpHeader + kTcpLength);
    const std::size_t taken = outside + overhead + kIpHeader + kTcpHeader;
    return static_cast<std::uint16_t>(outer < taken + kSmallestMss ? kSmallestMss : outer - taken);
}

}  // namespace gatelab::openvpn
