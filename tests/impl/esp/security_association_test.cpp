#include "impl/esp/security_association.h"

#include <gtest/gtest.h>

#include "impl/crypto/algorithms.h"
#include "tests/impl/esp/support.h"
#include "tests/support/counted_heap.h"

namespace gatelab::esp {
namespace {

using Refused = tl::unexpected<Drop>;

constexpr std::uint64_t k2To32 = std::uint64_t{1} << 32;

// --- replay

TEST(InboundSa, TakesAPacketOnce) {
    OutboundSa out{alice(gcm(256))};
    InboundSa in{bob(gcm(256))};
    const auto packet = sealed(out, ipv4(40));
    EXPECT_TRUE(opened(in, packet));
    EXPECT_EQ(opened(in, packet), Refused(Drop::Replayed));
    EXPECT_EQ(in.counters().replayed, 1u);
    EXPECT_EQ(in.counters().packets, 1u);
}

TEST(InboundSa, TakesPacketsInAnyOrderWithinTheWindow) {
    OutboundSa out{alice(gcm(256))};
    InboundSa in{bob(gcm(256)), 32};
    std::vector<Bytes> packets;
    for (int i = 0; i < 40; ++i) packets.push_back(sealed(out, ipv4(40)));
    EXPECT_TRUE(opened(in, packets[39]));
    for (int i = 38; i >= 8; --i) EXPECT_TRUE(opened(in, packets[static_cast<std::size_t>(i)])) << i;
    EXPECT_EQ(opened(in, packets[7]), Refused(Drop::Replayed)) << "left of the window";
}

// RFC 4303 section 3.4.3: the window moves only after the integrity check.
TEST(InboundSa, DoesNotMoveTheWindowForAForgery) {
    OutboundSa out{alice(gcm(256))};
    InboundSa in{bob(gcm(256)), 32};
    const auto early = sealed(out, ipv4(40));
    out.advance_to(100'000);
    auto forged = sealed(out, ipv4(40));
    forged.back() ^= 1;
    EXPECT_EQ(opened(in, forged), Refused(Drop::Unauthentic));
    EXPECT_TRUE(opened(in, early));
}

TEST(InboundSa, RefusesWhatWasReceivedBeforeItTookOver) {
    OutboundSa out{alice(gcm(256))};
    InboundSa in{bob(gcm(256))};
    const auto early = sealed(out, ipv4(40));
    in.advance_to(1000);
    EXPECT_EQ(opened(in, early), Refused(Drop::Replayed));
    out.advance_to(1000);
    EXPECT_TRUE(opened(in, sealed(out, ipv4(40))));
}

// --- sequence numbers

TEST(OutboundSa, CountsFromOne) {
    OutboundSa out{alice(gcm(256))};
    for (const char* expected : {"00000001", "00000002"})
        EXPECT_EQ(to_hex(ByteView{sealed(out, ipv4(40))}.subspan(4, 4)), expected);
    EXPECT_EQ(out.last_sequence_number(), 2u);
}

TEST(OutboundSa, StopsBeforeA32BitNumberWraps) {
    OutboundSa out{alice(gcm(256))};
    InboundSa in{bob(gcm(256))};
    out.advance_to(k2To32 - 2);
    EXPECT_TRUE(opened(in, sealed(out, ipv4(40))));
    Bytes buffer(200);
    EXPECT_EQ(out.seal(ipv4(40), buffer), Refused(Drop::Exhausted));
    EXPECT_EQ(out.seal(ipv4(40), buffer), Refused(Drop::Exhausted));
    EXPECT_EQ(out.counters().exhausted, 2u);
    EXPECT_EQ(out.last_sequence_number(), k2To32 - 1);
}

TEST(OutboundSa, StopsBeforeA64BitNumberWraps) {
    OutboundSa out{alice(with_esn(gcm(256)))};
    out.advance_to(~std::uint64_t{0} - 1);
    Bytes buffer(200);
    EXPECT_TRUE(out.seal(ipv4(40), buffer));
    EXPECT_EQ(out.seal(ipv4(40), buffer), Refused(Drop::Exhausted));
}

TEST(OutboundSa, NeverGoesBackToANumber) {
    OutboundSa out{alice(gcm(256))};
    out.advance_to(10);
    out.advance_to(3);
    EXPECT_EQ(out.last_sequence_number(), 10u);
}

TEST(OutboundSa, UsesNoNumberForAPacketThatMayNotLeave) {
    OutboundSa out{alice(gcm(256))};
    Bytes buffer(200);
    EXPECT_FALSE(out.seal(ipv4(40, kBob, kAlice), buffer));
    EXPECT_EQ(out.last_sequence_number(), 0u);
}

class ExtendedNumbers : public testing::TestWithParam<Suite> {};

TEST_P(ExtendedNumbers, GoOnAcrossTheirLowHalf) {
    OutboundSa out{alice(with_esn(GetParam()))};
    InboundSa in{bob(with_esn(GetParam()))};
    for (const std::uint64_t block : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{0xffffffff}}) {
        out.advance_to(block * k2To32 - 40);
        in.advance_to(block * k2To32 - 41);
        std::vector<Bytes> packets;
        for (int i = 0; i < 80; ++i) packets.push_back(sealed(out, ipv4(40)));
        for (std::size_t i = 0; i < packets.size(); i += 2) ASSERT_TRUE(opened(in, packets[i])) << block << " " << i;
        for (std::size_t i = 1; i < packets.size(); i += 2) ASSERT_TRUE(opened(in, packets[i])) << block << " " << i;
        for (const auto& packet : packets) ASSERT_EQ(opened(in, packet), Refused(Drop::Replayed));
    }
}

// The high half is not in the packet, but under its integrity check.
TEST_P(ExtendedNumbers, HoldPacketsOfAnotherBlockForForged) {
    OutboundSa out{alice(with_esn(GetParam()))};
    InboundSa in{bob(with_esn(GetParam()))};
    const auto early = sealed(out, ipv4(40));  // 0x00000000'00000001
    in.advance_to(k2To32 - 1);                 // so that 1 now stands for 0x00000001'00000001
    EXPECT_EQ(opened(in, early), Refused(Drop::Unauthentic));
}

INSTANTIATE_TEST_SUITE_P(Esp, ExtendedNumbers, testing::Values(gcm(256), cbc(256, Integrity::HmacSha256_128)));

// --- selectors, both ways

TEST(OutboundSa, RefusesPacketsOutsideItsSelectors) {
    OutboundSa out{alice(gcm(256))};
    Bytes buffer(200);
    const Ipv4Address stranger{192, 0, 2, 1};
    EXPECT_EQ(out.seal(ipv4(40, stranger, kBob), buffer), Refused(Drop::OutsideSelectors));
    EXPECT_EQ(out.seal(ipv4(40, kAlice, stranger), buffer), Refused(Drop::OutsideSelectors));
    EXPECT_EQ(out.seal(ipv4(40, kBob, kAlice), buffer), Refused(Drop::OutsideSelectors));
    EXPECT_EQ(out.counters().outside_selectors, 3u);
}

TEST(OutboundSa, RefusesWhatIsNoIpv4Packet) {
    OutboundSa out{alice(gcm(256))};
    Bytes buffer(200);
    const auto whole = ipv4(40);
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_EQ(out.seal(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)), buffer),
                  Refused(Drop::Malformed));
    auto version6 = whole;
    version6[0] = 0x65;
    EXPECT_EQ(out.seal(version6, buffer), Refused(Drop::Malformed));
    auto short_header = whole;
    short_header[0] = 0x44;
    EXPECT_EQ(out.seal(short_header, buffer), Refused(Drop::Malformed));
}

