// What an authenticated peer without manners sends, and what becomes of it: RFC 7296 sections 2.5, 2.9, 2.21.3, 2.25.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "impl/ikev2/payloads.h"
#include "impl/ikev2/proposals.h"
#include "impl/ikev2/protection.h"
#include "tests/impl/ikev2/pair.h"

namespace gatelab::ikev2::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const esp::TrafficSelectors kAny = {esp::TrafficSelector{}};

Bytes wire(esp::Spi spi) { return ByteWriter{}.u32(spi.value()).take(); }

// A tunnel whose client end the test takes over, keys and message ids included.
struct Rogue {
    explicit Rogue(bool as_client = true)
        : pair(client_connection(pki().client_ecdsa), {gateway_connection(pki().gateway_ecdsa)}),
          as_client_(as_client) {
        pair.dial();
        pair.run_for(std::chrono::seconds(5));
        keys = pair.client.last<Engine::SaEstablished>().keys;
        IkeKeys ike;
        ike.sk_ei = keys.sk_ei;
        ike.sk_er = keys.sk_er;
        protection.emplace(keys.suite, ike, as_client);
        // Answers that the real end would give get lost, so that the test can give others.
        pair.wire.on_send = [](Instant, Parcel&) { return false; };
    }

    End& victim() { return as_client_ ? pair.gateway : pair.client; }

    void send(ExchangeType exchange, std::uint32_t id, bool response, const OutgoingPayloads& payloads) {
        const Header header{keys.spi_i, keys.spi_r, PayloadType::None, Header::kVersion, exchange, as_client_, response,
                            id,         0};
        auto sealed = protection->seal(header, payloads, random);
        sealed_last = sealed;
        const Path path = as_client_ ? Path{kGateway, kClient} : Path{kClient, kGateway};
        pair.call([&] { victim().engine.handle_datagram(pair.now, path, sealed); });
    }

    // Sends a request; how the answer reads: "N(INVALID_SYNTAX)".
    std::string ask(ExchangeType exchange, const OutgoingPayloads& payloads) {
        const auto before = pair.sent.size();
        send(exchange, next_id++, false, payloads);
        if (pair.sent.size() == before) return "silence";
        const auto header = parse_header(pair.sent[before].bytes).value();
        const auto opened = protection->open(header, pair.sent[before].bytes).value();
        return describe(parse_payloads(opened.first, opened.payloads).value());
    }

    OutgoingPayloads child_request(esp::Spi spi = esp::Spi{0x4321}) const {
        return {encode_proposals(propose_child({ChildSuite{}}, spi, true)), encode_nonce(Bytes(32, 2)),
                encode_traffic_selectors(true, kAny), encode_traffic_selectors(false, kAny)};
    }

    Pair pair;
    bool as_client_;
    SaKeys keys;
    std::optional<Protection> protection;
    SeededRandom random{99};
    std::uint32_t next_id = 2;
    Bytes sealed_last;
};

TEST(Manners, MalformedPayloadsUnderEncryptionEndTheSa) {
    Rogue rogue;
    EXPECT_EQ(rogue.ask(ExchangeType::Informational, {{PayloadType::Notify, Bytes{1}}}), "N(INVALID_SYNTAX)");
    EXPECT_TRUE(rogue.pair.gateway.closed_with(CloseReason::Protocol));
}

TEST(Manners, ACreateChildRequestWithoutNonceEndsTheSa) {
    Rogue rogue;
    auto payloads = rogue.child_request();
    payloads.erase(payloads.begin() + 1);
    EXPECT_EQ(rogue.ask(ExchangeType::CreateChildSa, payloads), "N(INVALID_SYNTAX)");
    EXPECT_TRUE(rogue.pair.gateway.closed_with(CloseReason::Protocol));
}

TEST(Manners, AnUnknownPayloadIsSkipped) {
    Rogue rogue;
    EXPECT_EQ(rogue.ask(ExchangeType::Informational, {{static_cast<PayloadType>(200), Bytes{1}}}), "");
    EXPECT_THAT(rogue.pair.gateway.all<Engine::SaClosed>(), IsEmpty());
}

