#include "impl/base/bytes.h"

#include <gtest/gtest.h>

namespace gatelab {
namespace {

TEST(Hex, ReadsBackWhatItPrints) {
    const Bytes bytes{0x00, 0x0a, 0xff};
    EXPECT_EQ(to_hex(bytes), "000aff");
    EXPECT_EQ(from_hex("00 0A\nff").value(), bytes);
}

TEST(Hex, RefusesHalfBytesAndOtherLetters) {
    EXPECT_FALSE(from_hex("0"));
    EXPECT_FALSE(from_hex("0g"));
    EXPECT_FALSE(from_hex("0 0"));
}

TEST(ByteReader, ReadsInNetworkOrder) {
    const Bytes bytes{1, 0, 2, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 5};
    ByteReader reader{bytes};
    EXPECT_EQ(reader.u8(), 1);
    EXPECT_EQ(reader.u16(), 2);
    EXPECT_EQ(reader.u24(), 3u);
    EXPECT_EQ(reader.u32(), 4u);
    EXPECT_EQ(reader.u64(), 5u);
    EXPECT_TRUE(reader.finished());
}

TEST(ByteReader, AShortReadYieldsZerosAndStaysFailed) {
    const Bytes bytes{1, 2, 3};
    ByteReader reader{bytes};
    EXPECT_EQ(reader.u32(), 0u);
    EXPECT_EQ(reader.u8(), 0);
    EXPECT_FALSE(reader.ok());
    EXPECT_TRUE(reader.rest().empty());
}

TEST(ByteReader, ANestedReaderSeesOnlyItsPart) {
    const Bytes bytes{1, 2, 3};
    ByteReader reader{bytes};
    auto inner = reader.nested(2);
    EXPECT_EQ(inner.u16(), 0x0102);
    EXPECT_TRUE(inner.finished());
    EXPECT_FALSE(reader.finished());
    EXPECT_EQ(reader.u8(), 3);
}

TEST(ByteWriter, PatchesLengthsAfterwards) {
    ByteWriter writer;
    const auto at = writer.reserve_u16();
    writer.u8(7).u24(8).zeros(2);
    writer.patch_u16(at, static_cast<std::uint16_t>(writer.size()));
    EXPECT_EQ(to_hex(writer.view()), "0008070000080000");
}

TEST(ConstantTime, TellsEqualFromDifferent) {
    EXPECT_TRUE(equal_in_constant_time(as_bytes("abc"), as_bytes("abc")));
    EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("abd")));
    EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("ab")));
}

}  // namespace
}  // namespace gatelab
