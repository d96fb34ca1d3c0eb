#include "sim/network/packet_kinds.h"

#include <optional>

#include "sim/network/ipv4_packet.h"
#include "sim/network/tcp_segment.h"

namespace gatelab::sim {
namespace {

using topologies::PacketKind;

constexpr std::uint16_t kIke = 500, kIkeNat = 4500, kDns = 53;
constexpr std::size_t kUdpHeaderSize = 8;
constexpr std::uint16_t kLongestOpenVpn = 4096;  // of a packet in TCP, by its length

bool uses(const PacketFields& fields, std::uint16_t port) {
    return fields.source_port == port || fields.destination_port == port;
}

bool is_udp(const PacketFields& fields) { return fields.ports && fields.protocol == static_cast<int>(IpProtocol::Udp); }

ByteView udp_payload(ByteView packet) {
    const auto at = kIpv4HeaderSize + kUdpHeaderSize;
    return packet.size() > at ? packet.subspan(at) : ByteView{};
}

// RFC 7296 section 3.1; in UDP 4500 behind four zeros (RFC 3948 section 2.2).
std::optional<std::uint8_t> ike_exchange(const PacketFields& fields, ByteView packet) {
    if (!is_udp(fields) || (!uses(fields, kIke) && !uses(fields, kIkeNat))) return std::nullopt;
    auto message = udp_payload(packet);
    if (!uses(fields, kIke)) {
        if (message.size() < 4 || read_u32(message, 0) != 0) return std::nullopt;
        message = message.subspan(4);
    }
    constexpr std::size_t kHeader = 28;
    if (message.size() < kHeader || message[17] >> 4 != 2) return std::nullopt;
    return message[18];
}

bool is_esp(const PacketFields& fields, ByteView packet) {
    if (fields.protocol == static_cast<int>(IpProtocol::Esp)) return true;
    if (!is_udp(fields) || !uses(fields, kIkeNat)) return false;
    const auto payload = udp_payload(packet);
    return payload.size() >= 8 && read_u32(payload, 0) != 0;  // SPI and sequence number
}

bool is_nat_keepalive(const PacketFields& fields, ByteView packet) {
    if (!is_udp(fields) || !uses(fields, kIkeNat)) return false;
    const auto payload = udp_payload(packet);
    return payload.size() == 1 && payload[0] == 0xff;
}

// The opcode is the upper five bits of the first octet, in TCP behind the packet's length.
std::optional<int> openvpn_opcode(const PacketFields& fields, ByteView packet) {
    ByteView message;
    if (is_udp(fields)) {
        if (uses(fields, kIke) || uses(fields, kIkeNat) || uses(fields, kDns)) return std::nullopt;
        message = udp_payload(packet);
    } else if (const auto segment = read_segment(packet); segment && segment->payload.size() >= 3) {
        const auto length = read_u16(segment->payload, 0);
        if (length == 0 || length > kLongestOpenVpn) return std::nullopt;
        message = segment->payload.subspan(2);
    }
    if (message.empty()) return std::nullopt;
    return message[0] >> 3;
}

bool is_openvpn_data(int opcode) { return opcode == 6 || opcode == 9; }  // P_DATA_V1, P_DATA_V2
bool is_openvpn_control(int opcode) {                                    // P_CONTROL_..., P_ACK_V1
    return opcode >= 1 && opcode <= 11 && !is_openvpn_data(opcode);
}

// A TLS record of that type at the beginning of a segment; of a handshake record, with that message.
bool begins_with_record(ByteView packet, std::uint8_t type, std::optional<std::uint8_t> message = {}) {
    const auto segment = read_segment(packet);
    if (!segment || segment->payload.size() < 6) return false;
    const auto& payload = segment->payload;
    return payload[0] == type && payload[1] == 3 && payload[2] <= 4 && (!message || payload[5] == *message);
}

bool has_flags(ByteView packet, std::uint8_t mask, std::uint8_t flags) {
    const auto segment = read_segment(packet);
    return segment && (segment->flags & mask) == flags;
}

}  // namespace

bool is_kind(PacketKind kind, ByteView packet) {
    const auto fields = read_fields(packet);
    if (!fields) return false;
    if (!fields->first) return kind == PacketKind::Esp && fields->protocol == static_cast<int>(IpProtocol::Esp);
    constexpr std::uint8_t kHandshake = 22, kApplicationData = 23, kClientHello = 1, kServerHello = 2;
    const auto exchange = [&] { return ike_exchange(*fields, packet); };
    const auto opcode = [&] { return openvpn_opcode(*fields, packet).value_or(0); };
    switch (kind) {
        case PacketKind::IkeSaInit: return exchange() == 34;
        case PacketKind::IkeAuth: return exchange() == 35;
        case PacketKind::IkeCreateChildSa: return exchange() == 36;
        case PacketKind::IkeInformational: return exchange() == 37;
        case PacketKind::Esp: return is_esp(*fields, packet);
        case PacketKind::NatKeepalive: return is_nat_keepalive(*fields, packet);
        case PacketKind::OpenVpnControl: return is_openvpn_control(opcode());
        case PacketKind::OpenVpnData: return is_openvpn_data(opcode());
        case PacketKind::TcpSyn: return has_flags(packet, TcpSegment::kSyn | TcpSegment::kAck, TcpSegment::kSyn);
        case PacketKind::TcpRst: return has_flags(packet, TcpSegment::kRst, TcpSegment::kRst);
        case PacketKind::TlsClientHello: return begins_with_record(packet, kHandshake, kClientHello);
        case PacketKind::TlsServerHello: return begins_with_record(packet, kHandshake, kServerHello);
        case PacketKind::TlsApplicationData: return begins_with_record(packet, kApplicationData);
        case PacketKind::IcmpEcho: return fields->echo;
        case PacketKind::IcmpUnreachable: return fields->icmp_error && packet[kIpv4HeaderSize] == 3;
    }
    return false;
}

}  // namespace gatelab::sim