TEST(Manners, AnUnknownNotificationIsSkipped) {
    Rogue rogue;
    for (const int type : {100, 40000})
        EXPECT_EQ(rogue.ask(ExchangeType::Informational, {encode_notify(static_cast<NotifyType>(type))}), "");
    EXPECT_THAT(rogue.pair.gateway.all<Engine::SaClosed>(), IsEmpty());
}

TEST(Manners, ARekeyOfAChildThatIsNotThereIsToldSo) {
    Rogue rogue;
    auto payloads = rogue.child_request();
    payloads.insert(payloads.begin(), encode_notify(NotifyType::RekeySa, {}, Protocol::Esp, wire(esp::Spi{0x9999})));
    EXPECT_EQ(rogue.ask(ExchangeType::CreateChildSa, payloads), "N(CHILD_SA_NOT_FOUND)");
    EXPECT_THAT(rogue.pair.gateway.open_children(), SizeIs(1));
}

TEST(Manners, ARekeyOfAChildThatWeAreClosingHasToWait) {
    Rogue rogue;
    auto& gateway = rogue.pair.gateway;
    const auto child = gateway.open_children()[0];
    rogue.pair.call([&] { gateway.engine.delete_child(rogue.pair.now, child.child); });
    auto payloads = rogue.child_request();
    payloads.insert(payloads.begin(), encode_notify(NotifyType::RekeySa, {}, Protocol::Esp, wire(child.outbound.spi)));
    EXPECT_EQ(rogue.ask(ExchangeType::CreateChildSa, payloads), "N(TEMPORARY_FAILURE)");
}

TEST(Manners, AChildOutsideWhatThePeerMayReachIsRefused) {
    Rogue rogue;
    auto payloads = rogue.child_request();
    payloads.back() = encode_traffic_selectors(false, {esp::TrafficSelector::of(Prefix{{192, 168, 0, 0}, 16})});
    EXPECT_EQ(rogue.ask(ExchangeType::CreateChildSa, payloads), "N(TS_UNACCEPTABLE)");
    EXPECT_EQ(rogue.ask(ExchangeType::CreateChildSa, rogue.child_request()), "SA No TSi TSr");
    const auto narrowed = rogue.pair.gateway.open_children().at(1);
    EXPECT_EQ(esp::to_string(narrowed.inbound.local), "10.50.0.0/16");
    EXPECT_EQ(esp::to_string(narrowed.inbound.remote), "10.60.0.1/32") << "only the address that it was granted";
}

TEST(Manners, AChildWithAReservedSpiIsRefused) {
    Rogue rogue;
    EXPECT_EQ(rogue.ask(ExchangeType::CreateChildSa, rogue.child_request(esp::Spi{255})), "N(NO_PROPOSAL_CHOSEN)");
}

TEST(Manners, ChildrenHaveAnUpperBound) {
    Rogue rogue;
    std::string last;
    for (std::uint32_t i = 0; i < 100; ++i)
        last = rogue.ask(ExchangeType::CreateChildSa, rogue.child_request(esp::Spi{0x5000 + i}));
    EXPECT_EQ(last, "N(NO_ADDITIONAL_SAS)");
    EXPECT_THAT(rogue.pair.gateway.open_children(), SizeIs(64));
}

TEST(Manners, AnOfferWithoutTheGroupThatWeWantIsToldWhich) {
    Rogue rogue;
    auto payloads = rogue.child_request();
    const auto row = parse_child_suite("AES_GCM_16-256/ECP_384").value();
    payloads[0] = encode_proposals(propose_child({row}, esp::Spi{0x4321}, true));
    EXPECT_EQ(rogue.ask(ExchangeType::CreateChildSa, payloads), "N(INVALID_KE_PAYLOAD)");
    payloads.push_back(encode_key_exchange(20, Bytes(96, 1)));  // no point of the curve
    EXPECT_EQ(rogue.ask(ExchangeType::CreateChildSa, payloads), "N(NO_PROPOSAL_CHOSEN)");
}

TEST(Manners, DeletesOfUnknownSpisAreAnsweredByNothing) {
    Rogue rogue;
    EXPECT_EQ(rogue.ask(ExchangeType::Informational, {encode_delete_esp({1, 2, 3})}), "");
    const auto spi = rogue.pair.gateway.open_children()[0].outbound.spi.value();
    EXPECT_EQ(rogue.ask(ExchangeType::Informational, {encode_delete_esp({spi})}), "D");
    EXPECT_EQ(rogue.ask(ExchangeType::Informational, {encode_delete_ike()}), "");
    EXPECT_TRUE(rogue.pair.gateway.closed_with(CloseReason::PeerDeleted));
}

