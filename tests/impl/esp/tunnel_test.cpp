// An outbound and an inbound security association with the same keys, joined by nothing.
#include <gtest/gtest.h>

#include "tests/impl/esp/support.h"

namespace gatelab::esp {
namespace {

class EveryEspSuite : public testing::TestWithParam<Suite> {};

TEST_P(EveryEspSuite, CarriesPacketsOfAnyLengthUnchanged) {
    OutboundSa out{alice(GetParam())};
    InboundSa in{bob(GetParam())};
    for (std::size_t size = 20; size < 150; ++size) {
        const auto inner = ipv4(size);
        const auto packet = sealed(out, inner);
        EXPECT_EQ(packet.size(), out.sealed_size(size));
        EXPECT_EQ(spi_of(packet), Spi{0x1234abcd});
        EXPECT_EQ(opened(in, packet), inner) << size;
    }
    EXPECT_EQ(out.counters().packets, 130u);
    EXPECT_EQ(in.counters().packets, 130u);
    EXPECT_EQ(in.counters().bytes, out.counters().bytes);
}

TEST_P(EveryEspSuite, CarriesTheLargestIpPacket) {
    OutboundSa out{alice(GetParam())};
    InboundSa in{bob(GetParam())};
    const auto inner = ipv4(65535);
    EXPECT_EQ(opened(in, sealed(out, inner)), inner);
}

TEST_P(EveryEspSuite, SealsInPlace) {
    OutboundSa apart{alice(GetParam())};
    const auto inner = ipv4(333);
    const auto expected = sealed(apart, inner);
    for (const std::size_t offset : {std::size_t{0}, std::size_t{16}, std::size_t{24}}) {
        OutboundSa again{alice(GetParam())};
        Bytes buffer(again.sealed_size(inner.size()) + 24);
        std::copy(inner.begin(), inner.end(), buffer.begin() + static_cast<std::ptrdiff_t>(offset));
        const auto size = again.seal(ByteView{buffer}.subspan(offset, inner.size()), buffer);
        buffer.resize(size.value());
        EXPECT_EQ(buffer, expected);
    }
}

TEST_P(EveryEspSuite, RefusesEveryTruncation) {
    OutboundSa out{alice(GetParam())};
    InboundSa in{bob(GetParam())};
    const auto inner = ipv4(61);
    const auto packet = sealed(out, inner);
    for (std::size_t size = 0; size < packet.size(); ++size) {
        // Its own buffer, so that the sanitizers see a read past the end.
        const Bytes cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size));
        const auto result = opened(in, cut);
        ASSERT_FALSE(result) << size;
        EXPECT_TRUE(result.error() == Drop::Malformed || result.error() == Drop::Unauthentic) << size;
    }
    EXPECT_EQ(opened(in, packet), inner) << "a truncated copy used up the number of the whole packet";
}

TEST_P(EveryEspSuite, RefusesEveryFlippedBit) {
    OutboundSa out{alice(GetParam())};
    InboundSa in{bob(GetParam())};
    const auto inner = ipv4(45);
    const auto packet = sealed(out, inner);
    for (std::size_t bit = 0; bit < packet.size() * 8; ++bit) {
        auto forged = packet;
        forged[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
        const auto result = opened(in, forged);
        ASSERT_FALSE(result) << bit;
        const auto expected = bit < 32 ? Drop::UnknownSpi : Drop::Unauthentic;
        // A flipped sequence number may also fall before the first one.
        const bool in_sequence_number = bit >= 32 && bit < 64;
        EXPECT_TRUE(result.error() == expected || in_sequence_number) << bit;
    }
    EXPECT_EQ(in.counters().unknown_spi, 32u);
    EXPECT_EQ(in.counters().packets, 0u);
    EXPECT_EQ(opened(in, packet), inner) << "a forged copy used up the number of the true packet";
}

TEST_P(EveryEspSuite, RefusesWhatAnotherKeySealed) {
    auto other = alice(GetParam());
    other.encryption_key[0] ^= 1;
    if (!other.integrity_key.empty()) other.integrity_key[0] ^= 1;
    OutboundSa out{other};
    InboundSa in{bob(GetParam())};
    EXPECT_EQ(opened(in, sealed(out, ipv4(40))), tl::unexpected<Drop>(Drop::Unauthentic));
}

TEST_P(EveryEspSuite, NeverRepeatsAnInitializationVector) {
    OutboundSa out{alice(GetParam())};
    const auto inner = ipv4(64);
    const auto first = sealed(out, inner), second = sealed(out, inner);
    const std::size_t iv_size = GetParam().cipher == Cipher::AesGcm16 ? 8 : 16;
    EXPECT_NE(Bytes(first.begin() + 8, first.begin() + 8 + static_cast<std::ptrdiff_t>(iv_size)),
              Bytes(second.begin() + 8, second.begin() + 8 + static_cast<std::ptrdiff_t>(iv_size)));
}

INSTANTIATE_TEST_SUITE_P(Esp, EveryEspSuite, testing::ValuesIn(all_suites()), [](const auto& test) {
    std::string name = to_string(test.param);
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == '-' || c == '/'; }, '_');
    return name;
});

}  // namespace
}  // namespace gatelab::esp
