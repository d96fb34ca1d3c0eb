#include "impl/sstp/packet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace gatelab::sstp {
namespace {

using testing::HasSubstr;

Bytes hex(std::string_view text) { return from_hex(text).value(); }

Wrong wrong(std::string_view text) {
    const auto parsed = parse_message(hex(text));
    const auto* it = std::get_if<Wrong>(&parsed);
    return it ? *it : Wrong{StatusCode::NoError, 0, "parsed"};
}

std::vector<StatusInfo> complaints_about(std::string_view text) {
    return complaints(std::get<Message>(parse_message(hex(text))));
}

MATCHER_P2(Complains, attribute, status, "") { return arg.attribute == attribute && arg.status == status; }

// [MS-SSTP] section 4.7, the literal octets.
TEST(SstpPacket, HasTheOctetsOfItsDocument) {
    EXPECT_EQ(to_hex(encode({MessageType::CallConnectRequest, {EncapsulatedProtocol{}}})),
              "1001000e0001000100010006"
              "0001");
    const auto ack = encode({MessageType::CallConnectAck, {CryptoBindingRequest{}}});
    EXPECT_EQ(to_hex(ByteView{ack}.first(16)), "10010030000200010004002800000003");
    EXPECT_EQ(ack.size(), 0x30u);
    EXPECT_EQ(encode({MessageType::CallConnected, {CryptoBinding{}}}).size(), 0x70u);
    EXPECT_EQ(to_hex(encode({MessageType::EchoRequest, {}})), "1001000800080000");
    EXPECT_EQ(to_hex(encode({MessageType::EchoResponse, {}})), "1001000800090000");
    EXPECT_EQ(to_hex(encode({MessageType::CallDisconnectAck, {}})), "1001000800070000");
    EXPECT_EQ(to_hex(encode({MessageType::CallAbort, {StatusInfo{1, StatusCode::ValueNotSupported, {}}}})),
              "1001001400050001"
              "0002000c"
              "00000001"
              "00000004");
    EXPECT_EQ(to_hex(encode({MessageType::CallConnectNak, {StatusInfo{1, StatusCode::ValueNotSupported, {0, 2}}}})),
              "1001001600030001"
              "0002000e"
              "00000001"
              "00000004"
              "0002");
}

TEST(SstpPacket, ComesBackFromItsOctets) {
    Message nak{
        MessageType::CallConnectNak,
        {StatusInfo{1, StatusCode::ValueNotSupported, {1, 2}}, StatusInfo{9, StatusCode::UnrecognizedAttribute, {}}}};
    EXPECT_EQ(encode(std::get<Message>(parse_message(encode(nak)))), encode(nak));
    CryptoBinding binding{.hash = kSha1, .nonce = {1}, .certificate_hash = {2}, .compound_mac = {3}};
    const auto back = std::get<Message>(parse_message(encode({MessageType::CallConnected, {binding}})));
    EXPECT_EQ(find<CryptoBinding>(back)->nonce, binding.nonce);
    EXPECT_EQ(find<CryptoBinding>(back)->certificate_hash, binding.certificate_hash);
    EXPECT_EQ(find<CryptoBinding>(back)->compound_mac, binding.compound_mac);
    EXPECT_EQ(find<StatusInfo>(back), nullptr);
}

// SSTP-13: reserved fields are ignored.
TEST(SstpPacket, IgnoresReservedFields) {
    const auto request = std::get<Message>(parse_message(hex("10ff f00e 0001 0001 ff01 f006 0001")));
    EXPECT_EQ(find<EncapsulatedProtocol>(request)->protocol, kPpp);
    const auto abort = std::get<Message>(parse_message(hex("1001 0014 0005 0001 ff02 f00c ffffff 03 0000 0004")));
    EXPECT_EQ(find<StatusInfo>(abort)->attribute, 3);
    EXPECT_EQ(find<StatusInfo>(abort)->status, StatusCode::ValueNotSupported);
}

TEST(SstpPacket, MustHaveTheLengthsThatItSays) {
    EXPECT_EQ(wrong("1001 0008 000a 0000").status, StatusCode::InvalidFrameReceived);
    EXPECT_THAT(wrong("1001 0008 000a 0000").detail, HasSubstr("unknown type, 10"));
    EXPECT_THAT(wrong("1001 0008 0000 0000").detail, HasSubstr("unknown type, 0"));
    EXPECT_EQ(wrong("1001 0006 0008").status, StatusCode::InvalidFrameReceived);
    EXPECT_EQ(wrong("1001 0009 0008 0000").status, StatusCode::InvalidFrameReceived);
    EXPECT_EQ(wrong("1000 0008 0008 0000").status, StatusCode::InvalidFrameReceived);
    EXPECT_THAT(wrong("1001 0008 0008 0001").detail, HasSubstr("0 attributes, and 1 announced"));
    EXPECT_EQ(wrong("1001 000e 0001 0002 0001 0006 0001").status, StatusCode::InvalidFrameReceived);
    // Attributes that end elsewhere than their message, and those that have not the length of their kind.
    for (const auto* text : {"1001 000e 0001 0001 0001 0007 0001", "1001 000e 0001 0001 0001 0003 0001",
                             "1001 000d 0001 0001 0001 0005 00", "1001 000f 0001 0001 0001 0007 000100",
                             "1001 000b 0001 0001 0001 00", "1001 0009 0008 0000 00"}) {
        EXPECT_EQ(wrong(text).status, StatusCode::InvalidAttributeValueLength) << text;
    }
    EXPECT_EQ(wrong("1001 000e 0001 0001 0001 0007 0001").attribute, 1);
    EXPECT_EQ(wrong("1001 0013 0005 0001 0002 000b 000000 00 000000").attribute, 2);
}

TEST(SstpPacket, KeepsAttributesOfUnknownKinds) {
    const auto message = std::get<Message>(parse_message(hex("1001 000e 0001 0001 0009 0006 abcd")));
    EXPECT_EQ(find<UnknownAttribute>(message)->id, 9);
    EXPECT_EQ(to_hex(find<UnknownAttribute>(message)->value), "abcd");
}

TEST(SstpRequest, IsComplainedAboutAttributeByAttribute) {
    using testing::ElementsAre;
    using S = StatusCode;
    EXPECT_TRUE(complaints_about("1001 000e 0001 0001 0001 0006 0001").empty());
    // SSTP-22: another protocol, and a status that is not zero.
    EXPECT_THAT(complaints_about("1001 000e 0001 0001 0001 0006 0002"),
                ElementsAre(Complains(1, S::ValueNotSupported)));
    EXPECT_EQ(to_hex(complaints_about("1001 000e 0001 0001 0001 0006 0002")[0].value), "0002");
    EXPECT_THAT(complaints_about("1001 001a 0001 0002 0001 0006 0001 0002 000c 00000001 00000004"),
                ElementsAre(Complains(2, S::StatusInfoNotSupportedInMessage)));
    EXPECT_TRUE(complaints_about("1001 001a 0001 0002 0001 0006 0001 0002 000c 00000000 00000000").empty());
    EXPECT_THAT(complaints_about("1001 0008 0001 0000"), ElementsAre(Complains(1, S::RequiredAttributeMissing)));
    EXPECT_THAT(complaints_about("1001 0014 0001 0002 0001 0006 0001 0001 0006 0001"),
                ElementsAre(Complains(1, S::DuplicateAttribute)));
    EXPECT_THAT(complaints_about("1001 0014 0001 0002 0009 0006 0001 0001 0006 0003"),
                ElementsAre(Complains(9, S::UnrecognizedAttribute), Complains(1, S::ValueNotSupported)));
}

TEST(SstpMessage, HasItsOwnAttributesAndNoOthers) {
    using S = StatusCode;
    const auto first = [](Message message) {
        const auto all = complaints(message);
        return all.empty() ? S::NoError : all.front().status;
    };
    using T = MessageType;
    EXPECT_EQ(first({T::CallConnectAck, {CryptoBindingRequest{}}}), S::NoError);
    EXPECT_EQ(first({T::CallConnectAck, {}}), S::RequiredAttributeMissing);
    EXPECT_EQ(first({T::CallConnectAck, {CryptoBinding{}}}), S::AttributeNotSupportedInMessage);
    EXPECT_EQ(first({T::CallConnected, {}}), S::RequiredAttributeMissing);
    EXPECT_EQ(first({T::CallConnected, {CryptoBinding{}, CryptoBinding{}}}), S::DuplicateAttribute);
    EXPECT_EQ(first({T::CallConnectNak, {}}), S::RequiredAttributeMissing);
    EXPECT_EQ(first({T::CallConnectNak, {StatusInfo{}, StatusInfo{}}}), S::NoError);
    EXPECT_EQ(first({T::CallAbort, {}}), S::NoError);
    EXPECT_EQ(first({T::CallDisconnect, {StatusInfo{}}}), S::NoError);
    EXPECT_EQ(first({T::CallDisconnect, {StatusInfo{}, StatusInfo{}}}), S::DuplicateAttribute);
    EXPECT_EQ(first({T::EchoRequest, {StatusInfo{}}}), S::AttributeNotSupportedInMessage);
    EXPECT_EQ(first({T::EchoResponse, {UnknownAttribute{}}}), S::UnrecognizedAttribute);
}

TEST(SstpNak, QuotesNoMoreThanSixtyFourOctets) {
    const auto all =
        complaints({MessageType::CallConnectRequest, {UnknownAttribute{9, Bytes(100, 7)}, EncapsulatedProtocol{}}});
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].value.size(), 64u);
}

