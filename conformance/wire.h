// What stands on the wire between client and gateway, as anyone on the way can read it; and ways to meddle with it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "conformance/openvpn_wire.h"
#include "impl/base/address.h"
#include "impl/base/bytes.h"
#include "impl/base/time.h"
#include "sim/scenario.h"

namespace gatelab::conformance {

// RFC 7296 section 3.1. The header of an IKE message is never encrypted.
struct IkeHeader {
    std::uint64_t spi_i = 0, spi_r = 0;
    std::uint8_t version = 0, exchange = 0, flags = 0;
    std::uint32_t message_id = 0, length = 0;
    bool from_initiator() const { return (flags & 0x08) != 0; }  // of the IKE SA, not of the exchange
    bool is_response() const { return (flags & 0x20) != 0; }
};
constexpr std::uint8_t kIkeSaInit = 34, kIkeAuth = 35, kCreateChildSa = 36, kInformational = 37;
std::string name_of_exchange(std::uint8_t);  // "IKE_AUTH"

enum class PacketKind {
    Ike,           // UDP 500, or UDP 4500 behind four zero octets (RFC 3948 section 2.2)
    NatKeepalive,  // UDP 4500, one octet 0xff (RFC 3948 section 2.3)
    EspInUdp,      // UDP 4500
    Esp,           // IP protocol 50
    OpenVpn,       // UDP to or from port 1194
    Stream,        // TCP to or from port 443: OpenVPN's packets, each behind its length, cut anyhow
    Fragment,      // of an IP packet, and not its first
    Other,
};

struct WirePacket {
    Duration at{};     // when it entered the link
    std::string from;  // the node that put it there
    Bytes bytes;       // the whole IP packet
    PacketKind kind = PacketKind::Other;
    std::uint8_t protocol = 0;
    Endpoint source, destination;         // ports 0 unless UDP or TCP
    std::size_t payload = 0;              // offset in `bytes` of the IKE or ESP header, or of what UDP or TCP carry
    IkeHeader ike;                        // of Ike
    std::uint32_t spi = 0, sequence = 0;  // of EspInUdp and Esp

    TcpHeader tcp;  // of Stream
    // Of OpenVpn, one; of Stream, those whose last octet is in this segment for the first time, as told by Wire.
    std::vector<OpenVpnHeader> openvpn;

    bool is_esp() const { return kind == PacketKind::Esp || kind == PacketKind::EspInUdp; }
    bool is_ike(std::uint8_t exchange, bool response) const {
        return kind == PacketKind::Ike && ike.exchange == exchange && ike.is_response() == response;
    }
    // Whether it is, or completes, an OpenVPN packet of that kind.
    bool has_openvpn(std::uint8_t opcode) const;
    bool has_openvpn_data() const;
    bool has_openvpn_control() const;  // acknowledgements included
    // The IKE message, ESP packet, OpenVPN packet, or the part of a TCP stream, alone.
    ByteView inside() const { return ByteView{bytes}.subspan(payload); }
    std::string describe() const;  // "IKE_AUTH request 1", "ESP 0xc0ffee01 #7", "P_ACK_V1 key 0"
};

WirePacket parse_wire(Duration at, const std::string& from, ByteView ip_packet);

// Watches one link of a scenario for as long as it lives.
class Wire {
public:
    using Meddler = std::function<sim::Verdict(const WirePacket&)>;

    Wire(sim::Scenario&, std::string link);
    ~Wire();
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    // Everything that entered the link so far, dropped or changed packets as they came.
    const std::vector<WirePacket>& packets() const { return packets_; }
    std::size_t count(const std::function<bool(const WirePacket&)>& which, std::size_t since = 0) const;
    const WirePacket* first(const std::function<bool(const WirePacket&)>& which, std::size_t since = 0) const;
    std::vector<WirePacket> all(const std::function<bool(const WirePacket&)>& which) const;

    void meddle(Meddler meddler) { meddler_ = std::move(meddler); }  // nullptr lets everything pass
    // Drops the first packet that fits, once; dropped() tells whether it came.
    void drop_first(std::function<bool(const WirePacket&)> which);
    void drop_all(std::function<bool(const WirePacket&)> which);
    std::size_t dropped() const { return dropped_; }

    // Puts a packet on the link as if `from` had sent it; it is not among packets().
    void inject(const std::string& from, ByteView ip_packet) { scenario_.inject(link_, from, ip_packet); }

private:
    sim::Scenario& scenario_;
    std::string link_;
    std::vector<WirePacket> packets_;
    OpenVpnStreams streams_;
    Meddler meddler_;
    std::size_t dropped_ = 0;
};

// Inner packets that the gateway put into its network, where `inside` watches that link.
std::size_t delivered(const Wire& inside);

// An IP packet with a UDP datagram in it, checksums included.
Bytes udp_packet(Endpoint source, Endpoint destination, ByteView payload);
// An IP packet with an ICMP echo request in it (RFC 792), checksums included; `data` octets follow its header.
Bytes echo_request(Ipv4Address source, Ipv4Address destination, std::uint16_t sequence, std::size_t data = 24);
// `length` octets of a Stream's payload from `offset` on, as a segment of their own, checksums included.
Bytes tcp_part(const WirePacket&, std::size_t offset, std::size_t length);
// A copy with one bit of the octet at `offset` turned over, which only the ICV can tell: a UDP checksum is left out.
Bytes with_flipped_bit(const WirePacket&, std::size_t offset);
// Source and destination of an inner IPv4 packet, and the protocol. Nothing when it is no IPv4 packet.
struct InnerHeader {
    Ipv4Address source, destination;
    std::uint8_t protocol = 0;
};
std::optional<InnerHeader> inner_header(ByteView ip_packet);
// Whether it is an ICMP echo request (8) or reply (0) between these two.
bool is_echo(ByteView ip_packet, std::uint8_t type, Ipv4Address source, Ipv4Address destination);

}  // namespace gatelab::conformance
