#include "impl/openvpn/fragment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <random>

#include "tests/impl/openvpn/data_support.h"
#include "tests/support/counted_heap.h"

namespace gatelab::openvpn {
namespace {

using std::chrono::seconds;

std::vector<Bytes> parts_of(Fragmenter& fragmenter, ByteView inner) {
    std::vector<Bytes> parts;
    fragmenter.cut(inner, [&](ByteView part) { parts.push_back(copy_of(part)); });
    return parts;
}

std::optional<Bytes> joined(Fragmenter& fragmenter, ByteView part, Instant now = kStart) {
    const auto whole = fragmenter.join(now, part);
    EXPECT_TRUE(whole) << to_hex(part.first(std::min<std::size_t>(part.size(), 4)));
    if (!whole || !*whole) return {};
    return copy_of(**whole);
}

Bytes numbered(std::size_t size) {
    Bytes inner(size);
    for (std::size_t i = 0; i < size; ++i) inner[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
    return inner;
}

Bytes part(std::uint32_t kind, std::uint32_t packet, std::uint32_t number, std::uint32_t size, std::size_t octets) {
    ByteWriter writer;
    writer.u32(kind | packet << 2 | number << 10 | size / 4 << 15).bytes(numbered(octets));
    return writer.take();
}

TEST(Fragments, OfASmallPacketAreOneWithAnEmptyHeader) {
    Fragmenter sender{104}, receiver{104};
    const auto inner = numbered(100);
    const auto parts = parts_of(sender, inner);
    ASSERT_EQ(parts.size(), 1u);
    EXPECT_EQ(to_hex(ByteView{parts[0]}.first(4)), "00000000");
    EXPECT_EQ(joined(receiver, parts[0]), inner);
}

TEST(Fragments, HaveTheRealProgramsHeader) {
    Fragmenter sender{1204};
    parts_of(sender, numbered(1201));
    const auto parts = parts_of(sender, numbered(3000));
    ASSERT_EQ(parts.size(), 3u);
    EXPECT_EQ(to_hex(ByteView{parts[0]}.first(4)), "00000009");  // part 0 of packet 2
    EXPECT_EQ(to_hex(ByteView{parts[1]}.first(4)), "00000409");
    EXPECT_EQ(to_hex(ByteView{parts[2]}.first(4)), "007d080a");  // the last one, the others being of 4 * 250 octets
}

TEST(Fragments, OfEverySizeFitAndJoin) {
    Fragmenter sender{104}, receiver{104};
    for (std::size_t size = 1; size <= 3200; size += 1 + size / 50) {
        const auto inner = numbered(size);
        const auto parts = parts_of(sender, inner);
        ASSERT_FALSE(parts.empty()) << size;
        EXPECT_EQ(parts.size(), (size + 99) / 100) << size;
        for (std::size_t i = 0; i < parts.size(); ++i) {
            EXPECT_LE(parts[i].size(), 104u);
            const auto whole = joined(receiver, parts[i]);
            ASSERT_EQ(whole.has_value(), i + 1 == parts.size()) << size;
            if (whole) {
                EXPECT_EQ(*whole, inner);
            }
        }
    }
}

TEST(Fragments, AreRefusedWhenTheyWouldBeTooMany) {
    Fragmenter sender{104};
    int told = 0;
    EXPECT_FALSE(sender.cut(numbered(3201), [&](ByteView) { ++told; }));
    EXPECT_FALSE(sender.cut({}, [&](ByteView) { ++told; }));
    EXPECT_EQ(told, 0);
}

TEST(Fragments, JoinInAnyOrderWithOthersBetweenThem) {
    Fragmenter sender{104}, receiver{104};
    std::vector<Bytes> packets, parts;
    for (std::size_t i = 0; i < 20; ++i) {
        packets.push_back(numbered(150 + i * 140));
        for (auto& one : parts_of(sender, packets.back())) parts.push_back(one);
    }
    std::mt19937 engine{3};
    for (std::size_t i = parts.size(); i > 1; --i) std::swap(parts[i - 1], parts[engine() % i]);
    std::vector<Bytes> whole;
    for (const auto& one : parts)
        if (auto inner = joined(receiver, one)) whole.push_back(*inner);
    EXPECT_THAT(whole, testing::UnorderedElementsAreArray(packets));
}

TEST(Fragments, MayComeTwice) {
    Fragmenter sender{104}, receiver{104};
    const auto parts = parts_of(sender, numbered(250));
    EXPECT_FALSE(joined(receiver, parts[2]));
    EXPECT_FALSE(joined(receiver, parts[2]));
    EXPECT_FALSE(joined(receiver, parts[0]));
    EXPECT_FALSE(joined(receiver, parts[0]));
    EXPECT_EQ(joined(receiver, parts[1]), numbered(250));
}

TEST(Fragments, OfAPacketWithALostPartNeverJoin) {
    Fragmenter sender{104}, receiver{104};
    for (std::size_t lost = 0; lost < 3; ++lost) {
        const auto parts = parts_of(sender, numbered(250));
        for (std::size_t i = 0; i < 3; ++i)
            if (i != lost) {
                EXPECT_FALSE(joined(receiver, parts[i]));
            }
    }
    const auto after = parts_of(sender, numbered(150));
    joined(receiver, after[0]);
    EXPECT_EQ(joined(receiver, after[1]), numbered(150));
}

TEST(Fragments, AreForgottenTenSecondsAfterTheNewestOfTheirPacket) {
    Fragmenter sender{104}, receiver{104};
    auto parts = parts_of(sender, numbered(250));
    joined(receiver, parts[0], kStart);
    joined(receiver, parts[1], kStart + seconds{9});
    EXPECT_EQ(joined(receiver, parts[2], kStart + seconds{18}), numbered(250));
    parts = parts_of(sender, numbered(250));
    joined(receiver, parts[0], kStart);
    joined(receiver, parts[1], kStart);
    EXPECT_FALSE(joined(receiver, parts[2], kStart + seconds{10}));
}

TEST(Fragments, AreForgottenWhenTwentyFiveNewerPacketsCame) {
    Fragmenter sender{104}, receiver{104};
    const auto old = parts_of(sender, numbered(150));
    joined(receiver, old[0]);
    for (int i = 0; i < 24; ++i) joined(receiver, parts_of(sender, numbered(150))[0]);
    const auto newest = parts_of(sender, numbered(150));
    joined(receiver, newest[0]);
    EXPECT_FALSE(joined(receiver, old[1]));
}

TEST(Fragments, JoinOnAfterTheNumbersOfPacketsHaveWrapped) {
    Fragmenter sender{104}, receiver{104};
    for (std::size_t i = 0; i < 600; ++i) {
        const auto parts = parts_of(sender, numbered(150 + i));
        for (std::size_t at = 0; at + 1 < parts.size(); ++at) EXPECT_FALSE(joined(receiver, parts[at]));
        EXPECT_EQ(joined(receiver, parts.back()), numbered(150 + i));
    }
}

TEST(Fragments, WithImpossibleHeadersAreRefused) {
    Fragmenter receiver{104};
    const std::vector<Bytes> hostile{
        {},
        {0, 0, 0},
        {0, 0, 0, 0},          // nothing behind the header
        part(0, 3, 0, 0, 20),  // whole, and yet with a number
        part(0, 0, 3, 0, 20),
        part(3, 0, 0, 0, 20),     // a kind that is none
        part(1, 0, 0, 0, 21),     // of no multiple of 4
        part(2, 0, 1, 0, 20),     // last, the others being of no size
        part(2, 0, 1, 16, 20),    // last, and longer than the others
        part(1, 0, 31, 0, 2400),  // behind the end of the largest packet
        part(2, 0, 31, 65532, 20),
    };
    for (const auto& one : hostile) {
        const auto result = receiver.join(kStart, one);
        ASSERT_FALSE(result) << to_hex(one);
        EXPECT_EQ(result.error().fault, Fault::Malformed);
    }
}

TEST(Fragments, ThatContradictEachOtherAreRefused) {
    Fragmenter receiver{104};
    EXPECT_FALSE(joined(receiver, part(2, 1, 2, 20, 8)));
    EXPECT_FALSE(receiver.join(kStart, part(1, 1, 3, 0, 20))) << "behind the last";
    EXPECT_FALSE(joined(receiver, part(1, 2, 3, 0, 20)));
    EXPECT_FALSE(receiver.join(kStart, part(2, 2, 2, 20, 8))) << "the last before one that came";
    EXPECT_FALSE(joined(receiver, part(2, 3, 2, 20, 8)));
    EXPECT_FALSE(receiver.join(kStart, part(2, 3, 1, 20, 8))) << "two lasts";
    EXPECT_FALSE(joined(receiver, part(2, 4, 2, 20, 8)));
    EXPECT_FALSE(receiver.join(kStart, part(1, 4, 2, 0, 20))) << "last, and then not";
}

TEST(Fragments, OfAnotherSizeBeginThePacketAnew) {
    Fragmenter receiver{104};
    EXPECT_FALSE(joined(receiver, part(1, 1, 0, 0, 40)));
    EXPECT_FALSE(joined(receiver, part(1, 1, 1, 0, 20)));
    EXPECT_FALSE(joined(receiver, part(2, 1, 2, 20, 8))) << "a part of 40 octets stood for one of 20";
    EXPECT_TRUE(joined(receiver, part(1, 1, 0, 0, 20)));
}

TEST(Fragments, TakeNothingFromTheHeapPerPacket) {
    Fragmenter sender{504}, receiver{504};
    const auto inner = numbered(1400);
    std::size_t whole = 0;
    const auto each = [&](ByteView one) {
        const auto result = receiver.join(kStart, one);
        if (result && *result) whole += (*result)->size();
    };
    for (int i = 0; i < 300; ++i) sender.cut(inner, each);
    whole = 0;
    const HeapCount heap;
    for (int i = 0; i < 300; ++i) sender.cut(inner, each);
    EXPECT_EQ(heap.allocations(), 0u);
    EXPECT_EQ(whole, 300u * 1400);
}

RC_GTEST_PROP(Fragments, SurviveAnyBytes, (std::vector<Bytes> parts)) {
    Fragmenter receiver{104};
    for (const auto& one : parts) {
        const auto whole = receiver.join(kStart, one);
        if (whole && *whole) RC_ASSERT((*whole)->size() <= 65535u);
    }
}

}  // namespace
}  // namespace gatelab::openvpn
