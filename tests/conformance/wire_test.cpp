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

}  // namespace
}  // namespace gatelab::conformance
