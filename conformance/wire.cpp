#include "conformance/wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/network/ipv4_packet.h"

namespace gatelab::conformance {
namespace {

constexpr std::uint16_t kIkePort = 500, kNatPort = 4500, kOpenVpnPort = 1194, kStreamPort = 443;

IkeHeader read_ike_header(ByteReader& reader) {
    IkeHeader header;
    header.spi_i = reader.u64();
    header.spi_r = reader.u64();
    reader.skip(1);
    header.version = reader.u8();
    header.exchange = reader.u8();
    header.flags = reader.u8();
    header.message_id = reader.u32();
    header.length = reader.u32();
    return header;
}

void read_esp(WirePacket& packet, ByteReader reader, PacketKind kind) {
    const auto spi = reader.u32();
    const auto sequence = reader.u32();
    if (!reader.ok()) return;
    packet.kind = kind;
    packet.spi = spi;
    packet.sequence = sequence;
}

void read_ike(WirePacket& packet, ByteReader reader) {
    const auto header = read_ike_header(reader);
    if (!reader.ok()) return;
    packet.kind = PacketKind::Ike;
    packet.ike = header;
}

bool uses_port(const WirePacket& packet, std::uint16_t port) {
    return packet.source.port == port || packet.destination.port == port;
}

void read_udp(WirePacket& packet, ByteReader reader, std::size_t offset) {
    packet.source.port = reader.u16();
    packet.destination.port = reader.u16();
    reader.skip(4);
    if (!reader.ok()) return;
    packet.payload = offset + 8;
    if (uses_port(packet, kNatPort)) {
        auto probe = reader;
        if (reader.remaining() == 1 && probe.u8() == 0xff) {
            packet.kind = PacketKind::NatKeepalive;
        } else if (auto marker = reader; marker.u32() == 0 && marker.ok()) {
            packet.payload += 4;
            read_ike(packet, marker);
        } else {
            read_esp(packet, reader, PacketKind::EspInUdp);
        }
    } else if (uses_port(packet, kIkePort)) {
        read_ike(packet, reader);
    } else if (uses_port(packet, kOpenVpnPort)) {
        packet.kind = PacketKind::OpenVpn;
        if (const auto header = parse_openvpn(reader.bytes(reader.remaining()))) packet.openvpn.push_back(*header);
    }
}

void read_tcp(WirePacket& packet, ByteReader reader, std::size_t offset) {
    packet.source.port = reader.u16();
    packet.destination.port = reader.u16();
    packet.tcp.sequence = reader.u32();
    reader.skip(4);
    const std::size_t header = (reader.u8() >> 4) * std::size_t{4};
    const auto flags = reader.u8();
    reader.skip(6);
    if (!reader.ok() || header < 20) return;
    reader.skip(header - 20);
    if (!reader.ok() || !uses_port(packet, kStreamPort)) return;
    packet.kind = PacketKind::Stream;
    packet.payload = offset + header;
    packet.tcp.fin = (flags & 0x01) != 0;
    packet.tcp.syn = (flags & 0x02) != 0;
    packet.tcp.rst = (flags & 0x04) != 0;
}

}  // namespace

std::string name_of_exchange(std::uint8_t exchange) {
    switch (exchange) {
        case kIkeSaInit: return "IKE_SA_INIT";
        case kIkeAuth: return "IKE_AUTH";
        case kCreateChildSa: return "CREATE_CHILD_SA";
        case kInformational: return "INFORMATIONAL";
        default: return fmt::format("exchange {}", exchange);
    }
}

bool WirePacket::has_openvpn(std::uint8_t opcode) const {
    return std::any_of(openvpn.begin(), openvpn.end(), [=](const auto& one) { return one.opcode == opcode; });
}

bool WirePacket::has_openvpn_data() const {
    return std::any_of(openvpn.begin(), openvpn.end(), [](const auto& one) { return one.is_data(); });
}

bool WirePacket::has_openvpn_control() const {
    return std::any_of(openvpn.begin(), openvpn.end(), [](const auto& one) { return !one.is_data(); });
}

std::string WirePacket::describe() const {
    switch (kind) {
        case PacketKind::Ike:
            return fmt::format("{} {} {}", name_of_exchange(ike.exchange), ike.is_response() ? "response" : "request",
                               ike.message_id);
        case PacketKind::NatKeepalive: return "NAT keepalive";
        case PacketKind::EspInUdp: return fmt::format("ESP in UDP {:#010x} #{}", spi, sequence);
        case PacketKind::Esp: return fmt::format("ESP {:#010x} #{}", spi, sequence);
        case PacketKind::OpenVpn:
            return openvpn.empty() ? fmt::format("UDP datagram from {} that is no OpenVPN", to_string(source))
                                   : openvpn.front().describe();
        case PacketKind::Stream: {
            std::string inside;
            for (const auto& one : openvpn) inside += (inside.empty() ? ": " : ", ") + one.describe();
            return fmt::format("TCP segment{}{}{} of {} octets{}", tcp.syn ? " SYN" : "", tcp.fin ? " FIN" : "",
                               tcp.rst ? " RST" : "", bytes.size() - payload, inside);
        }
        case PacketKind::Fragment: return fmt::format("fragment of IP protocol {}", protocol);
        case PacketKind::Other: break;
    }
    return fmt::format("IP protocol {} from {} to {}", protocol, to_string(source), to_string(destination));
}

WirePacket parse_wire(Duration at, const std::string& from, ByteView ip_packet) {
    WirePacket packet;
    packet.at = at;
    packet.from = from;
    packet.bytes = copy_of(ip_packet);
    ByteReader reader{packet.bytes};
    const auto first = reader.u8();
    const std::size_t header = (first & 0x0f) * std::size_t{4};
    reader.skip(5);
    const auto fragment_offset = reader.u16() & 0x1fff;
    reader.skip(1);
    packet.protocol = reader.u8();
    reader.skip(2);
    packet.source.address = Ipv4Address{reader.u32()};
    packet.destination.address = Ipv4Address{reader.u32()};
    if (!reader.ok() || first >> 4 != 4 || header < 20) return packet;
    reader.skip(header - 20);
    packet.payload = header;
    if (fragment_offset != 0) {
        packet.kind = PacketKind::Fragment;
        return packet;
    }
    if (packet.protocol == static_cast<std::uint8_t>(IpProtocol::Esp)) read_esp(packet, reader, PacketKind::Esp);
    if (packet.protocol == static_cast<std::uint8_t>(IpProtocol::Udp)) read_udp(packet, reader, header);
    if (packet.protocol == static_cast<std::uint8_t>(IpProtocol::Tcp)) read_tcp(packet, reader, header);
    return packet;
}

Wire::Wire(sim::Scenario& scenario, std::string link) : scenario_(scenario), link_(std::move(link)) {
    scenario_.intercept(link_, [this](const std::string& from, ByteView packet) -> sim::Verdict {
        packets_.push_back(parse_wire(scenario_.now(), from, packet));
        if (auto& latest = packets_.back(); latest.kind == PacketKind::Stream)
            latest.openvpn = streams_.follow(latest.source, latest.destination, latest.tcp, latest.inside());
        // A copy: the meddler may look at packets() and so at this one.
        const auto verdict = meddler_ ? meddler_(WirePacket{packets_.back()}) : sim::Verdict{};
        if (verdict.kind == sim::Verdict::Kind::Drop) ++dropped_;
        return verdict;
    });
}

Wire::~Wire() { scenario_.intercept(link_, nullptr); }

std::size_t Wire::count(const std::function<bool(const WirePacket&)>& which, std::size_t since) const {
    std::size_t found = 0;
    for (std::size_t i = since; i < packets_.size(); ++i) found += which(packets_[i]) ? 1 : 0;
    return found;
}

const WirePacket* Wire::first(const std::function<bool(const WirePacket&)>& which, std::size_t since) const {
    for (std::size_t i = since; i < packets_.size(); ++i)
        if (which(packets_[i])) return &packets_[i];
    return nullptr;
}

std::vector<WirePacket> Wire::all(const std::function<bool(const WirePacket&)>& which) const {
    std::vector<WirePacket> found;
    for (const auto& packet : packets_)
        if (which(packet)) found.push_back(packet);
    return found;
}

void Wire::drop_first(std::function<bool(const WirePacket&)> which) {
    meddle([which = std::move(which), done = false](const WirePacket& packet) mutable -> sim::Verdict {
        if (done || !which(packet)) return {};
        done = true;
        return {sim::Verdict::Kind::Drop, {}};
    });
}

void Wire::drop_all(std::function<bool(const WirePacket&)> which) {
    meddle([which = std::move(which)](const WirePacket& packet) -> sim::Verdict {
        return which(packet) ? sim::Verdict{sim::Verdict::Kind::Drop, {}} : sim::Verdict{};
    });
}

std::size_t delivered(const Wire& inside) {
    return inside.count([](const WirePacket& packet) { return packet.from == "gateway"; });
}

namespace {

// With addresses and `protocol`, and no checksums yet.
Bytes ip_packet(IpProtocol protocol, Ipv4Address source, Ipv4Address destination, ByteView payload) {
    ByteWriter ip;
    ip.u8(0x45).u8(0).u16(static_cast<std::uint16_t>(20 + payload.size())).u32(0).u8(64);
    ip.u8(static_cast<std::uint8_t>(protocol)).u16(0).u32(source.number()).u32(destination.number());
    return ip.bytes(payload).take();
}

}  // namespace

Bytes udp_packet(Endpoint source, Endpoint destination, ByteView payload) {
    ByteWriter udp;
    udp.u16(source.port).u16(destination.port).u16(static_cast<std::uint16_t>(8 + payload.size())).u16(0);
    udp.bytes(payload);
    auto packet = ip_packet(IpProtocol::Udp, source.address, destination.address, udp.view());
    sim::refresh_checksums(packet);
    return packet;
}

Bytes echo_request(Ipv4Address source, Ipv4Address destination, std::uint16_t sequence, std::size_t data) {
    ByteWriter icmp;
    icmp.u8(8).u8(0).u16(0).u16(0x6c6c).u16(sequence).bytes(Bytes(data, 0x5a));
    auto packet = ip_packet(IpProtocol::Icmp, source, destination, icmp.view());
    sim::refresh_checksums(packet);
    return packet;
}

Bytes tcp_part(const WirePacket& packet, std::size_t offset, std::size_t length) {
    const auto ip_size = static_cast<std::size_t>((packet.bytes.at(0) & 0x0f) * 4);
    ByteWriter out;
    out.bytes(ByteView{packet.bytes}.first(packet.payload));
    out.bytes(packet.inside().subspan(offset, length));
    out.patch_u16(2, static_cast<std::uint16_t>(packet.payload + length));
    const auto sequence = packet.tcp.sequence + static_cast<std::uint32_t>(offset);
    out.patch_u16(ip_size + 4, static_cast<std::uint16_t>(sequence >> 16));
    out.patch_u16(ip_size + 6, static_cast<std::uint16_t>(sequence));
    auto bytes = out.take();
    sim::refresh_checksums(bytes);
    return bytes;
}

Bytes with_flipped_bit(const WirePacket& packet, std::size_t offset) {
    auto bytes = packet.bytes;
    bytes.at(offset) ^= 0x10;
    if (packet.kind == PacketKind::EspInUdp || packet.kind == PacketKind::OpenVpn)
        bytes.at(packet.payload - 2) = bytes.at(packet.payload - 1) = 0;
    return bytes;
}

std::optional<InnerHeader> inner_header(ByteView ip_packet) {
    ByteReader reader{ip_packet};
    const auto version = reader.u8() >> 4;
    reader.skip(8);
    InnerHeader header;
    header.protocol = reader.u8();
    reader.skip(2);
    header.source = Ipv4Address{reader.u32()};
    header.destination = Ipv4Address{reader.u32()};
    if (!reader.ok() || version != 4) return std::nullopt;
    return header;
}

bool is_echo(ByteView ip_packet, std::uint8_t type, Ipv4Address source, Ipv4Address destination) {
    const auto header = inner_header(ip_packet);
    return header && header->protocol == 1 && header->source == source && header->destination == destination &&
           ip_packet.size() > 20 && ip_packet[(ip_packet[0] & 0x0f) * std::size_t{4}] == type;
}

}  // namespace gatelab::conformance
