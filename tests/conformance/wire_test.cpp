#include "conformance/wire.h"

#include <gmock/gmock.h>

namespace gatelab::conformance {
namespace {

constexpr Endpoint kAlice{Ipv4Address{203, 0, 113, 10}, 500};
constexpr Endpoint kGateway{Ipv4Address{198, 51, 100, 10}, 500};

Bytes ike_message() {
    ByteWriter writer;
    writer.u64(1).u64(2).u8(46).u8(0x20).u8(kIkeAuth).u8(0x28).u32(7).u32(28);
    return writer.take();
}

Endpoint at_4500(Endpoint endpoint) { return {endpoint.address, 4500}; }

TEST(WirePacket, TellsAnIkeMessage) {
    const auto packet = parse_wire({}, "isp", udp_packet(kAlice, kGateway, ike_message()));
    EXPECT_EQ(packet.kind, PacketKind::Ike);
    EXPECT_EQ(packet.source, kAlice);
    EXPECT_EQ(packet.destination, kGateway);
    EXPECT_TRUE(packet.is_ike(kIkeAuth, true));
    EXPECT_TRUE(packet.ike.from_initiator());
    EXPECT_EQ(packet.ike.spi_i, 1u);
    EXPECT_EQ(packet.ike.spi_r, 2u);
    EXPECT_EQ(packet.ike.message_id, 7u);
    EXPECT_EQ(copy_of(packet.inside()), ike_message());
    EXPECT_EQ(packet.describe(), "IKE_AUTH response 7");
}

TEST(WirePacket, TellsWhatPort4500Carries) {
    Bytes marked(4);
    append(marked, ike_message());
    const auto ike = parse_wire({}, "isp", udp_packet(at_4500(kAlice), at_4500(kGateway), marked));
    EXPECT_EQ(ike.kind, PacketKind::Ike);
    EXPECT_EQ(copy_of(ike.inside()), ike_message());
    EXPECT_EQ(parse_wire({}, "isp", udp_packet(at_4500(kAlice), at_4500(kGateway), Bytes{0xff})).kind,
              PacketKind::NatKeepalive);
    const Bytes esp{0xc0, 0xff, 0xee, 0x01, 0, 0, 0, 9, 1, 2, 3};
    const auto encapsulated = parse_wire({}, "isp", udp_packet(at_4500(kAlice), at_4500(kGateway), esp));
    EXPECT_EQ(encapsulated.kind, PacketKind::EspInUdp);
    EXPECT_EQ(encapsulated.spi, 0xc0ffee01u);
    EXPECT_EQ(encapsulated.sequence, 9u);
}

TEST(WirePacket, TellsNativeEspAndFragmentsAndTheRest) {
    auto bytes = udp_packet(kAlice, kGateway, ike_message());
    bytes[9] = 50;
    EXPECT_EQ(parse_wire({}, "isp", bytes).kind, PacketKind::Esp);
    bytes[9] = 6;
    EXPECT_EQ(parse_wire({}, "isp", bytes).kind, PacketKind::Other);
    bytes[7] = 100;  // fragment offset
    EXPECT_EQ(parse_wire({}, "isp", bytes).kind, PacketKind::Fragment);
    EXPECT_EQ(parse_wire({}, "isp", udp_packet({kAlice.address, 53}, {kGateway.address, 53}, {})).kind,
              PacketKind::Other);
}

TEST(WirePacket, SurvivesAnyTruncation) {
    const auto whole = udp_packet(kAlice, kGateway, ike_message());
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_NE(parse_wire({}, "isp", ByteView{whole}.first(size)).kind, PacketKind::Ike);
}

TEST(UdpPacket, HasChecksumsThatHold) {
    const auto packet = udp_packet(kAlice, kGateway, Bytes{1, 2, 3});
    std::uint32_t ip = 0, udp = 17 + 11;
    for (std::size_t i = 0; i < 20; i += 2) ip += packet[i] << 8 | packet[i + 1];
    for (std::size_t i = 12; i < packet.size(); ++i) udp += i % 2 == 0 ? packet[i] << 8 : packet[i];
    for (auto* sum : {&ip, &udp})
        while (*sum >> 16) *sum = (*sum & 0xffff) + (*sum >> 16);
    EXPECT_EQ(ip, 0xffffu);
    EXPECT_EQ(udp, 0xffffu);
}

constexpr Endpoint kAliceUdp{Ipv4Address{203, 0, 113, 10}, 50'000};
constexpr Endpoint kListenerUdp{Ipv4Address{198, 51, 100, 10}, 1194};

Bytes control_packet(std::uint8_t opcode, std::uint8_t key) {
    ByteWriter writer;
    writer.u8(static_cast<std::uint8_t>(opcode << 3 | key)).u64(0x0102030405060708).u8(0).u32(0);
    return writer.take();
}

Bytes data_packet(std::uint8_t key, std::uint32_t peer) {
    ByteWriter writer;
    writer.u8(static_cast<std::uint8_t>(9 << 3 | key)).u8(static_cast<std::uint8_t>(peer >> 16));
    writer.u16(static_cast<std::uint16_t>(peer)).u32(77).u64(0);
    return writer.take();
}

TEST(WirePacket, TellsOpenVpnOnPort1194) {
    const auto reset = parse_wire({}, "isp", udp_packet(kAliceUdp, kListenerUdp, control_packet(7, 0)));
    EXPECT_EQ(reset.kind, PacketKind::OpenVpn);
    EXPECT_TRUE(reset.has_openvpn(OpenVpnHeader::kHardResetClientV2));
    EXPECT_TRUE(reset.has_openvpn_control());
    EXPECT_EQ(reset.openvpn.at(0).session, 0x0102030405060708u);
    EXPECT_EQ(copy_of(reset.inside()), control_packet(7, 0));
    const auto soft = parse_wire({}, "isp", udp_packet(kAliceUdp, kListenerUdp, control_packet(3, 4)));
    EXPECT_EQ(soft.describe(), "P_CONTROL_SOFT_RESET_V1 key 4");
    const auto data = parse_wire({}, "isp", udp_packet(kListenerUdp, kAliceUdp, data_packet(1, 0x010002)));
    EXPECT_TRUE(data.has_openvpn_data());
    EXPECT_FALSE(data.has_openvpn_control());
    EXPECT_EQ(data.describe(), "P_DATA_V2 key 1 peer 65538");
    const auto garbage = parse_wire({}, "isp", udp_packet(kAliceUdp, kListenerUdp, Bytes{0xff, 1, 2}));
    EXPECT_EQ(garbage.kind, PacketKind::OpenVpn);
    EXPECT_TRUE(garbage.openvpn.empty());
}

// A segment with a header of 24 octets.
WirePacket tcp_segment(std::uint32_t sequence, ByteView payload, std::uint8_t flags = 0x10) {
    ByteWriter writer;
    writer.u8(0x45).u8(0).u16(static_cast<std::uint16_t>(44 + payload.size())).u32(0).u8(64).u8(6).u16(0);
    writer.u32(kAlice.address.number()).u32(kGateway.address.number());
    writer.u16(40'000).u16(443).u32(sequence).u32(0).u8(0x60).u8(flags).u16(65535).u16(0).u16(0).u32(0x01010101);
    writer.bytes(payload);
    return parse_wire({}, "isp", writer.take());
}

std::vector<std::string> follow(OpenVpnStreams& streams, const WirePacket& packet) {
    std::vector<std::string> found;
    for (const auto& one : streams.follow(packet.source, packet.destination, packet.tcp, packet.inside()))
        found.push_back(one.describe());
    return found;
}

Bytes framed(const std::vector<Bytes>& packets) {
    ByteWriter writer;
    for (const auto& packet : packets) writer.u16(static_cast<std::uint16_t>(packet.size())).bytes(packet);
    return writer.take();
}

TEST(OpenVpnStreams, FindPacketsHoweverTheStreamIsCut) {
    const auto stream = framed({control_packet(7, 0), data_packet(1, 5), control_packet(5, 1)});
    constexpr std::uint32_t kFirst = 0xfffffff0;  // wraps
    for (std::size_t cut = 1; cut <= stream.size(); ++cut) {
        OpenVpnStreams streams;
        std::vector<std::string> found;
        (void)follow(streams, tcp_segment(kFirst - 1, {}, 0x02));
        for (std::size_t at = 0; at < stream.size(); at += cut) {
            const auto part = ByteView{stream}.subspan(at, std::min(cut, stream.size() - at));
            const auto packet = tcp_segment(kFirst + static_cast<std::uint32_t>(at), part);
            for (auto& one : follow(streams, packet)) found.push_back(one);
            EXPECT_THAT(follow(streams, packet), testing::IsEmpty()) << "sent again";
        }
        EXPECT_THAT(found, testing::ElementsAre("P_CONTROL_HARD_RESET_CLIENT_V2 key 0", "P_DATA_V2 key 1 peer 5",
                                                "P_ACK_V1 key 1"));
    }
}

TEST(OpenVpnStreams, WaitForWhatWasOvertaken) {
    const auto stream = framed({control_packet(7, 0), data_packet(1, 5)});
    OpenVpnStreams streams;
    (void)follow(streams, tcp_segment(99, {}, 0x02));
    EXPECT_THAT(follow(streams, tcp_segment(110, ByteView{stream}.subspan(10))), testing::IsEmpty());
    EXPECT_EQ(follow(streams, tcp_segment(100, ByteView{stream}.first(12))).size(), 2u);
}

std::uint32_t ones_complement(ByteView bytes, std::uint32_t sum) {
    for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] << 8 : bytes[i];
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

TEST(Wire, CutsASegmentIntoPartsWithTheirOwnNumbersAndChecksums) {
    const auto stream = framed({data_packet(1, 5)});
    const auto whole = tcp_segment(1000, stream);
    const auto part = parse_wire({}, "isp", tcp_part(whole, 3, 4));
    EXPECT_EQ(part.tcp.sequence, 1003u);
    EXPECT_EQ(copy_of(part.inside()), copy_of(ByteView{stream}.subspan(3, 4)));
    const ByteView bytes{part.bytes};
    EXPECT_EQ(ones_complement(bytes.first(20), 0), 0xffffu);
    const auto tcp = bytes.subspan(20);
    EXPECT_EQ(ones_complement(tcp, ones_complement(bytes.subspan(12, 8), static_cast<std::uint32_t>(6 + tcp.size()))),
              0xffffu);
}

}  // namespace
}  // namespace gatelab::conformance
