// What middleboxes and checks read out of a raw IPv4 packet (RFC 791).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "impl/base/address.h"
#include "impl/base/bytes.h"

namespace gatelab::sim {

inline constexpr std::size_t kIpv4HeaderSize = 20;

inline std::uint16_t read_u16(ByteView bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}
inline std::uint32_t read_u32(ByteView bytes, std::size_t at) {
    return std::uint32_t{read_u16(bytes, at)} << 16 | read_u16(bytes, at + 2);
}
inline void write_u16(ByteSpan bytes, std::size_t at, std::uint16_t value) {
    bytes[at] = static_cast<std::uint8_t>(value >> 8);
    bytes[at + 1] = static_cast<std::uint8_t>(value);
}
inline void write_u32(ByteSpan bytes, std::size_t at, std::uint32_t value) {
    write_u16(bytes, at, static_cast<std::uint16_t>(value >> 16));
    write_u16(bytes, at + 2, static_cast<std::uint16_t>(value));
}

// The packet without trailing bytes, when its IPv4 header is whole, consistent and without options (ns-3 loses those);
// else nothing.
std::optional<ByteView> whole_ipv4(ByteView packet);

// The fields that a middlebox decides by. Ports are the identifier, twice, for ICMP echo, and 0 where there are none.
struct PacketFields {
    std::uint8_t protocol = 0;
    Ipv4Address source, destination;
    std::uint16_t source_port = 0, destination_port = 0;
    std::uint16_t identification = 0;
    bool fragment = false;       // part of a larger packet
    bool first = true;           // the part with the transport header
    bool ports = false;          // TCP or UDP, with its ports at hand
    bool echo = false;           // ICMP echo request or reply
    bool icmp_error = false;     // carries the head of another packet, from octet 28
    std::uint8_t tcp_flags = 0;  // FIN 1, SYN 2, RST 4
};

// Nothing when the packet does not hold what its header promises. `packet` starts with an IPv4 header; of the payload,
// the first 8 octets are enough (14 for TCP flags).
std::optional<PacketFields> read_fields(ByteView packet);

// Whether the head of a TCP, UDP or ICMP payload (60 octets of it are enough) is long enough for what it announces:
// TCP's data offset and options, the packet that an ICMP error quotes. True for other protocols.
bool is_sound_transport(std::uint8_t protocol, ByteView payload);

// "udp 10.0.0.1:500 > 192.0.2.1:500"
std::string summary(const PacketFields&);

// The Internet checksum (RFC 1071) of `bytes`, starting from the sum `initial`.
std::uint16_t internet_checksum(ByteView bytes, std::uint32_t initial = 0);

// Writes a 16-bit field and brings a checksum that covers it up to date (RFC 1624). `packet` starts with an IPv4
// header; of UDP, a checksum of 0 means none.
void rewrite_u16(ByteSpan packet, std::size_t at, std::uint16_t value, std::size_t checksum_at);
void rewrite_u32(ByteSpan packet, std::size_t at, std::uint32_t value, std::size_t checksum_at);
// Brings a checksum up to date for a change elsewhere (a pseudo-header).
void adjust_checksum(ByteSpan packet, std::size_t checksum_at, std::uint32_t before, std::uint32_t after);

// Computes the IP header's checksum anew, and those of UDP, TCP and ICMP in an unfragmented packet. For packets made or
// edited by hand; `packet` is a whole IPv4 packet.
void refresh_checksums(ByteSpan packet);

}  // namespace gatelab::sim
