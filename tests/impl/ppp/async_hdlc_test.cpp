#include "impl/ppp/async_hdlc.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace gatelab::ppp {
namespace {

std::vector<Bytes> read(HdlcReader& reader, ByteView line) {
    std::vector<Bytes> frames;
    reader.take(line, [&](ByteView frame) { frames.push_back(copy_of(frame)); });
    return frames;
}
std::vector<Bytes> read(ByteView line) {
    HdlcReader reader;
    return read(reader, line);
}

Bytes hdlc(ByteView frame, std::uint32_t escaped = 0xffffffff) {
    Bytes line;
    append_hdlc(line, frame, escaped);
    return line;
}

Bytes hex(std::string_view digits) { return from_hex(digits).value(); }

TEST(Fcs16, GivesItsCheckValues) {
    // The check value of CRC-16/X-25 is 906e, complemented (ITU-T V.42); ours is not.
    EXPECT_EQ(fcs16(as_bytes("123456789")), 0x906e ^ 0xffff);
    EXPECT_EQ(fcs16({}), 0xffff);
    // RFC 1662 appendix C.2: a frame with its FCS, low octet first, leaves f0b8.
    auto whole = copy_of(as_bytes("123456789"));
    whole.push_back(0x6e);
    whole.push_back(0x90);
    EXPECT_EQ(fcs16(whole), 0xf0b8);
}

TEST(AsyncHdlc, ReadsAndWritesALineAsItWasCaptured) {
    // A network access server's first Configure-Request: asyncmap 0, CHAP with MD5, magic number, both compressions.
    const auto line =
        hex("7e ff7d23 c021 7d217d217d207d39 7d227d267d207d207d207d20 7d237d25c2237d25 7d257d26b97d21af7d28 7d277d22 "
            "7d287d22 "
            "59a7 7e");
    const auto frame = hex("ff03 c021 01010019 020600000000 0305c22305 0506b901af08 0702 0802");
    EXPECT_EQ(to_hex(hdlc(frame)), to_hex(line));
    EXPECT_EQ(read(line), std::vector<Bytes>{frame});
}

TEST(AsyncHdlc, PutsAddressAndControlWhereThereAreNone) {
    EXPECT_EQ(hdlc(hex("c0210901")), hdlc(hex("ff03c0210901")));
    EXPECT_EQ(read(hdlc(hex("c0210901"))), std::vector<Bytes>{hex("ff03c0210901")});
}

TEST(AsyncHdlc, EscapesWhatItIsToldTo) {
    const auto frame = hex("ff03 0021 11137d7e");
    EXPECT_EQ(to_hex(hdlc(frame, 0)).substr(0, 24), "7eff03002111137d5d7d5e" + to_hex(hdlc(frame, 0)).substr(22, 2));
    EXPECT_NE(to_hex(hdlc(frame, 1u << 0x11)).find("7d3113"), std::string::npos);
}

TEST(AsyncHdlc, DropsWhatIsNoFrame) {
    const auto good = hdlc(hex("ff03c02109010008deadbeef"));
    auto flipped = good;
    flipped[good.size() - 4] ^= 1;
    Bytes aborted(good.begin(), good.end() - 1);
    append(aborted, hex("7d7e"));
    const std::pair<const char*, Bytes> wrong[] = {{"a bad checksum", flipped},
                                                   {"an abort", aborted},
                                                   {"nothing but a checksum", hex("7e 0000 7e")},
                                                   {"a lone octet", hex("7e 41 7e")},
                                                   {"too long", hdlc(Bytes(5000, 0x42))}};
    for (const auto& [what, line] : wrong) {
        HdlcReader reader;
        EXPECT_TRUE(read(reader, line).empty()) << what;
        EXPECT_EQ(reader.dropped(), 1u) << what;
        EXPECT_EQ(read(reader, good).size(), 1u) << what;
        EXPECT_EQ(reader.dropped(), 1u) << what;
    }
}

TEST(AsyncHdlc, SharesAFlagAndPassesOverEmptyFrames) {
    auto line = hdlc(hex("ff03c0210901"));
    line.pop_back();  // the flag that ends the first begins the second
    append(line, hdlc(hex("ff03c0210902")));
    append(line, hex("7e7e7e"));
    HdlcReader reader;
    EXPECT_EQ(read(reader, line).size(), 2u);
    EXPECT_EQ(reader.dropped(), 0u);
}

TEST(AsyncHdlc, TakesTheLongestFrameButNoLonger) {
    HdlcReader reader{100};
    EXPECT_EQ(read(reader, hdlc(Bytes(98, 0x42))).size(), 1u);  // FF 03 before it
    EXPECT_EQ(read(reader, hdlc(Bytes(99, 0x42))).size(), 0u);
    EXPECT_EQ(reader.dropped(), 1u);
}

RC_GTEST_PROP(AsyncHdlc, BringsEveryFrameThroughInAnyCut, (std::vector<Bytes> frames, std::uint32_t escaped)) {
    Bytes line;
    std::vector<Bytes> expected;
    for (auto& frame : frames) {
        frame.insert(frame.begin(), {0xff, 0x03});
        append_hdlc(line, frame, escaped);
        expected.push_back(frame);
    }
    HdlcReader reader;
    std::vector<Bytes> found;
    for (std::size_t at = 0; at < line.size();) {
        const auto size = std::min<std::size_t>(*rc::gen::inRange(1, 20), line.size() - at);
        for (auto& frame : read(reader, ByteView{line}.subspan(at, size))) found.push_back(std::move(frame));
        at += size;
    }
    RC_ASSERT(found == expected);
    RC_ASSERT(reader.dropped() == 0u);
}

RC_GTEST_PROP(AsyncHdlc, SurvivesAnyLine, (Bytes line)) {
    HdlcReader reader{16};
    for (const auto& frame : read(reader, line)) RC_ASSERT(frame.size() <= 16u);
}

}  // namespace
}  // namespace gatelab::ppp
