#include "tests/support/ip_packet.h"

namespace gatelab::testing {
namespace {

constexpr std::size_t kHeader = 20, kUdpHeader = 8, kEchoHeader = 8;
constexpr std::size_t kTtlAt = 8, kChecksumAt = 10;

std::uint16_t checksum(ByteView bytes) {  // RFC 1071
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) sum += std::uint32_t{bytes[i]} << (i % 2 == 0 ? 8 : 0);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

void set_checksum(Bytes& packet) {
    packet[kChecksumAt] = packet[kChecksumAt + 1] = 0;
    const auto sum = checksum(ByteView{packet}.first(kHeader));
    packet[kChecksumAt] = static_cast<std::uint8_t>(sum >> 8);
    packet[kChecksumAt + 1] = static_cast<std::uint8_t>(sum);
}

}  // namespace

Bytes ip_packet(const IpHeader& header, ByteView payload) {
    ByteWriter writer;
    writer.u8(0x45).u8(0).u16(static_cast<std::uint16_t>(kHeader + payload.size())).u32(0);
    writer.u8(header.ttl).u8(header.protocol).u16(0);
    writer.u32(header.source.number()).u32(header.destination.number()).bytes(payload);
    auto packet = writer.take();
    set_checksum(packet);
    return packet;
}

std::optional<IpHeader> ip_header(ByteView packet) {
    ByteReader reader{packet};
    const auto version = reader.u8();
    reader.skip(1);
    const auto length = reader.u16();
    reader.skip(4);
    IpHeader header;
    header.ttl = reader.u8();
    header.protocol = reader.u8();
    reader.skip(2);
    header.source = Ipv4Address{reader.u32()};
    header.destination = Ipv4Address{reader.u32()};
    if (!reader.ok() || version != 0x45 || length != packet.size()) return {};
    return checksum(packet.first(kHeader)) == 0 ? std::optional(header) : std::nullopt;
}

ByteView ip_payload(ByteView packet) { return packet.subspan(kHeader); }

std::optional<Bytes> one_hop_on(ByteView packet) {
    if (packet[kTtlAt] <= 1) return {};
    auto on = copy_of(packet);
    --on[kTtlAt];
    set_checksum(on);
    return on;
}

Bytes udp_packet(Endpoint source, Endpoint destination, ByteView payload) {
    ByteWriter writer;
    // Without a checksum (RFC 768: zero), as RFC 3948 section 2.1 wants it for ESP.
    writer.u16(source.port).u16(destination.port).u16(static_cast<std::uint16_t>(kUdpHeader + payload.size())).u16(0);
    writer.bytes(payload);
    return ip_packet({source.address, destination.address, static_cast<std::uint8_t>(IpProtocol::Udp)}, writer.view());
}

std::optional<UdpView> udp_of(ByteView packet) {
    const auto header = ip_header(packet);
    if (!header || header->protocol != static_cast<std::uint8_t>(IpProtocol::Udp)) return {};
    ByteReader reader{ip_payload(packet)};
    UdpView view{{header->source, reader.u16()}, {header->destination, reader.u16()}, {}};
    reader.skip(4);
    view.payload = reader.rest();
    return reader.ok() ? std::optional(view) : std::nullopt;
}

Bytes echo_packet(Ipv4Address source, Ipv4Address destination, const Echo& echo) {
    ByteWriter writer;
    writer.u8(echo.reply ? 0 : 8).u8(0).u16(0).u16(echo.identifier).u16(echo.sequence);
    for (std::size_t i = 0; i < echo.size; ++i) writer.u8(static_cast<std::uint8_t>(i));
    writer.patch_u16(2, checksum(writer.view()));
    return ip_packet({source, destination, static_cast<std::uint8_t>(IpProtocol::Icmp)}, writer.view());
}

std::optional<Echo> echo_of(ByteView packet) {
    const auto header = ip_header(packet);
    if (!header || header->protocol != static_cast<std::uint8_t>(IpProtocol::Icmp)) return {};
    const auto message = ip_payload(packet);
    if (message.size() < kEchoHeader || checksum(message) != 0) return {};
    ByteReader reader{message};
    const auto type = reader.u8();
    reader.skip(3);
    Echo echo{type == 0, reader.u16(), reader.u16(), reader.remaining()};
    return type == 0 || type == 8 ? std::optional(echo) : std::nullopt;
}

}  // namespace gatelab::testing
