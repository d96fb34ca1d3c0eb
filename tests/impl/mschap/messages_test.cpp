#include <gtest/gtest.h>

#include "impl/mschap/mschapv2.h"

namespace gatelab::mschap {
namespace {

const std::string kDigits = "S=407A5589115FD0D6209F510FE9C04566932CDA56";

TEST(MsChapV2Response, HasReservedOctetsBetweenItsParts) {
    Response response;
    response.peer_challenge.fill(0x11);
    response.nt_response.fill(0x22);
    const auto value = encode(response);
    EXPECT_EQ(to_hex(value),
              "11111111111111111111111111111111"
              "0000000000000000"
              "222222222222222222222222222222222222222222222222"
              "00");
    EXPECT_EQ(*parse_response(value), response);
}

TEST(MsChapV2Response, IsOf49OctetsOrNone) {
    for (std::size_t size = 0; size < 100; ++size)
        EXPECT_EQ(parse_response(Bytes(size)).has_value(), size == kResponseSize) << size;
}

TEST(MsChapV2Success, ProvesByItsDigits) {
    EXPECT_TRUE(proves(kDigits, kDigits));
    EXPECT_TRUE(proves(kDigits + " M=Welcome", kDigits));
    EXPECT_FALSE(proves("", kDigits));
    EXPECT_FALSE(proves("M=Welcome", kDigits));
    EXPECT_FALSE(proves(kDigits.substr(0, 41), kDigits));
    EXPECT_FALSE(proves(kDigits + "0", kDigits));
    auto other = kDigits;
    other.back() = '7';
    EXPECT_FALSE(proves(other, kDigits));
    EXPECT_FALSE(proves("", ""));
}

TEST(MsChapV2Failure, SaysWhatItsRfcWants) {
    Failure failure{.error = 691, .may_retry = true, .challenge = {}, .text = "Authentication failed"};
    failure.challenge.fill(0xab);
    EXPECT_EQ(encode(failure), "E=691 R=1 C=ABABABABABABABABABABABABABABABAB V=3 M=Authentication failed");
    const auto back = parse_failure(encode(failure));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->error, 691);
    EXPECT_TRUE(back->may_retry);
    EXPECT_EQ(back->challenge, failure.challenge);
    EXPECT_EQ(back->text, "Authentication failed");
}

TEST(MsChapV2Failure, IsReadInAnyShapeThatHasAnError) {
    EXPECT_EQ(parse_failure("E=648 R=0")->error, 648);
    EXPECT_EQ(parse_failure("R=0   X=9 E=646 M=it is E=1 now")->error, 646);
    EXPECT_EQ(parse_failure("E=691 C=12")->challenge, Challenge{});
    for (const auto* wrong : {"", " ", "E=", "E=x", "E=-1", "E=6 9 1x E=9999999999999", "M=E=691", "=", "E"})
        EXPECT_FALSE(parse_failure(wrong)) << wrong;
}

}  // namespace
}  // namespace gatelab::mschap
