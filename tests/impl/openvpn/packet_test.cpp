#include "impl/openvpn/packet.h"

#include <gtest/gtest.h>

namespace gatelab::openvpn {
namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

ControlPacket sample(Opcode opcode) {
    return {opcode, 5, {1, 2, 3, 4, 5, 6, 7, 8}, {7, 9}, SessionId{8, 7, 6, 5, 4, 3, 2, 1}, 11, {0x16, 3, 1}};
}

TEST(ControlPacketFormat, IsTheDocumentedOne) {
    EXPECT_EQ(to_hex(encode(sample(Opcode::ControlV1))),
              "25"
              "0102030405060708"
              "02"
              "00000007"
              "00000009"
              "0807060504030201"
              "0000000b"
              "160301");
    auto ack = sample(Opcode::AckV1);
    ack.payload.clear();
    EXPECT_EQ(to_hex(encode(ack)),
              "2d"
              "0102030405060708"
              "02"
              "00000007"
              "00000009"
              "0807060504030201");
}

TEST(ControlPacketFormat, ComesBack) {
    for (const auto opcode : {Opcode::ControlSoftResetV1, Opcode::ControlV1, Opcode::ControlHardResetServerV2,
                              Opcode::ControlHardResetClientV3, Opcode::ControlWkcV1}) {
        const auto packet = sample(opcode);
        const auto back = parse_control(encode(packet));
        ASSERT_TRUE(back) << back.error().detail;
        EXPECT_EQ(back->opcode, opcode);
        EXPECT_EQ(back->key_id, 5);
        EXPECT_EQ(back->session, packet.session);
        EXPECT_EQ(back->acks, packet.acks);
        EXPECT_EQ(back->peer_session, packet.peer_session);
        EXPECT_EQ(back->packet_id, 11u);
        EXPECT_EQ(back->payload, packet.payload);
    }
}

TEST(ControlPacketFormat, HasNoPeerSessionWithoutAcknowledgements) {
    auto packet = sample(Opcode::ControlV1);
    packet.acks.clear();
    const auto back = parse_control(encode(packet)).value();
    EXPECT_FALSE(back.peer_session);
    EXPECT_EQ(back.packet_id, 11u);
}

TEST(ControlPacketFormat, IsTruncatedAtEveryCutOfItsHeader) {
    const auto wire = encode(sample(Opcode::ControlV1));
    for (std::size_t size = 0; size < wire.size() - 3; ++size)
        ASSERT_FALSE(parse_control(ByteView{wire}.first(size))) << size;
    EXPECT_TRUE(parse_control(ByteView{wire}.first(wire.size() - 3))) << "the payload may be empty";
}

TEST(ControlPacketFormat, ReadsNoFurtherThanItsCountOfAcknowledgements) {
    EXPECT_EQ(parse_control(hex("20"
                                "0102030405060708"
                                "ff"
                                "00000001"))
                  .error()
                  .fault,
              Fault::Truncated);
}

TEST(ControlPacketFormat, IsNotThatOfDataOrOfAnOpcodeThatDoesNotExist) {
    for (const int opcode : {0, 6, 9, 12, 31}) {
        Bytes wire(40);
        wire[0] = static_cast<std::uint8_t>(opcode << 3);
        EXPECT_EQ(parse_control(wire).error().fault, Fault::Malformed) << opcode;
    }
}

TEST(Deframing, IsTheSameInEveryCutOfTheStream) {
    const Bytes stream =
        hex("0001"
            "aa"
            "0003"
            "bbbbbb"
            "0002"
            "cccc");
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        Deframer deframer;
        std::string seen;
        const auto each = [&](ByteSpan packet) { seen += to_hex(packet) + " "; };
        ASSERT_TRUE(deframer.feed(ByteView{stream}.first(cut), each));
        ASSERT_TRUE(deframer.feed(ByteView{stream}.subspan(cut), each));
        EXPECT_EQ(seen, "aa bbbbbb cccc ") << cut;
    }
}

TEST(Deframing, BreaksForGoodAtALengthThatCannotBe) {
    for (const auto* wrong : {"0000", "0641"}) {
        Deframer deframer{1600};
        int seen = 0;
        const auto each = [&](ByteSpan) { ++seen; };
        EXPECT_EQ(deframer.feed(hex(wrong), each).error().fault, Fault::Malformed);
        EXPECT_EQ(deframer.feed(hex("0001aa"), each).error().fault, Fault::Malformed);
        EXPECT_EQ(seen, 0);
    }
}

}  // namespace
}  // namespace gatelab::openvpn
