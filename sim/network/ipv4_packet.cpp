#include "sim/network/ipv4_packet.h"

#include <fmt/format.h>

namespace gatelab::sim {
namespace {

constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17;

bool is_icmp_error(std::uint8_t type) { return type == 3 || type == 11 || type == 12; }

bool are_sound_tcp_options(ByteView options) {
    while (!options.empty() && options[0] != 0) {
        if (options[0] == 1) {
            options = options.subspan(1);
            continue;
        }
        if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) return false;
        const std::uint8_t kind = options[0], length = options[1];
        const bool sound = kind == 2   ? length == 4                    // MSS
                           : kind == 3 ? length == 3                    // window scale
                           : kind == 4 ? length == 2                    // SACK permitted
                           : kind == 5 ? length > 2 && length % 8 == 2  // SACK
                           : kind == 8 ? length == 10                   // timestamps
                                       : true;
        if (!sound) return false;
        options = options.subspan(length);
    }
    return true;
}

std::uint16_t folded(std::uint32_t sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

// Eight octets at a time: the sum of 32-bit words is the sum of 16-bit words, once folded (RFC 1071 section 2).
std::uint32_t sum_of(ByteView bytes) {
    std::uint64_t sum = 0;
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) sum += std::uint64_t{read_u32(bytes, at)} + read_u32(bytes, at + 4);
    for (; at + 1 < bytes.size(); at += 2) sum += read_u16(bytes, at);
    if (at < bytes.size()) sum += std::uint64_t{bytes[at]} << 8;
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint32_t>(sum);
}

}  // namespace

std::optional<ByteView> whole_ipv4(ByteView packet) {
    if (packet.size() < kIpv4HeaderSize || packet[0] != 0x45) return std::nullopt;
    const std::size_t length = read_u16(packet, 2);
    if (length < kIpv4HeaderSize || length > packet.size()) return std::nullopt;
    return packet.first(length);
}

std::optional<PacketFields> read_fields(ByteView packet) {
    if (packet.size() < kIpv4HeaderSize) return std::nullopt;
    const std::uint16_t fragment = read_u16(packet, 6);
    PacketFields fields{.protocol = packet[9],
                        .source = Ipv4Address{read_u32(packet, 12)},
                        .destination = Ipv4Address{read_u32(packet, 16)},
                        .identification = read_u16(packet, 4),
                        .fragment = (fragment & 0x3fff) != 0,
                        .first = (fragment & 0x1fff) == 0};
    if (!fields.first) return fields;
    const ByteView payload = packet.subspan(kIpv4HeaderSize);
    if (fields.protocol == kTcp || fields.protocol == kUdp) {
        if (payload.size() < (fields.protocol == kTcp ? 14 : 8)) return std::nullopt;
        fields.source_port = read_u16(payload, 0);
        fields.destination_port = read_u16(payload, 2);
        fields.ports = true;
        if (fields.protocol == kTcp) fields.tcp_flags = payload[13];
    } else if (fields.protocol == kIcmp) {
        if (payload.size() < 8) return std::nullopt;
        fields.echo = payload[0] == 8 || payload[0] == 0;
        fields.icmp_error = is_icmp_error(payload[0]);
        if (fields.echo) fields.source_port = fields.destination_port = read_u16(payload, 4);
    }
    return fields;
}

bool is_sound_transport(std::uint8_t protocol, ByteView payload) {
    if (protocol == kUdp) return payload.size() >= 8;
    if (protocol == kTcp) {
        if (payload.size() < 20) return false;
        const std::size_t header = std::size_t{4} * (payload[12] >> 4);
        return header >= 20 && header <= payload.size() && are_sound_tcp_options(payload.subspan(20, header - 20));
    }
    if (protocol != kIcmp) return true;
    if (payload.size() < 8) return false;
    const std::size_t quoted = kIpv4HeaderSize + 8;
    return !is_icmp_error(payload[0]) || (payload.size() >= 8 + quoted && payload[8] == 0x45);
}

std::string summary(const PacketFields& fields) {
    if (fields.ports) {
        return fmt::format("{} {} > {}", fields.protocol == kTcp ? "tcp" : "udp",
                           to_string(Endpoint{fields.source, fields.source_port}),
                           to_string(Endpoint{fields.destination, fields.destination_port}));
    }
    const std::string protocol = fields.protocol == kIcmp ? "icmp"
                                 : fields.protocol == static_cast<int>(IpProtocol::Esp)
                                     ? "esp"
                                     : fmt::format("protocol {}", fields.protocol);
    return fmt::format("{}{} {} > {}", protocol, fields.first ? "" : " fragment", to_string(fields.source),
                       to_string(fields.destination));
}

std::uint16_t internet_checksum(ByteView bytes, std::uint32_t initial) {
    return static_cast<std::uint16_t>(~folded(initial + sum_of(bytes)));
}

void adjust_checksum(ByteSpan packet, std::size_t checksum_at, std::uint32_t before, std::uint32_t after) {
    // Only UDP has a zero that says "no checksum" (RFC 768), and writes the sum that is zero as the other zero.
    const bool may_be_absent = packet[9] == kUdp && checksum_at == kIpv4HeaderSize + 6;
    const std::uint16_t old = read_u16(packet, checksum_at);
    if (old == 0 && may_be_absent) return;
    const auto complement = [](std::uint32_t half) { return ~half & 0xffff; };
    const std::uint32_t sum =
        complement(old) + complement(before >> 16) + complement(before & 0xffff) + (after >> 16) + (after & 0xffff);
    std::uint16_t fresh = static_cast<std::uint16_t>(~folded(sum));
    if (fresh == 0 && may_be_absent) fresh = 0xffff;
    write_u16(packet, checksum_at, fresh);
}

void rewrite_u16(ByteSpan packet, std::size_t at, std::uint16_t value, std::size_t checksum_at) {
    adjust_checksum(packet, checksum_at, read_u16(packet, at), value);
    write_u16(packet, at, value);
}

void rewrite_u32(ByteSpan packet, std::size_t at, std::uint32_t value, std::size_t checksum_at) {
    adjust_checksum(packet, checksum_at, read_u32(packet, at), value);
    write_u32(packet, at, value);
}

void refresh_checksums(ByteSpan packet) {
    write_u16(packet, 10, 0);
    write_u16(packet, 10, internet_checksum(packet.first(kIpv4HeaderSize)));
    const auto fields = read_fields(packet);
    if (!fields || fields->fragment) return;
    const ByteSpan payload = packet.subspan(kIpv4HeaderSize);
    const std::size_t at = fields->protocol == kTcp ? 16 : fields->protocol == kUdp ? 6 : 2;
    if (!fields->ports && fields->protocol != kIcmp) return;
    if (payload.size() < at + 2) return;
    std::uint32_t pseudo = 0;
    if (fields->ports) {
        pseudo = sum_of(packet.subspan(12, 8)) + fields->protocol + static_cast<std::uint32_t>(payload.size());
    }
    write_u16(payload, at, 0);
    const std::uint16_t checksum = internet_checksum(payload, pseudo);
    write_u16(payload, at, checksum == 0 && fields->protocol == kUdp ? 0xffff : checksum);
}

}  // namespace gatelab::sim
