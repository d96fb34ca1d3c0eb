// A gateway that knows the shared key and answers IKE_AUTH as it should not: RFC 7296 sections 2.9, 2.15, 2.19, 2.21.2.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "impl/ikev2/auth.h"
#include "impl/ikev2/payloads.h"
#include "impl/ikev2/proposals.h"
#include "impl/ikev2/protection.h"
#include "tests/impl/ikev2/pair.h"

namespace gatelab::ikev2::test {
namespace {

using testing::Contains;

const IkeSuite kSuite = parse_ike_suite("AES_GCM_16-256/PRF_HMAC_SHA2_256/ECP_256").value();
const esp::TrafficSelectors kNet = {esp::TrafficSelector::of(Prefix{{10, 50, 0, 0}, 16})};
const esp::TrafficSelectors kInner = {esp::TrafficSelector::of(Prefix{{10, 60, 0, 1}, 32})};

Connection dialling() {
    auto connection = client_connection();
    use_pre_shared_key(connection, "shared");
    connection.ike_policy = {kSuite};
    connection.child_policy = {ChildSuite{}};
    return connection;
}

// Answers a client's IKE_SA_INIT correctly, and its IKE_AUTH with what the test wants.
class RogueGateway {
public:
    RogueGateway() : pair_(dialling(), {}) {
        pair_.wire.on_send = [](Instant, Parcel&) { return false; };
        pair_.dial();
        answer_init();
    }

    OutgoingPayload proof(std::string_view secret = "shared") const {
        const PreSharedKey key{copy_of(as_bytes(secret))};
        const Bytes id_body = identity().body;
        const SignedOctets octets{response_, nonce_i_, id_body, kSuite.prf, keys_.sk_pr};
        const auto made = make_proof(key, octets, {});
        return encode_authentication(static_cast<std::uint8_t>(made.method), made.data);
    }
    static OutgoingPayload identity() { return encode_identification(false, Identification::fqdn("gw.gatelab.test")); }
    static OutgoingPayload configuration() { return encode_configuration_reply({Ipv4Address{10, 60, 0, 1}, {}, {}}); }
    static OutgoingPayload proposal(const ChildSuite& suite = {}) {
        return encode_proposals(propose_child({suite}, esp::Spi{0x4444}, false));
    }
    // What a good gateway would answer.
    OutgoingPayloads good() const {
        return {identity(),
                proof(),
                configuration(),
                proposal(),
                encode_traffic_selectors(true, kInner),
                encode_traffic_selectors(false, kNet)};
    }

    End& answer_auth(const OutgoingPayloads& payloads) {
        const Header header{spi_i_, kSpi, PayloadType::None, Header::kVersion, ExchangeType::IkeAuth, false, true,
                            1,      0};
        give(protection_->seal(header, payloads, random_));
        return pair_.client;
    }

private:
    static constexpr std::uint64_t kSpi = 0x9999;

    void give(const Bytes& bytes) {
        pair_.call([&] { pair_.client.engine.handle_datagram(pair_.now, Path{kClient, kGateway}, bytes); });
    }

    void answer_init() {
        const Bytes request = pair_.sent.at(0).bytes;
        const auto header = parse_header(request).value();
        const auto chain = parse_payloads(header.next, ByteView{request}.subspan(Header::kSize)).value();
        const auto message = parse_message(chain).value();
        spi_i_ = header.spi_i;
        nonce_i_ = copy_of(*message.nonce);
        const auto agreement = crypto::KeyAgreement::generate(kSuite.group);
        const auto secret = agreement.derive(message.key_exchange->value).value();
        const Bytes nonce(32, 7);
        keys_ = derive_ike_keys(kSuite, {nonce_i_, nonce, spi_i_, kSpi, secret});
        protection_.emplace(kSuite, keys_, false);
        const Header answer{spi_i_, kSpi, PayloadType::None, Header::kVersion, ExchangeType::IkeSaInit, false, true,
                            0,      0};
        response_ = encode_message(answer, {encode_proposals(propose_ike({kSuite}, {})),
                                            encode_key_exchange(19, agreement.public_value()), encode_nonce(nonce)});
        give(response_);
    }

    Pair pair_;
    std::uint64_t spi_i_ = 0;
    Bytes nonce_i_, response_;
    IkeKeys keys_;
    std::optional<Protection> protection_;
    SeededRandom random_{5};
};

TEST(RogueGateway, ThatAnswersWellIsTaken) {
    RogueGateway gateway;
    const auto& client = gateway.answer_auth(gateway.good());
    EXPECT_TRUE(client.established());
    EXPECT_THAT(client.open_children(), testing::SizeIs(1));
}

TEST(RogueGateway, ThatWidensTheSelectorsIsLeft) {
    RogueGateway gateway;
    auto payloads = gateway.good();
    payloads[5] = encode_traffic_selectors(false, {esp::TrafficSelector::of(Prefix{{10, 0, 0, 0}, 8})});
    const auto& client = gateway.answer_auth(payloads);
    EXPECT_FALSE(client.established());
    EXPECT_TRUE(client.closed_with(CloseReason::TrafficSelectorsUnacceptable));
    EXPECT_THAT(client.ladder(), Contains("INFORMATIONAL request D"));
}

TEST(RogueGateway, ThatAnswersWithoutSelectorsIsLeft) {
    RogueGateway gateway;
    auto payloads = gateway.good();
    payloads[5] = encode_traffic_selectors(false, {});
    EXPECT_TRUE(gateway.answer_auth(payloads).closed_with(CloseReason::TrafficSelectorsUnacceptable));
}

TEST(RogueGateway, ThatTakesAProposalThatWeDidNotMakeIsLeft) {
    RogueGateway gateway;
    auto payloads = gateway.good();
    payloads[3] = RogueGateway::proposal(parse_child_suite("AES_GCM_16-128").value());
    EXPECT_TRUE(gateway.answer_auth(payloads).closed_with(CloseReason::NoProposalChosen));
}

TEST(RogueGateway, ThatGrantsNoAddressIsLeft) {
    RogueGateway gateway;
    auto payloads = gateway.good();
    payloads.erase(payloads.begin() + 2);
    EXPECT_TRUE(gateway.answer_auth(payloads).closed_with(CloseReason::AddressUnavailable));
}

TEST(RogueGateway, ThatProvesNothingIsLeft) {
    RogueGateway gateway;
    auto payloads = gateway.good();
    payloads.erase(payloads.begin() + 1);
    const auto& client = gateway.answer_auth(payloads);
    EXPECT_FALSE(client.established());
    EXPECT_TRUE(client.closed_with(CloseReason::Protocol));
}

TEST(RogueGateway, ThatProvesItWithAnotherKeyIsLeft) {
    RogueGateway gateway;
    auto payloads = gateway.good();
    payloads[1] = gateway.proof("another");
    const auto& client = gateway.answer_auth(payloads);
    EXPECT_FALSE(client.established());
    EXPECT_TRUE(client.closed_with(CloseReason::AuthenticationFailed));
}

}  // namespace
}  // namespace gatelab::ikev2::test
