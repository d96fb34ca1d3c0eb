#include "sim/network/tcp_segment.h"

#include <algorithm>

#include "sim/network/ipv4_packet.h"

namespace gatelab::sim {
namespace {

constexpr std::size_t kTcpHeaderSize = 20;

}  // namespace

std::optional<TcpSegment> read_segment(ByteView packet) {
    if (packet.size() < kIpv4HeaderSize + kTcpHeaderSize || packet[9] != static_cast<int>(IpProtocol::Tcp)) {
        return std::nullopt;
    }
    if ((read_u16(packet, 6) & 0x1fff) != 0) return std::nullopt;  // a later fragment
    const std::size_t data = kIpv4HeaderSize + std::size_t{4} * (packet[kIpv4HeaderSize + 12] >> 4);
    const std::size_t whole = read_u16(packet, 2);
    if (data < kIpv4HeaderSize + kTcpHeaderSize || data > whole) return std::nullopt;
    const auto end = std::min(whole, packet.size());
    return TcpSegment{.sequence = read_u32(packet, kIpv4HeaderSize + 4),
                      .acknowledgment = read_u32(packet, kIpv4HeaderSize + 8),
                      .flags = packet[kIpv4HeaderSize + 13],
                      .payload_size = static_cast<std::uint32_t>(whole - data),
                      .payload = data < end ? packet.subspan(data, end - data) : ByteView{}};
}

}  // namespace gatelab::sim
