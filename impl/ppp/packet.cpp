#include "impl/ppp/packet.h"

#include <fmt/format.h>
#include <array>

namespace gatelab::ppp {

std::string name_of(Protocol protocol) {
    switch (protocol) {
        case Protocol::Ipv4: return "ipv4";
        case Protocol::Ipcp: return "ipcp";
        case Protocol::Ipv6cp: return "ipv6cp";
        case Protocol::Ccp: return "ccp";
        case Protocol::Lcp: return "lcp";
        case Protocol::Pap: return "pap";
        case Protocol::Chap: return "chap";
        case Protocol::Eap: return "eap";
    }
    return fmt::format("0x{:04x}", static_cast<unsigned>(protocol));
}

std::string name_of(Code code) {
    constexpr std::array kNames{"configure-request", "configure-ack", "configure-nak",   "configure-reject",
                                "terminate-request", "terminate-ack", "code-reject",     "protocol-reject",
                                "echo-request",      "echo-reply",    "discard-request", "identification",
                                "time-remaining"};
    const auto index = static_cast<std::size_t>(code) - 1;
    return index < kNames.size() ? kNames[index] : fmt::format("code {}", static_cast<unsigned>(code));
}

Result<Frame> parse_frame(ByteView frame) {
    if (frame.size() >= 2 && frame[0] == 0xff && frame[1] == 0x03) frame = frame.subspan(2);
    if (frame.empty()) return fail(Fault::Truncated, "a PPP frame without a protocol");
    // RFC 1661 section 2: the last octet of a protocol number is odd, those before it are even.
    if (frame[0] & 1) return Frame{static_cast<Protocol>(frame[0]), frame.subspan(1)};
    if (frame.size() < 2) return fail(Fault::Truncated, "a PPP frame that ends within its protocol");
    return Frame{static_cast<Protocol>(frame[0] << 8 | frame[1]), frame.subspan(2)};
}

Result<Packet> parse_packet(ByteView information) {
    ByteReader reader{information};
    Packet packet;
    packet.code = reader.u8();
    packet.identifier = reader.u8();
    const std::size_t length = reader.u16();
    if (!reader.ok()) return fail(Fault::Truncated, "a control packet below 4 octets");
    if (length < kPacketHeader) return fail(Fault::Malformed, fmt::format("a control packet of Length {}", length));
    packet.data = reader.bytes(length - kPacketHeader);
    if (!reader.ok())
        return fail(Fault::Truncated,
                    fmt::format("a control packet of {} octets with Length {}", information.size(), length));
    return packet;
}

Bytes encode(const Packet& packet) {
    ByteWriter writer;
    writer.u8(packet.code).u8(packet.identifier);
    writer.u16(static_cast<std::uint16_t>(kPacketHeader + packet.data.size())).bytes(packet.data);
    return writer.take();
}

Result<std::vector<Option>> parse_options(ByteView data) {
    std::vector<Option> options;
    ByteReader reader{data};
    while (reader.remaining() > 0) {
        const auto type = reader.u8();
        const std::size_t length = reader.u8();
        if (length < 2) return fail(Fault::Malformed, fmt::format("option {} of length {}", type, length));
        options.push_back({type, reader.bytes(length - 2)});
        if (!reader.ok()) return fail(Fault::Truncated, fmt::format("option {} goes beyond its packet", type));
    }
    return options;
}

void append_option(Bytes& options, std::uint8_t type, ByteView value) {
    options.push_back(type);
    options.push_back(static_cast<std::uint8_t>(value.size() + 2));
    append(options, value);
}

std::optional<std::uint16_t> u16_of(const Option& option) {
    ByteReader reader{option.value};
    const auto value = reader.u16();
    return reader.finished() ? std::optional{value} : std::nullopt;
}

std::optional<std::uint32_t> u32_of(const Option& option) {
    ByteReader reader{option.value};
    const auto value = reader.u32();
    return reader.finished() ? std::optional{value} : std::nullopt;
}

Bytes u16_value(std::uint16_t value) { return ByteWriter{}.u16(value).take(); }
Bytes u32_value(std::uint32_t value) { return ByteWriter{}.u32(value).take(); }

}  // namespace gatelab::ppp
