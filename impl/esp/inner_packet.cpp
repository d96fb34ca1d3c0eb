#include "impl/esp/inner_packet.h"

namespace gatelab::esp {
namespace {

bool has_ports(std::uint8_t protocol) {
    constexpr std::uint8_t kTcp = 6, kUdp = 17, kDccp = 33, kSctp = 132, kUdpLite = 136;
    return protocol == kTcp || protocol == kUdp || protocol == kDccp || protocol == kSctp || protocol == kUdpLite;
}

void read_ports(InnerPacket& packet, ByteView payload) {
    ByteReader reader{payload};
    const auto first = reader.u16();
    if (!reader.ok()) return;
    if (packet.protocol == static_cast<std::uint8_t>(IpProtocol::Icmp)) {
        packet.source_port = packet.destination_port = first;
        return;
    }
    const auto second = reader.u16();
    if (!reader.ok() || !has_ports(packet.protocol)) return;
    packet.source_port = first;
    packet.destination_port = second;
}

}  // namespace

std::optional<InnerPacket> parse_inner(ByteView bytes) {
    constexpr std::uint16_t kFragmentOffset = 0x1fff;
    constexpr std::size_t kShortestHeader = 20;
    ByteReader reader{bytes};
    const auto version_and_length = reader.u8();
    reader.skip(1);
    const std::size_t total_length = reader.u16();
    reader.skip(2);
    const bool later_fragment = (reader.u16() & kFragmentOffset) != 0;
    reader.skip(1);
    InnerPacket packet;
    packet.protocol = reader.u8();
    reader.skip(2);
    packet.source = Ipv4Address{reader.u32()};
    packet.destination = Ipv4Address{reader.u32()};

    const std::size_t header_length = std::size_t{4} * (version_and_length & 0x0fU);
    if (!reader.ok() || version_and_length >> 4 != 4 || header_length < kShortestHeader) return std::nullopt;
    if (total_length < header_length || total_length > bytes.size()) return std::nullopt;
    packet.bytes = bytes.first(total_length);
    if (!later_fragment) read_ports(packet, packet.bytes.subspan(header_length));
    return packet;
}

}  // namespace gatelab::esp
