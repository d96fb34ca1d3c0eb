#include <gtest/gtest.h>

#include "impl/mschap/mschapv2.h"

namespace gatelab::mschap {
namespace {

std::string hex_of(std::string_view utf8) { return to_hex(utf16le(utf8).value_or(Bytes{0xbb, 0xad})); }

TEST(Utf16, WritesCharactersOfEveryLength) {
    EXPECT_EQ(hex_of(""), "");
    EXPECT_EQ(hex_of("aZ"), "61005a00");
    EXPECT_EQ(hex_of("\xc3\xa4"), "e400");              // U+00E4
    EXPECT_EQ(hex_of("\xe2\x82\xac"), "ac20");          // U+20AC
    EXPECT_EQ(hex_of("\xef\xbf\xbf"), "ffff");          // U+FFFF, the last of one unit
    EXPECT_EQ(hex_of("\xf0\x90\x80\x80"), "00d800dc");  // U+10000, the first of two
    EXPECT_EQ(hex_of("\xf0\x9d\x84\x9e"), "34d81edd");  // U+1D11E, the example of RFC 2781
    EXPECT_EQ(hex_of("\xf4\x8f\xbf\xbf"), "ffdbffdf");  // U+10FFFF
    EXPECT_EQ(hex_of(std::string_view("\0", 1)), "0000");
}

TEST(Utf16, NamesThePlaceOfWhatIsNoUtf8) {
    const std::string_view wrong[] = {
        "ab\x80",              // continuation without a lead
        "ab\xc3",              // cut
        "ab\xe2\x82",          // cut
        "ab\xf0\x9d\x84",      // cut
        "ab\xc3(",             // no continuation
        "ab\xc0\x80",          // longer than it need be
        "ab\xe0\x80\x80",      // longer than it need be
        "ab\xf0\x80\x80\x80",  // longer than it need be
        "ab\xed\xa0\x80",      // a surrogate
        "ab\xf4\x90\x80\x80",  // beyond U+10FFFF
        "ab\xf5\x80\x80\x80",  // never
        "ab\xff",              // never
    };
    for (const auto text : wrong) {
        const auto result = utf16le(text);
        ASSERT_FALSE(result) << to_hex(as_bytes(text));
        EXPECT_EQ(result.error().fault, Fault::Malformed);
        EXPECT_EQ(result.error().detail, "no UTF-8 at octet 2");
    }
}

}  // namespace
}  // namespace gatelab::mschap