TEST(OutboundSa, LeavesOutWhatFollowsThePacket) {
    OutboundSa out{alice(gcm(256))};
    InboundSa in{bob(gcm(256))};
    auto padded = ipv4(40);
    padded.resize(46);
    EXPECT_EQ(opened(in, sealed(out, padded)), ipv4(40));
}

// RFC 4301 section 5.2 step 4: what the peer may send is checked again after decryption.
TEST(InboundSa, RefusesAuthenticPacketsOutsideItsSelectors) {
    auto lax = alice(gcm(256));
    lax.local = lax.remote = {TrafficSelector{}};
    OutboundSa out{lax};
    InboundSa in{bob(gcm(256))};
    const Ipv4Address stranger{192, 0, 2, 1};
    EXPECT_EQ(opened(in, sealed(out, ipv4(40, stranger, kBob))), Refused(Drop::OutsideSelectors));
    EXPECT_EQ(opened(in, sealed(out, ipv4(40, kAlice, stranger))), Refused(Drop::OutsideSelectors));
    EXPECT_EQ(opened(in, sealed(out, ipv4(40, kBob, kAlice))), Refused(Drop::OutsideSelectors));
    EXPECT_TRUE(opened(in, sealed(out, ipv4(40))));
    EXPECT_EQ(in.counters().outside_selectors, 3u);
}

// --- the text inside, made by hand

// An authentic AES-GCM packet around any text at all.
Bytes sealed_by_hand(std::uint32_t number, Bytes text) {
    const auto parameters = alice(gcm(256));
    crypto::AesGcm cipher{crypto::AesGcm::Direction::Seal, ByteView{parameters.encryption_key}.first(32)};
    ByteWriter packet;
    packet.u32(parameters.spi.value()).u32(number);
    const Bytes associated = copy_of(packet.view());
    packet.u64(number);
    ByteWriter nonce;
    nonce.bytes(ByteView{parameters.encryption_key}.last(4)).u64(number);
    Bytes tag(16);
    cipher.seal(nonce.view(), associated, text, text, tag);
    return packet.bytes(text).bytes(tag).take();
}

Bytes text_of(Bytes inner, Bytes trailer) {
    append(inner, trailer);
    return inner;
}

