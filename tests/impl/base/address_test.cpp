#include "impl/base/address.h"

#include <gtest/gtest.h>

namespace gatelab {
namespace {

TEST(Address, ReadsBackWhatItPrints) {
    for (const auto* text : {"0.0.0.0", "10.1.0.4", "255.255.255.255"})
        EXPECT_EQ(to_string(parse_address(text).value()), text);
}

TEST(Address, RefusesWhatIsNoDottedQuad) {
    for (const auto* text : {"", "10", "10.1.0", "10.1.0.4.5", "10.1.0.256", "10.01.0.4", "10.1.0.4 ", "a.b.c.d", "-1.2.3.4"})
        EXPECT_FALSE(parse_address(text)) << text;
}

TEST(Prefix, ReadsBackWhatItPrints) {
    for (const auto* text : {"0.0.0.0/0", "10.1.0.0/16", "10.1.0.4/32", "128.0.0.0/1"})
        EXPECT_EQ(to_string(parse_prefix(text).value()), text);
}

TEST(Prefix, NamesThePrefixThatWasMeantWhenHostBitsAreSet) {
    const auto prefix = parse_prefix("10.1.0.4/16");
    ASSERT_FALSE(prefix);
    EXPECT_NE(prefix.error().detail.find("10.1.0.0/16"), std::string::npos);
}

TEST(Prefix, RefusesWhatIsNoPrefix) {
    for (const auto* text : {"10.1.0.0", "10.1.0.0/", "10.1.0.0/33", "10.1.0.0/016", "/8", "10.1.0.0/16x"})
        EXPECT_FALSE(parse_prefix(text)) << text;
}

TEST(Prefix, ContainsItsAddressesAndNoOthers) {
    const Prefix prefix{Ipv4Address{10, 1, 0, 0}, 16};
    EXPECT_TRUE(prefix.contains(prefix.first()));
    EXPECT_TRUE(prefix.contains(prefix.last()));
    EXPECT_FALSE(prefix.contains(Ipv4Address{10, 2, 0, 0}));
    EXPECT_FALSE(prefix.contains(Ipv4Address{10, 0, 255, 255}));
    EXPECT_EQ(prefix.size(), 65536u);
    EXPECT_TRUE(Prefix{}.contains(Ipv4Address{255, 255, 255, 255}));
}

TEST(Prefix, OverlapsWhatItContainsAndWhatContainsIt) {
    const auto wide = parse_prefix("10.0.0.0/8").value(), narrow = parse_prefix("10.1.0.0/16").value();
    EXPECT_TRUE(wide.overlaps(narrow));
    EXPECT_TRUE(narrow.overlaps(wide));
    EXPECT_FALSE(narrow.overlaps(parse_prefix("10.2.0.0/16").value()));
}

}  // namespace
}  // namespace gatelab
