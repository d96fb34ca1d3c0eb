#include "impl/openvpn/mss.h"

#include <gtest/gtest.h>

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace gatelab::openvpn {
namespace {

constexpr std::uint8_t kSyn = 0x02, kAck = 0x10;

// The sum that RFC 9293 section 3.1 takes over pseudo header and segment; 0 when the checksum within holds.
std::uint16_t tcp_sum(ByteView packet) {
    const std::size_t header = (packet[0] & 15u) * 4u;
    const std::size_t total = std::size_t{packet[2]} << 8 | packet[3];
    std::uint32_t sum = 6 + static_cast<std::uint32_t>(total - header);
    for (std::size_t at = 12; at < 20; at += 2) sum += static_cast<std::uint32_t>(packet[at] << 8 | packet[at + 1]);
    for (std::size_t at = header; at < total; ++at) sum += at % 2 == header % 2 ? packet[at] * 256u : packet[at];
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

Bytes tcp(ByteView options, std::uint8_t flags = kSyn, std::size_t ip_options = 0, std::uint16_t fragment = 0x4000) {
    const std::size_t padded = (options.size() + 3) / 4 * 4, ip = 20 + ip_options;
    ByteWriter writer;
    writer.u8(static_cast<std::uint8_t>(0x40 | ip / 4)).u8(0).u16(static_cast<std::uint16_t>(ip + 20 + padded + 5));
    writer.u16(1).u16(fragment).u8(64).u8(6).u16(0).u32(0x0a3c0007).u32(0x0a010203).zeros(ip_options);
    writer.u16(40000).u16(80).u32(0x12345678).u32(0).u8(static_cast<std::uint8_t>((20 + padded) / 4 << 4)).u8(flags);
    writer.u16(0xfaf0);
    const auto at = writer.reserve_u16();
    writer.u16(0).bytes(options).zeros(padded - options.size()).bytes(Bytes{1, 2, 3, 4, 5});
    writer.patch_u16(at, tcp_sum(writer.view()));
    return writer.take();
}

Bytes mss_option(std::uint16_t mss) {
    return {2, 4, static_cast<std::uint8_t>(mss >> 8), static_cast<std::uint8_t>(mss)};
}

Bytes joined(const Bytes& a, const Bytes& b) {
    Bytes both = a;
    append(both, b);
    return both;
}

Bytes clamped(Bytes packet, std::uint16_t largest) {
    clamp_mss(packet, largest);
    return packet;
}

TEST(MssFix, LowersTheOptionOfASyn) {
    EXPECT_EQ(clamped(tcp(mss_option(1460)), 1300), tcp(mss_option(1300)));
    EXPECT_EQ(clamped(tcp(mss_option(1460), kSyn | kAck), 1300), tcp(mss_option(1300), kSyn | kAck));
}

TEST(MssFix, NeverRaisesIt) {
    EXPECT_EQ(clamped(tcp(mss_option(1300)), 1300), tcp(mss_option(1300)));
    EXPECT_EQ(clamped(tcp(mss_option(536)), 1300), tcp(mss_option(536)));
}

TEST(MssFix, FindsTheOptionAnywhereAndKeepsTheChecksumTrue) {
    const Bytes nothing{1}, sack{4, 2}, scale{3, 3, 7}, stamps{8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
    for (const auto& before : {Bytes{}, nothing, sack, scale, joined(nothing, sack), joined(scale, sack), stamps,
                               joined(stamps, nothing), joined(stamps, scale)}) {
        const auto packet = clamped(tcp(joined(before, mss_option(8960))), 1357);
        EXPECT_EQ(packet, tcp(joined(before, mss_option(1357)))) << to_hex(before);
        EXPECT_EQ(tcp_sum(packet), 0) << to_hex(before);
    }
}

TEST(MssFix, LooksBehindTheOptionsOfIp) {
    EXPECT_EQ(clamped(tcp(mss_option(1460), kSyn, 8), 1300), tcp(mss_option(1300), kSyn, 8));
}

TEST(MssFix, LeavesEverythingElseAlone) {
    auto udp = tcp(mss_option(1460));
    udp[9] = 17;
    auto version6 = tcp(mss_option(1460));
    version6[0] = 0x65;
    const std::vector<Bytes> others{
        tcp(mss_option(1460), kAck),             // no SYN
        tcp(mss_option(1460), kSyn, 0, 0x2001),  // a later fragment
        tcp({}),                                 // no options
        tcp(joined({0}, mss_option(1460))),      // behind the end of the options
        tcp(Bytes{2, 3, 5, 180, 1, 1, 1, 1}),    // an MSS option of the wrong length
        tcp(joined({5, 0}, mss_option(1460))),   // an option of no length
        tcp(joined({5, 1}, mss_option(1460))),   // an option shorter than its own header
        tcp(joined({5, 40}, mss_option(1460))),  // an option longer than the header
        udp,
        version6,
    };
    for (const auto& packet : others) EXPECT_EQ(clamped(packet, 500), packet) << to_hex(packet);
}

TEST(MssFix, ReadsNoTruncatedPacketPastItsEnd) {
    const auto packet = tcp(joined({1, 1}, mss_option(1460)));
    for (std::size_t size = 0; size < packet.size(); ++size) {
        const Bytes cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_EQ(clamped(cut, 500), cut) << size;
    }
}

RC_GTEST_PROP(MssFix, KeepsEveryChecksumTrue, (std::uint16_t before, std::uint16_t largest)) {
    const auto nothings = *rc::gen::inRange<std::size_t>(0, 8);
    const auto packet = clamped(tcp(joined(Bytes(nothings, 1), mss_option(before))), largest);
    RC_ASSERT(tcp_sum(packet) == 0);
    RC_ASSERT(packet == tcp(joined(Bytes(nothings, 1), mss_option(std::min(before, largest)))));
}

RC_GTEST_PROP(MssFix, SurvivesAnyBytes, (Bytes packet, std::uint16_t largest)) {
    if (!packet.empty()) packet[0] = static_cast<std::uint8_t>(0x40 | (packet[0] & 15));
    if (packet.size() > 9) packet[9] = 6;
    clamp_mss(packet, largest);
}

// Outer IP and UDP (or TCP and its length), the data channel, inner IP and TCP: what is left is the segment.
TEST(MssFix, LeavesRoomForEverythingAround) {
    EXPECT_EQ(mss_for(1492, 24, Transport::Udp), 1492 - 20 - 8 - 24 - 40);
    EXPECT_EQ(mss_for(1492, 24, Transport::Tcp), 1492 - 20 - 20 - 2 - 24 - 40);
    EXPECT_EQ(mss_for(100, 24, Transport::Udp), 28) << "an IPv4 link carries 68 octets at the least";
    EXPECT_EQ(mss_for(0, 24, Transport::Udp), 28);
}

}  // namespace
}  // namespace gatelab::openvpn
