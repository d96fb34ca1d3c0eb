#include "impl/ppp/packet.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace gatelab::ppp {
namespace {

Bytes hex(std::string_view digits) { return from_hex(digits).value(); }

TEST(PppFrame, HasItsProtocolInEveryForm) {
    for (const auto* text : {"0021 45", "ff03 0021 45", "21 45", "ff03 21 45"}) {
        const auto bytes = hex(text);
        const auto frame = parse_frame(bytes);
        ASSERT_TRUE(frame) << text;
        EXPECT_EQ(frame->protocol, Protocol::Ipv4) << text;
        EXPECT_EQ(to_hex(frame->information), "45") << text;
    }
    EXPECT_EQ(parse_frame(hex("c021"))->protocol, Protocol::Lcp);
    for (const auto* text : {"", "ff03", "00", "c0", "ff03c0"}) {
        const auto bytes = hex(text);
        ASSERT_FALSE(parse_frame(bytes)) << text;
        EXPECT_EQ(parse_frame(bytes).error().fault, Fault::Truncated);
    }
}

TEST(PppPacket, HasPaddingBehindItsLength) {
    const auto bytes = hex("01 07 0006 aabb 0000");
    const auto packet = parse_packet(bytes);
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->code, 1);
    EXPECT_EQ(packet->identifier, 7);
    EXPECT_EQ(to_hex(packet->data), "aabb");
    EXPECT_EQ(to_hex(encode(*packet)), "01070006aabb");
}

TEST(PppPacket, IsNoneWithAWrongLength) {
    const auto whole = hex("01 07 0008 aabbccdd");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto packet = parse_packet(ByteView{whole}.first(size));
        ASSERT_FALSE(packet) << size;
        EXPECT_EQ(packet.error().fault, Fault::Truncated);
    }
    for (const auto* text : {"01070000", "01070003"}) {
        const auto bytes = hex(text);
        ASSERT_FALSE(parse_packet(bytes));
        EXPECT_EQ(parse_packet(bytes).error().fault, Fault::Malformed);
    }
}

TEST(PppOptions, AreCutByTheirLengths) {
    const auto bytes = hex("0104 05dc 0702 0506 deadbeef");
    const auto options = parse_options(bytes);
    ASSERT_TRUE(options);
    ASSERT_EQ(options->size(), 3u);
    EXPECT_EQ(u16_of((*options)[0]), 1500);
    EXPECT_TRUE((*options)[1].value.empty());
    EXPECT_EQ(u32_of((*options)[2]), 0xdeadbeef);
    EXPECT_FALSE(u32_of((*options)[0]));
    EXPECT_FALSE(u16_of((*options)[2]));
    EXPECT_TRUE(parse_options({})->empty());
    for (const auto* text : {"01", "0100", "0101", "010405", "0702 0506dead", "0702 05"}) {
        const auto wrong = hex(text);
        EXPECT_FALSE(parse_options(wrong)) << text;
    }
}

RC_GTEST_PROP(PppOptions, ComeBackAsTheyWent, (std::vector<std::pair<std::uint8_t, Bytes>> wanted)) {
    Bytes bytes;
    for (auto& [type, value] : wanted) {
        value.resize(std::min<std::size_t>(value.size(), 253));
        append_option(bytes, type, value);
    }
    const auto options = parse_options(bytes);
    RC_ASSERT(options.has_value());
    RC_ASSERT(options->size() == wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i)
        RC_ASSERT((*options)[i] == (Option{wanted[i].first, wanted[i].second}));
}

}  // namespace
}  // namespace gatelab::ppp
