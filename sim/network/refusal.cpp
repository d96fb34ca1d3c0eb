#include "sim/network/refusal.h"

#include "sim/network/ipv4_packet.h"
#include "sim/network/tcp_segment.h"

namespace gatelab::sim {
namespace {

constexpr std::uint8_t kUnreachable = 3, kProhibited = 13;  // ICMP type and code
constexpr std::uint16_t kDontFragment = 0x4000;
constexpr std::uint8_t kTimeToLive = 64;

void write_header(ByteWriter& writer, std::size_t payload, IpProtocol protocol, Ipv4Address from, Ipv4Address to) {
    // With DF set and never fragmented, a packet needs no identification (RFC 6864 section 4.1).
    writer.u8(0x45).u8(0).u16(static_cast<std::uint16_t>(kIpv4HeaderSize + payload)).u16(0).u16(kDontFragment);
    writer.u8(kTimeToLive).u8(static_cast<std::uint8_t>(protocol)).u16(0).u32(from.number()).u32(to.number());
}

Bytes reset(Endpoint from, Endpoint to, std::uint32_t sequence, std::optional<std::uint32_t> acknowledges) {
    ByteWriter writer;
    write_header(writer, 20, IpProtocol::Tcp, from.address, to.address);
    writer.u16(from.port).u16(to.port).u32(sequence).u32(acknowledges.value_or(0));
    writer.u8(0x50).u8(TcpSegment::kRst | (acknowledges ? TcpSegment::kAck : 0)).u16(0).u16(0).u16(0);
    auto packet = writer.take();
    refresh_checksums(packet);
    return packet;
}

bool is_machine(Ipv4Address address) {
    const auto first = address.number() >> 24;
    return first != 0 && first != 127 && first < 224;
}

}  // namespace

std::optional<Bytes> reset_for(ByteView packet) {
    const auto fields = read_fields(packet);
    const auto segment = read_segment(packet);
    if (!fields || !segment || segment->has(TcpSegment::kRst)) return std::nullopt;
    const Endpoint from{fields->destination, fields->destination_port}, to{fields->source, fields->source_port};
    if (segment->has(TcpSegment::kAck)) return reset(from, to, segment->acknowledgment, std::nullopt);
    return reset(from, to, 0, segment->sequence + segment->length());
}

std::optional<Bytes> reset_onward(ByteView packet, std::uint32_t sequence) {
    const auto fields = read_fields(packet);
    if (!fields || !fields->ports) return std::nullopt;
    return reset({fields->source, fields->source_port}, {fields->destination, fields->destination_port}, sequence,
                 std::nullopt);
}

std::optional<Bytes> prohibited(ByteView packet) {
    const auto fields = read_fields(packet);
    if (!fields || !fields->first || fields->icmp_error) return std::nullopt;
    if (!is_machine(fields->source) || !is_machine(fields->destination)) return std::nullopt;
    ByteWriter writer;
    write_header(writer, 8 + packet.size(), IpProtocol::Icmp, fields->destination, fields->source);
    writer.u8(kUnreachable).u8(kProhibited).u16(0).u32(0).bytes(packet);
    auto error = writer.take();
    refresh_checksums(error);
    return error;
}

}  // namespace gatelab::sim