TEST(InboundSa, OpensWhatAnotherHandSealed) {
    InboundSa in{bob(gcm(256))};
    EXPECT_EQ(opened(in, sealed_by_hand(1, text_of(ipv4(40), {1, 2, 2, 4}))), ipv4(40));
    EXPECT_EQ(opened(in, sealed_by_hand(2, text_of(ipv4(42), {0, 4}))), ipv4(42));
    EXPECT_EQ(opened(in, sealed_by_hand(3, text_of(ipv4(40), {1, 2, 3, 4, 5, 6, 6, 4}))), ipv4(40))
        << "more than needed";
}

TEST(InboundSa, RefusesBrokenPadding) {
    InboundSa in{bob(gcm(256))};
    EXPECT_EQ(opened(in, sealed_by_hand(1, text_of(ipv4(40), {0, 0, 2, 4}))), Refused(Drop::Malformed));
    EXPECT_EQ(opened(in, sealed_by_hand(2, text_of(ipv4(40), {1, 3, 2, 4}))), Refused(Drop::Malformed));
    EXPECT_EQ(opened(in, sealed_by_hand(3, {1, 2, 3, 4})), Refused(Drop::Malformed)) << "longer than the text";
    EXPECT_EQ(opened(in, sealed_by_hand(4, {1, 2, 255, 4})), Refused(Drop::Malformed));
    EXPECT_EQ(opened(in, sealed_by_hand(5, text_of(ipv4(40), {1, 2, 2, 41}))), Refused(Drop::Malformed)) << "IPv6";
    EXPECT_EQ(in.counters().malformed, 5u);
    EXPECT_EQ(opened(in, sealed_by_hand(5, text_of(ipv4(40), {1, 2, 2, 4}))), Refused(Drop::Replayed))
        << "an authentic packet uses its number up";
}

TEST(InboundSa, RefusesAnInnerPacketLongerThanTheText) {
    InboundSa in{bob(gcm(256))};
    auto inner = ipv4(44);
    inner.resize(40);
    EXPECT_EQ(opened(in, sealed_by_hand(1, text_of(inner, {1, 2, 2, 4}))), Refused(Drop::Malformed));
    EXPECT_EQ(opened(in, sealed_by_hand(2, {1, 2, 2, 4})), Refused(Drop::Malformed)) << "no inner packet at all";
}

// RFC 4303 section 2.7.
TEST(InboundSa, CutsPaddingForTrafficFlowConfidentiality) {
    InboundSa in{bob(gcm(256))};
    auto inner = ipv4(40);
    inner.resize(140, 0x55);
    EXPECT_EQ(opened(in, sealed_by_hand(1, text_of(inner, {1, 2, 2, 4}))), ipv4(40));
    EXPECT_EQ(in.counters().bytes, 40u);
}

// RFC 4303 section 2.6.
TEST(InboundSa, TakesADummyPacketForNothing) {
    InboundSa in{bob(gcm(256))};
    const auto result = opened(in, sealed_by_hand(1, text_of(Bytes(36, 0xee), {1, 2, 2, 59})));
    ASSERT_TRUE(result);
    EXPECT_TRUE(result->empty());
    EXPECT_EQ(in.counters().packets, 0u);
    EXPECT_EQ(opened(in, sealed_by_hand(1, text_of(ipv4(40), {1, 2, 2, 4}))), Refused(Drop::Replayed));
}

// --- cost

TEST(SecurityAssociations, TakeNothingFromTheHeapPerPacket) {
    for (const auto& suite : all_suites()) {
        OutboundSa out{alice(suite)};
        InboundSa in{bob(suite)};
        const auto inner = ipv4(1400);
        auto stray = ipv4(100, kBob, kAlice);
        Bytes packet(out.sealed_size(inner.size())), text(packet.size());
        const HeapCount heap;
        for (int i = 0; i < 300; ++i) {
            const auto size = out.seal(inner, packet);
            EXPECT_TRUE(in.open(ByteView{packet}.first(*size), text));
            EXPECT_FALSE(in.open(ByteView{packet}.first(*size), text)) << "a replay";
            EXPECT_FALSE(out.seal(stray, packet));
        }
        EXPECT_EQ(heap.allocations(), 0u) << to_string(suite);
    }
}

TEST(Suite, NamesItselfAndItsKeys) {
    EXPECT_EQ(to_string(gcm(256)), "AES_GCM_16-256");
    EXPECT_EQ(to_string(with_esn(cbc(256, Integrity::HmacSha256_128))), "AES_CBC-256/HMAC_SHA2_256_128/ESN");
    EXPECT_EQ(encryption_key_size(gcm(128)), 20u);
    EXPECT_EQ(encryption_key_size(cbc(192, Integrity::HmacSha1_96)), 24u);
    EXPECT_EQ(integrity_key_size(gcm(128)), 0u);
    EXPECT_EQ(integrity_key_size(cbc(192, Integrity::HmacSha1_96)), 20u);
    EXPECT_EQ(integrity_key_size(cbc(192, Integrity::HmacSha384_192)), 48u);
}

TEST(Spi, IsReadFromFourOctets) {
    EXPECT_EQ(spi_of(Bytes{0, 0, 1, 0}), Spi{256});
    EXPECT_EQ(spi_of(Bytes{0, 0, 1}), std::nullopt);
}

}  // namespace
}  // namespace gatelab::esp