TEST(Manners, ASkippedMessageIdIsOutsideTheWindow) {
    Rogue rogue;
    rogue.next_id = 3;
    EXPECT_EQ(rogue.ask(ExchangeType::Informational, {}), "silence");
    rogue.next_id = 2;
    EXPECT_EQ(rogue.ask(ExchangeType::Informational, {}), "");
    rogue.next_id = 1;
    EXPECT_EQ(rogue.ask(ExchangeType::Informational, {}), "silence");
}

TEST(Manners, AnAnswerThatWidensOurSelectorsMakesNoChild) {
    Rogue rogue{false};
    auto& client = rogue.pair.client;
    const auto sa = client.last<Engine::SaEstablished>().sa;
    rogue.pair.call([&] { client.engine.create_child(rogue.pair.now, sa, {}, {}); });
    const auto offered = propose_child({ChildSuite{}}, esp::Spi{0x7777}, false);
    // --> CREATE_CHILD_SA {TSr 10.50.0.0/16}  <-- {TSr 0.0.0.0/0}
    rogue.send(ExchangeType::CreateChildSa, 2, true,
               {encode_proposals(offered), encode_nonce(Bytes(32, 2)),
                encode_traffic_selectors(true, {esp::TrafficSelector::of(Prefix{{10, 60, 0, 1}, 32})}),
                encode_traffic_selectors(false, kAny)});
    EXPECT_THAT(client.all<Engine::ChildEstablished>(), SizeIs(1));
}

TEST(Manners, AnAnswerWithAnotherProposalMakesNoChild) {
    Rogue rogue{false};
    auto& client = rogue.pair.client;
    rogue.pair.call(
        [&] { client.engine.create_child(rogue.pair.now, client.last<Engine::SaEstablished>().sa, {}, {}); });
    const auto weaker = parse_child_suite("AES_GCM_16-128").value();
    const esp::TrafficSelectors ours = {esp::TrafficSelector::of(Prefix{{10, 60, 0, 1}, 32})};
    const esp::TrafficSelectors theirs = {esp::TrafficSelector::of(Prefix{{10, 50, 0, 0}, 16})};
    rogue.send(ExchangeType::CreateChildSa, 2, true,
               {encode_proposals(propose_child({weaker}, esp::Spi{0x7777}, false)), encode_nonce(Bytes(32, 2)),
                encode_traffic_selectors(true, ours), encode_traffic_selectors(false, theirs)});
    EXPECT_THAT(client.all<Engine::ChildEstablished>(), SizeIs(1));
}

TEST(Manners, TemporaryFailureIsTriedAgainLater) {
    Rogue rogue{false};
    auto& client = rogue.pair.client;
    rogue.pair.call([&] { client.engine.rekey_child(rogue.pair.now, client.open_children()[0].child); });
    rogue.send(ExchangeType::CreateChildSa, 2, true, {encode_notify(NotifyType::TemporaryFailure)});
    EXPECT_THAT(client.open_children(), SizeIs(1));
    const auto before = rogue.pair.sent.size();
    rogue.pair.run_for(std::chrono::seconds(1));
    EXPECT_EQ(rogue.pair.sent.size(), before) << "not at once";
    rogue.pair.run_for(std::chrono::seconds(6));
    EXPECT_GT(rogue.pair.sent.size(), before);
}

TEST(Manners, ACertificateWithoutItsKeyProvesNothing) {
    auto stolen = pki().client_ecdsa;
    stolen.key = pki().client_expired.key;
    for (const bool digital : {true, false}) {
        auto client = client_connection(stolen);
        client.digital_signatures = digital;
        Pair pair{client, {gateway_connection()}};
        pair.dial();
        pair.settle();
        EXPECT_FALSE(pair.gateway.established());
        EXPECT_THAT(pair.gateway.last<Engine::SaClosed>().detail, HasSubstr("does not hold"));
    }
}

}  // namespace
}  // namespace gatelab::ikev2::test
