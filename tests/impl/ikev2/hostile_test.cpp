// Whatever arrives: no crash, no answer where the RFC wants none, no memory without bound.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "impl/ikev2/cookies.h"
#include "impl/ikev2/payloads.h"
#include "impl/ikev2/proposals.h"
#include "impl/ikev2/protection.h"
#include "tests/impl/ikev2/pair.h"

namespace gatelab::ikev2::test {
namespace {

using testing::Contains;
using testing::Each;
using testing::IsEmpty;
using testing::SizeIs;

const Path kToGateway{kGateway, kClient};

std::vector<Bytes> answers_to(End& gateway, Instant now, const Path& path, ByteView datagram) {
    gateway.engine.handle_datagram(now, path, datagram);
    std::vector<Bytes> answers;
    for (const auto& output : gateway.engine.drain())
        if (const auto* send = std::get_if<Engine::Send>(&output)) answers.push_back(send->datagram);
    return answers;
}

// An IKE_SA_INIT request as the `number`th of many clients would send it, all with one key exchange value.
Bytes init_request(std::uint64_t number, OutgoingPayloads before = {}) {
    static const auto kAgreement = crypto::KeyAgreement::generate(crypto::Group::Ecp256);
    Header header;
    header.spi_i = 0x1000 + number;
    header.from_initiator = true;
    const std::vector<IkeSuite> rows = {parse_ike_suite("AES_GCM_16-256/PRF_HMAC_SHA2_256/ECP_256").value()};
    before.push_back(encode_proposals(propose_ike(rows, {})));
    before.push_back(encode_key_exchange(19, kAgreement.public_value()));
    before.push_back(encode_nonce(Bytes(32, 1)));
    return encode_message(header, before);
}

// The data of the first notification of that type in a message in clear, or nothing.
std::optional<Bytes> notify_data(const Bytes& bytes, NotifyType type) {
    const auto chain = parse_payloads(parse_header(bytes)->next, ByteView{bytes}.subspan(Header::kSize)).value();
    const auto message = parse_message(chain).value();
    const auto* notification = message.find(type);
    return notification ? std::optional{copy_of(notification->data)} : std::nullopt;
}

TEST(Hostile, BytesCrashNeitherRoleAndEndNothing) {
    SeededRandom random{42, "hostile"};
    Pair pair{client_connection(pki().client_ecdsa), {gateway_connection(pki().gateway_ecdsa)}};
    pair.dial();
    pair.run_for(std::chrono::seconds(5));
    ASSERT_TRUE(pair.client.established());
    const auto recorded = pair.sent;
    // A second client dial stays half-done, so that all stages are under fire.
    pair.wire.on_send = [](Instant, Parcel&) { return false; };
    pair.dial();
    for (int i = 0; i < 10'000; ++i) {
        Bytes bytes;
        if (i % 4 == 0) {
            bytes = random.bytes(random.below(200));
        } else {
            bytes = recorded[random.below(recorded.size())].bytes;
            for (auto n = random.below(6); n > 0 && !bytes.empty(); --n)
                bytes[random.below(bytes.size())] = static_cast<std::uint8_t>(random.u32());
            if (i % 4 == 2) bytes.resize(random.below(bytes.size() + 1));
            if (i % 4 == 3) append(bytes, random.bytes(random.below(40)));
            if (i % 2 == 1 && bytes.size() >= Header::kSize)  // a Length that fits, to get past the first check
                for (int at = 0; at < 4; ++at)
                    bytes[24 + static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(bytes.size() >> (24 - 8 * at));
        }
        const std::uint16_t port = i % 5 == 0 ? 4500 : 500;
        End& end = i % 2 == 0 ? pair.client : pair.gateway;
        const Path path =
            i % 2 == 0 ? Path{{kClient.address, port}, kGateway} : Path{{kGateway.address, port}, kClient};
        end.engine.handle_datagram(pair.now, path, bytes);
        end.engine.drain();
    }
    // The tunnel is still there.
    pair.wire.on_send = [](Instant, Parcel&) { return true; };
    pair.call([&] { pair.client.engine.rekey_child(pair.now, pair.client.open_children()[0].child); });
    pair.run_for(std::chrono::minutes(3));
    EXPECT_THAT(pair.client.open_children(), SizeIs(testing::Ge(1u)));
    EXPECT_EQ(pair.client.all<Engine::ChildClosed>().size(), 1u);
}

// Mutations under the cover of encryption: what a peer with keys, but without manners, can send.
TEST(Hostile, PayloadsInsideTheEncryptionAreAnsweredOrEndTheSa) {
    SeededRandom random{43, "hostile"};
    for (int i = 0; i < 300; ++i) {
        Pair pair{client_connection(pki().client_ecdsa), {gateway_connection(pki().gateway_ecdsa)}, 1};
        pair.dial();
        pair.run_for(std::chrono::seconds(5));
        ASSERT_TRUE(pair.client.established());
        const auto keys = pair.client.last<Engine::SaEstablished>().keys;
        IkeKeys ike_keys;
        ike_keys.sk_ei = keys.sk_ei;
        ike_keys.sk_er = keys.sk_er;
        ike_keys.sk_ai = keys.sk_ai;
        ike_keys.sk_ar = keys.sk_ar;
        Protection protection{keys.suite, ike_keys, true};
        for (std::uint32_t id = 2; id < 10; ++id) {
            const esp::TrafficSelectors any = {esp::TrafficSelector{}};
            OutgoingPayloads payloads = {
                encode_notify(
                    NotifyType::RekeySa, {}, Protocol::Esp,
                    ByteWriter{}.u32(pair.gateway.all<Engine::ChildEstablished>()[0].outbound.spi.value()).view()),
                encode_proposals(propose_child(p2s_ipsec_policy(), esp::Spi{0x1234 + id}, true)),
                encode_nonce(Bytes(32, 2)),
                encode_key_exchange(14, Bytes(256, 7)),
                encode_traffic_selectors(true, any),
                encode_traffic_selectors(false, any),
                encode_delete_esp({1, 2, 3}),
                encode_configuration_request()};
            for (auto n = random.below(4); n > 0; --n) {
                auto& body = payloads[random.below(payloads.size())].body;
                if (!body.empty()) body[random.below(body.size())] = static_cast<std::uint8_t>(random.u32());
            }
            if (random.below(3) == 0)
                payloads.erase(payloads.begin() + static_cast<long>(random.below(payloads.size())));
            const auto exchange = random.below(3) == 0 ? ExchangeType::Informational : ExchangeType::CreateChildSa;
            const Header header{keys.spi_i, keys.spi_r, PayloadType::None, Header::kVersion, exchange, true, false,
                                id,         0};
            const auto sealed = protection.seal(header, payloads, random);
            pair.call([&] { pair.gateway.engine.handle_datagram(pair.now, kToGateway, sealed); });
        }
        EXPECT_LE(pair.gateway.all<Engine::ChildEstablished>().size(), 10u);
    }
}

TEST(Hostile, UnknownSpisGetNoAnswer) {
    End gateway{{gateway_connection()}, 1, "gateway"};
    for (const auto exchange : {ExchangeType::IkeAuth, ExchangeType::CreateChildSa, ExchangeType::Informational,
                                static_cast<ExchangeType>(99)}) {
        const Header header{7, 8, PayloadType::None, Header::kVersion, exchange, true, false, 1, 0};
        EXPECT_THAT(answers_to(gateway, kStart, kToGateway, encode_message(header, {})), IsEmpty());
    }
    EXPECT_FALSE(gateway.engine.next_timeout());
}

TEST(Hostile, InitRequestsThatMakeNoSenseGetNoAnswer) {
    End gateway{{gateway_connection()}, 1, "gateway"};
    const Header good{7, 0, PayloadType::None, Header::kVersion, ExchangeType::IkeSaInit, true, false, 0, 0};
    Header response = good, with_spi = good, later = good, from_responder = good;
    response.response = true;
    with_spi.spi_r = 9;
    later.message_id = 1;
    from_responder.from_initiator = false;
    for (const auto& header : {good, response, with_spi, later, from_responder})
        EXPECT_THAT(answers_to(gateway, kStart, kToGateway, encode_message(header, {})), IsEmpty());
    Bytes truncated = init_request(1);
    truncated.resize(truncated.size() - 3);
    EXPECT_THAT(answers_to(gateway, kStart, kToGateway, truncated), IsEmpty());
}

TEST(Hostile, AHigherMajorVersionIsToldOursAndALowerOneNothing) {
    End gateway{{gateway_connection()}, 1, "gateway"};
    Bytes request = init_request(1);
    request[17] = 0x30;
    const auto answers = answers_to(gateway, kStart, kToGateway, request);
    ASSERT_THAT(answers, SizeIs(1));
    EXPECT_EQ(parse_header(answers[0])->version, 0x20);
    EXPECT_TRUE(notify_data(answers[0], NotifyType::InvalidMajorVersion));
    request[17] = 0x10;
    EXPECT_THAT(answers_to(gateway, kStart, kToGateway, request), IsEmpty());
    request[17] = 0x2f;  // a higher minor version is nothing to mind
    EXPECT_THAT(answers_to(gateway, kStart, kToGateway, request), SizeIs(1));
}

TEST(Hostile, ReservedBitsAreNothingToMind) {
    End gateway{{gateway_connection()}, 1, "gateway"};
    Bytes request = init_request(1);
    request[19] |= 0xc7 | 0x10;  // every flag but Initiator and Response, the version flag included
    request[29] = 0x7f;          // reserved bits of the first payload
    const auto answers = answers_to(gateway, kStart, kToGateway, request);
    ASSERT_THAT(answers, SizeIs(1));
    EXPECT_NE(parse_header(answers[0])->spi_r, 0u);
}

TEST(Hostile, AnUnknownCriticalPayloadIsNamed) {
    End gateway{{gateway_connection()}, 1, "gateway"};
    Bytes request = init_request(1, {{static_cast<PayloadType>(200), Bytes{1}}});
    EXPECT_NE(parse_header(answers_to(gateway, kStart, kToGateway, request).at(0))->spi_r, 0u);
    request = init_request(2, {{static_cast<PayloadType>(200), Bytes{1}}});
    request[29] = 0x80;
    const auto answer = answers_to(gateway, kStart, kToGateway, request).at(0);
    EXPECT_EQ(notify_data(answer, NotifyType::UnsupportedCriticalPayload), Bytes{200});
}

TEST(Flood, IsMetWithCookiesAndNoState) {
    Limits limits;
    limits.half_open_before_cookies = 4;
    End gateway{{gateway_connection()}, 1, "gateway", limits};
    for (std::uint64_t i = 0; i < 4; ++i)
        EXPECT_NE(parse_header(answers_to(gateway, kStart, kToGateway, init_request(i)).at(0))->spi_r, 0u);
    const auto challenge = answers_to(gateway, kStart, kToGateway, init_request(9)).at(0);
    EXPECT_EQ(parse_header(challenge)->spi_r, 0u);
    const Bytes cookie = notify_data(challenge, NotifyType::Cookie).value_or(Bytes{});
    ASSERT_FALSE(cookie.empty());
    // A wrong cookie is challenged again; the right one, from the same address, opens the door.
    Bytes wrong = cookie;
    wrong.back() ^= 1;
    const auto with = [](const Bytes& value) { return init_request(9, {encode_notify(NotifyType::Cookie, value)}); };
    EXPECT_EQ(parse_header(answers_to(gateway, kStart, kToGateway, with(wrong)).at(0))->spi_r, 0u);
    Path elsewhere = kToGateway;
    elsewhere.remote.address = Ipv4Address{198, 51, 100, 1};
    EXPECT_EQ(parse_header(answers_to(gateway, kStart, elsewhere, with(cookie)).at(0))->spi_r, 0u);
    EXPECT_NE(parse_header(answers_to(gateway, kStart, kToGateway, with(cookie)).at(0))->spi_r, 0u);
    // Half-open SAs are forgotten after their time, and cookies are not asked for any more.
    gateway.engine.handle_timeout(kStart + std::chrono::seconds(31));
    gateway.engine.handle_timeout(kStart + std::chrono::seconds(120));
    EXPECT_FALSE(gateway.engine.next_timeout());
    EXPECT_NE(parse_header(answers_to(gateway, kStart + std::chrono::seconds(121), kToGateway, init_request(20)).at(0))
                  ->spi_r,
              0u);
}

TEST(Flood, NeverMakesMoreHalfOpenSasThanAllowed) {
    Limits limits;
    limits.half_open_before_cookies = 1000;
    limits.half_open = 10;
    End gateway{{gateway_connection()}, 1, "gateway", limits};
    int answered = 0;
    for (std::uint64_t i = 0; i < 50; ++i)
        answered += static_cast<int>(answers_to(gateway, kStart, kToGateway, init_request(i)).size());
    EXPECT_EQ(answered, 10);
}

TEST(Flood, LetsAClientInThatAnswersTheChallenge) {
    Limits limits;
    limits.half_open_before_cookies = 0;
    auto gateway = gateway_connection();
    gateway.ike_policy = {parse_ike_suite("AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384").value()};
    Pair pair{client_connection(), {gateway}, 1, {}, limits};
    pair.dial();
    pair.settle();
    ASSERT_TRUE(pair.client.established());
    // --> IKE_SA_INIT                    <-- N(COOKIE)
    // --> IKE_SA_INIT {N(COOKIE)...}     <-- N(INVALID_KE_PAYLOAD)
    // --> IKE_SA_INIT {N(COOKIE)...}     <-- the answer: the cookie still holds, so no third round trip
    EXPECT_THAT(pair.gateway.ladder(), Contains("IKE_SA_INIT response N(COOKIE)").Times(1));
    EXPECT_THAT(pair.gateway.ladder(), Contains("IKE_SA_INIT response N(INVALID_KE_PAYLOAD)").Times(1));
    EXPECT_EQ(pair.client.traced("message-sent", "N(COOKIE) SA KE No"), 2);
}

TEST(Cookies, HoldForAMinuteOrTwoAndForOneRequestOnly) {
    SeededRandom random{1};
    Cookies cookies{random};
    const Bytes nonce(32, 1);
    const Ipv4Address peer{10, 0, 0, 1};
    const Bytes cookie = cookies.make(kStart, peer, 7, nonce);
    EXPECT_TRUE(cookies.holds(kStart + std::chrono::seconds(59), cookie, peer, 7, nonce));
    EXPECT_TRUE(cookies.holds(kStart + std::chrono::seconds(90), cookie, peer, 7, nonce));
    EXPECT_FALSE(cookies.holds(kStart + std::chrono::seconds(90), cookie, peer, 8, nonce));
    EXPECT_FALSE(cookies.holds(kStart + std::chrono::seconds(90), cookie, Ipv4Address{10, 0, 0, 2}, 7, nonce));
    EXPECT_FALSE(cookies.holds(kStart + std::chrono::seconds(90), cookie, peer, 7, Bytes(32, 2)));
    EXPECT_FALSE(cookies.holds(kStart + std::chrono::seconds(300), cookie, peer, 7, nonce));
    EXPECT_FALSE(cookies.holds(kStart, {}, peer, 7, nonce));
}

}  // namespace
}  // namespace gatelab::ikev2::test
