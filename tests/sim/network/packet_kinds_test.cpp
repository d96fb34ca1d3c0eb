#include "sim/network/packet_kinds.h"

#include <gmock/gmock.h>

#include "tests/sim/network/support.h"

namespace gatelab::sim {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The names of all kinds that the packet is of.
std::vector<std::string> kinds_of(ByteView packet) {
    std::vector<std::string> names;
    for (const auto& one : topologies::packet_kinds())
        if (is_kind(one.kind, packet)) names.emplace_back(one.name);
    return names;
}

Bytes udp(std::uint16_t port, const Bytes& payload) {
    return udp_packet({kAlice, 40000}, {kBob, port}, as_text(payload));
}
Bytes tcp(std::uint8_t flags, const Bytes& payload = {}) {
    return tcp_packet({{kAlice, 40000}, {kBob, 443}, 1, 1, flags, as_text(payload)});
}

// An IKE header without payloads (RFC 7296 section 3.1).
Bytes ike(std::uint8_t exchange, bool marked) {
    Bytes message(marked ? 4 : 0, 0);
    for (int i = 0; i < 16; ++i) message.push_back(static_cast<std::uint8_t>(i + 1));  // SPIs
    for (const std::uint8_t octet : {0, 0x20, int{exchange}, 0x08, 0, 0, 0, 0, 0, 0, 0, 28}) message.push_back(octet);
    return message;
}

TEST(PacketKinds, TellIkeExchangesOnBothPorts) {
    const std::pair<std::uint8_t, std::string> all[] = {
        {34, "ike-sa-init"}, {35, "ike-auth"}, {36, "ike-create-child-sa"}, {37, "ike-informational"}};
    for (const auto& [exchange, name] : all) {
        EXPECT_THAT(kinds_of(udp(500, ike(exchange, false))), ElementsAre(name));
        EXPECT_THAT(kinds_of(udp(4500, ike(exchange, true))), ElementsAre(name));
    }
    auto version_1 = ike(34, false);
    version_1[17] = 0x10;
    EXPECT_THAT(kinds_of(udp(500, version_1)), IsEmpty());
}

TEST(PacketKinds, TellEspAndKeepalives) {
    const Bytes sealed{0xc0, 1, 2, 3, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9};
    EXPECT_THAT(kinds_of(udp(4500, sealed)), ElementsAre("esp"));
    auto plain = udp(4500, sealed);
    plain[9] = 50;
    EXPECT_THAT(kinds_of(plain), ElementsAre("esp"));
    write_u16(plain, 6, 185);
    EXPECT_THAT(kinds_of(plain), ElementsAre("esp")) << "a later fragment of it";
    EXPECT_THAT(kinds_of(udp(4500, {0xff})), ElementsAre("nat-keepalive"));
    EXPECT_THAT(kinds_of(udp(4500, {0xfe})), IsEmpty());
}

TEST(PacketKinds, TellOpenVpnInUdpAndTcp) {
    const Bytes reset{0x38, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0};  // P_CONTROL_HARD_RESET_CLIENT_V2
    const Bytes data{0x48, 0, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9};   // P_DATA_V2
    const auto framed = [](const Bytes& packet) {
        Bytes stream{0, static_cast<std::uint8_t>(packet.size())};
        stream.insert(stream.end(), packet.begin(), packet.end());
        return stream;
    };
    EXPECT_THAT(kinds_of(udp(1194, reset)), ElementsAre("openvpn-control"));
    EXPECT_THAT(kinds_of(udp(1194, data)), ElementsAre("openvpn-data"));
    EXPECT_THAT(kinds_of(tcp(24, framed(reset))), ElementsAre("openvpn-control"));
    EXPECT_THAT(kinds_of(tcp(24, framed(data))), ElementsAre("openvpn-data"));
    EXPECT_THAT(kinds_of(udp(53, data)), IsEmpty());
    EXPECT_THAT(kinds_of(tcp(24, copy_of(as_bytes(std::string_view{"GET / HTTP/1.1\r\n"})))), IsEmpty());
}

TEST(PacketKinds, TellSegmentsOfTcpAndTls) {
    EXPECT_THAT(kinds_of(tcp(2)), ElementsAre("tcp-syn"));
    EXPECT_THAT(kinds_of(tcp(2 | 16)), IsEmpty());
    EXPECT_THAT(kinds_of(tcp(4)), ElementsAre("tcp-rst"));
    EXPECT_THAT(kinds_of(tcp(4 | 16)), ElementsAre("tcp-rst"));
    EXPECT_THAT(kinds_of(tcp(16)), IsEmpty());
    EXPECT_THAT(kinds_of(tcp(24, {22, 3, 1, 0, 5, 1, 0, 0, 1, 3, 3})), ElementsAre("tls-client-hello"));
    EXPECT_THAT(kinds_of(tcp(24, {22, 3, 3, 0, 5, 2, 0, 0, 1, 3, 3})), ElementsAre("tls-server-hello"));
    EXPECT_THAT(kinds_of(tcp(24, {23, 3, 3, 0, 5, 9, 9, 9, 9, 9})), ElementsAre("tls-application-data"));
}

TEST(PacketKinds, TellPingsAndErrors) {
    const auto icmp = [](std::uint8_t type) {
        auto packet = udp_packet({kAlice, 0}, {kBob, 0}, std::string(20, '\0'));
        packet[9] = 1;
        packet[20] = type;
        refresh_checksums(packet);
        return packet;
    };
    EXPECT_THAT(kinds_of(icmp(8)), ElementsAre("icmp-echo"));
    EXPECT_THAT(kinds_of(icmp(0)), ElementsAre("icmp-echo"));
    EXPECT_THAT(kinds_of(icmp(3)), ElementsAre("icmp-unreachable"));
    EXPECT_THAT(kinds_of(icmp(11)), IsEmpty());
}

TEST(PacketKinds, AreInTheOrderOfTheirNumbersAndSurviveHostilePackets) {
    int number = 0;
    for (const auto& one : topologies::packet_kinds()) {
        EXPECT_EQ(static_cast<int>(one.kind), number++);
        EXPECT_EQ(topologies::packet_kind(one.name), one.kind);
    }
    SeededRandom random{6};
    for (int i = 0; i < 20'000; ++i) {
        Bytes packet(20 + random.below(60));
        random.fill(packet);
        packet[0] = 0x45;
        packet[9] = std::array<std::uint8_t, 4>{1, 6, 17, 50}[random.below(4)];
        if (random.below(2) != 0) write_u16(packet, 2, static_cast<std::uint16_t>(packet.size()));
        if (random.below(4) != 0) write_u16(packet, 6, 0);
        kinds_of(packet);
    }
}

}  // namespace
}  // namespace gatelab::sim
