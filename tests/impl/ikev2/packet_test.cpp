#include "impl/ikev2/packet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "impl/ikev2/payloads.h"
#include "impl/ikev2/proposals.h"
#include "tests/impl/ikev2/pair.h"

namespace gatelab::ikev2 {
namespace {

using testing::ElementsAre;

// A message with every payload that we know.
Bytes full_message() {
    Header header;
    header.spi_i = 0x0102030405060708;
    header.spi_r = 0x1112131415161718;
    header.exchange = ExchangeType::IkeAuth;
    header.from_initiator = true;
    header.message_id = 1;
    const esp::TrafficSelectors selectors = {{Ipv4Address{10, 0, 0, 0}, Ipv4Address{10, 0, 255, 255}, 17, 53, 53}};
    const Configuration granted{Ipv4Address{10, 60, 0, 1}, {Ipv4Address{10, 0, 0, 53}}, {Prefix{{10, 0, 0, 0}, 8}}};
    return encode_message(
        header, {encode_proposals(propose_ike(p2s_ike_policy(), {})), encode_key_exchange(14, Bytes(256, 7)),
                 encode_nonce(Bytes(32, 9)), encode_identification(true, Identification::email("alice@gatelab.test")),
                 encode_identification(false, Identification::fqdn("gw")), encode_certificate(Bytes{1, 2, 3}),
                 encode_certificate_request({Bytes(20, 5), Bytes(20, 6)}), encode_authentication(2, Bytes(32, 8)),
                 encode_notify(NotifyType::RekeySa, {}, Protocol::Esp, Bytes{1, 2, 3, 4}),
                 encode_delete_esp({0x1000, 0x2000}), encode_traffic_selectors(true, selectors),
                 encode_traffic_selectors(false, selectors), encode_configuration_reply(granted)});
}

Result<Message> parse_whole(ByteView bytes) {
    const auto header = parse_header(bytes);
    if (!header) return pass(header);
    const auto chain = parse_payloads(header->next, bytes.subspan(Header::kSize));
    if (!chain) return pass(chain);
    return parse_message(*chain);
}

TEST(Packet, ReadsBackEveryPayloadThatItWrites) {
    const Bytes bytes = full_message();
    const auto header = parse_header(bytes);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->spi_i, 0x0102030405060708u);
    EXPECT_EQ(header->spi_r, 0x1112131415161718u);
    EXPECT_TRUE(header->from_initiator);
    EXPECT_FALSE(header->response);
    EXPECT_EQ(header->message_id, 1u);
    const auto message = parse_whole(bytes);
    ASSERT_TRUE(message) << message.error().detail;
    EXPECT_EQ(*message->proposals, propose_ike(p2s_ike_policy(), {}));
    EXPECT_EQ(message->key_exchange->group, 14);
    EXPECT_EQ(message->nonce->size(), 32u);
    EXPECT_EQ(to_string(parse_identification(*message->id_initiator).value()), "alice@gatelab.test");
    EXPECT_EQ(to_string(parse_identification(*message->id_responder).value()), "gw");
    EXPECT_EQ(copy_of(message->certificates.at(0)), (Bytes{1, 2, 3}));
    EXPECT_EQ(message->certificate_authorities.size(), 2u);
    EXPECT_EQ(message->authentication->method, 2);
    EXPECT_EQ(message->notifications.at(0).type, NotifyType::RekeySa);
    EXPECT_EQ(copy_of(message->notifications.at(0).spi), (Bytes{1, 2, 3, 4}));
    EXPECT_THAT(message->deletions.at(0).spis, ElementsAre(0x1000, 0x2000));
    EXPECT_EQ(esp::to_string(*message->ts_initiator), "10.0.0.0/16[udp/53]");
    EXPECT_EQ(message->configuration->configuration.address, (Ipv4Address{10, 60, 0, 1}));
    EXPECT_THAT(message->configuration->configuration.subnets, ElementsAre(Prefix{Ipv4Address{10, 0, 0, 0}, 8}));
}

TEST(Packet, RefusesEveryTruncation) {
    const Bytes bytes = full_message();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(parse_header(ByteView{bytes}.first(size))) << size;
        // The same with a Length that pretends to fit.
        Bytes lying(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
        if (size < Header::kSize) continue;
        for (int i = 0; i < 4; ++i)
            lying[24 + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(size >> (24 - 8 * i));
        EXPECT_FALSE(parse_whole(lying)) << size;
    }
    EXPECT_TRUE(parse_whole(bytes));
}

TEST(Packet, SkipsAnUnknownPayloadAndNotesACriticalOne) {
    for (const int type : {1, 32, 49, 255}) {
        const Bytes body{static_cast<std::uint8_t>(0), 0x00, 0, 5, 0xaa};
        const auto chain = parse_payloads(static_cast<PayloadType>(type), body);
        ASSERT_TRUE(chain);
        EXPECT_FALSE(parse_message(*chain)->unsupported_critical);
        Bytes critical = body;
        critical[1] = 0x80;
        const auto with_bit = parse_payloads(static_cast<PayloadType>(type), critical);
        EXPECT_EQ(parse_message(*with_bit)->unsupported_critical, static_cast<PayloadType>(type));
    }
}

TEST(Packet, RefusesBytesAfterTheLastPayload) {
    EXPECT_FALSE(parse_payloads(PayloadType::Nonce, Bytes(25, 0)));
    EXPECT_FALSE(parse_payloads(PayloadType::None, Bytes{0}));
}

TEST(Packet, RefusesAPayloadThatStandsTwice) {
    const OutgoingPayloads twice = {encode_nonce(Bytes(32, 1)), encode_nonce(Bytes(32, 2))};
    const Bytes bytes = encode_payloads(twice);
    const auto chain = parse_payloads(PayloadType::Nonce, bytes);
    ASSERT_TRUE(chain);
    EXPECT_FALSE(parse_message(*chain));
}

TEST(Packet, SkipsTrafficSelectorsOfOtherFamilies) {
    ByteWriter writer;
    writer.u8(2).zeros(3);
    writer.u8(8).u8(0).u16(40).u16(0).u16(65535).zeros(32);                        // IPv6
    writer.u8(7).u8(0).u16(16).u16(0).u16(65535).u32(0x0a000000).u32(0x0affffff);  // IPv4
    const auto selectors = parse_traffic_selectors(writer.view());
    ASSERT_TRUE(selectors) << selectors.error().detail;
    EXPECT_EQ(esp::to_string(*selectors), "10.0.0.0/8");
}

TEST(Packet, RefusesACountOfTrafficSelectorsThatLies) {
    ByteWriter writer;
    writer.u8(2).zeros(3);
    writer.u8(7).u8(0).u16(16).u16(0).u16(65535).u32(0x0a000000).u32(0x0affffff);
    EXPECT_FALSE(parse_traffic_selectors(writer.view()));
}

TEST(Packet, TellsATransformWithAnUnknownAttribute) {
    const Bytes body = from_hex(
                           "0000002c 01010004 0300000c 0100000c 800e0100 0300000c 02000005 81230001"
                           "03000008 0300000c 00000008 0400000e")
                           .value();
    const auto proposals = parse_proposals(body);
    ASSERT_FALSE(proposals);  // 4 transforms of 12 + 12 + 8 + 8 bytes after 8 of header make 48
    Bytes fixed = body;
    fixed[3] = 0x30;
    const auto parsed = parse_proposals(fixed);
    ASSERT_TRUE(parsed) << parsed.error().detail;
    EXPECT_TRUE(parsed->at(0).transforms[0].understood);
    EXPECT_EQ(parsed->at(0).transforms[0].key_bits, 256);
    EXPECT_FALSE(parsed->at(0).transforms[1].understood);
    EXPECT_FALSE(choose_ike(p2s_ike_policy(), *parsed));
}

}  // namespace
}  // namespace gatelab::ikev2