TEST(SstpHead, SaysWhereItsPacketEnds) {
    EXPECT_EQ(parse_head(hex("10010030"))->length, 0x30);
    EXPECT_TRUE(parse_head(hex("10010030"))->control);
    EXPECT_FALSE(parse_head(hex("10fef57c"))->control);
    EXPECT_EQ(parse_head(hex("10fef57c"))->length, 0x57c);
    // SSTP-29: these cannot be delimited.
    EXPECT_FALSE(parse_head(hex("11010030")));
    EXPECT_FALSE(parse_head(hex("20010030")));
    EXPECT_FALSE(parse_head(hex("10010003")));
    EXPECT_FALSE(parse_head(hex("1000f000")));
    EXPECT_FALSE(parse_head(hex("100100")));
}

RC_GTEST_PROP(SstpPacket, IsWrongOrSaysTheSameAgain, (const Bytes& body, std::uint16_t type)) {
    RC_PRE(body.size() < 4000);
    ByteWriter writer;
    writer.u8(kVersion).u8(1).u16(static_cast<std::uint16_t>(8 + body.size())).u16(type % 12);
    writer.u16(static_cast<std::uint16_t>(body.size() / 6)).bytes(body);
    const auto packet = writer.take();
    const auto parsed = parse_message(packet);
    if (const auto* message = std::get_if<Message>(&parsed)) {
        RC_ASSERT(encode(*message).size() == packet.size());
        static_cast<void>(complaints(*message));
    }
}

RC_GTEST_PROP(SstpPacket, IsWrongWhenItIsCutShort, ()) {
    const auto whole = encode({MessageType::CallConnectNak, {StatusInfo{}, StatusInfo{9, {}, {1, 2, 3}}}});
    const auto size = *rc::gen::inRange<std::size_t>(0, whole.size());
    RC_ASSERT(std::holds_alternative<Wrong>(parse_message(ByteView{whole}.first(size))));
}

}  // namespace
}  // namespace gatelab::sstp
