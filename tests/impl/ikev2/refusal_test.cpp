#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "impl/ikev2/payloads.h"
#include "tests/impl/ikev2/pair.h"

namespace gatelab::ikev2::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

void expect_refused(Pair& pair, CloseReason client, std::optional<CloseReason> gateway, std::string_view detail = {}) {
    pair.dial();
    pair.settle();
    EXPECT_FALSE(pair.client.established());
    EXPECT_TRUE(pair.client.closed_with(client)) << testing::PrintToString(pair.client.ladder());
    EXPECT_THAT(pair.client.open_children(), IsEmpty());
    if (gateway) {
        EXPECT_TRUE(pair.gateway.closed_with(*gateway));
    }
    if (!detail.empty()) {
        EXPECT_THAT(pair.gateway.last<Engine::SaClosed>().detail, HasSubstr(std::string{detail}));
    }
    EXPECT_FALSE(pair.client.engine.next_timeout()) << "nothing may be left to do";
    EXPECT_FALSE(pair.gateway.engine.next_timeout());
}

TEST(Refusal, OfAnExpiredCertificate) {
    Pair pair{client_connection(pki().client_expired), {gateway_connection()}};
    expect_refused(pair, CloseReason::AuthenticationFailed, CloseReason::AuthenticationFailed, "expired");
    EXPECT_FALSE(pair.gateway.established());
}

TEST(Refusal, OfACertificateThatExpiresWhileTimeRuns) {
    Pair pair{client_connection(), {gateway_connection()}};
    pair.now = kStart + std::chrono::hours(24 * 366);
    expect_refused(pair, CloseReason::AuthenticationFailed, CloseReason::AuthenticationFailed, "expired");
}

TEST(Refusal, OfACertificateByAnotherRoot) {
    Pair pair{client_connection(pki().client_of_other_root), {gateway_connection()}};
    expect_refused(pair, CloseReason::AuthenticationFailed, CloseReason::AuthenticationFailed, "alice");
}

TEST(Refusal, OfAServersCertificateInAClientsHand) {
    Pair pair{client_connection(pki().client_for_servers), {gateway_connection()}};
    expect_refused(pair, CloseReason::AuthenticationFailed, CloseReason::AuthenticationFailed);
}

TEST(Refusal, OfAnIdentityThatTheCertificateDoesNotBear) {
    auto client = client_connection();
    client.local_identification = Identification::email("mallory@gatelab.test");
    Pair pair{client, {gateway_connection()}};
    expect_refused(pair, CloseReason::AuthenticationFailed, CloseReason::AuthenticationFailed, "does not name");
}

TEST(Refusal, OfAnIdentityThatIsNotAccepted) {
    auto gateway = gateway_connection();
    gateway.peer.identifications = {Identification::email("bob@gatelab.test")};
    Pair pair{client_connection(), {gateway}};
    expect_refused(pair, CloseReason::AuthenticationFailed, CloseReason::AuthenticationFailed, "not accepted");
}

TEST(Refusal, OfAnotherPreSharedKey) {
    auto client = client_connection();
    auto gateway = gateway_connection();
    use_pre_shared_key(client, "one");
    use_pre_shared_key(gateway, "another");
    Pair pair{client, {gateway}};
    expect_refused(pair, CloseReason::AuthenticationFailed, CloseReason::AuthenticationFailed, "keys differ");
}

TEST(Refusal, OfTheGatewayByTheClientReachesTheGateway) {
    // --> IKE_AUTH  <-- IKE_AUTH (identity not borne)  --> INFORMATIONAL {N(AUTHENTICATION_FAILED)}
    auto client = client_connection();
    client.peer.identifications = {Identification::fqdn("another.gatelab.test")};
    Pair pair{client, {gateway_connection()}};
    expect_refused(pair, CloseReason::AuthenticationFailed, CloseReason::AuthenticationFailed);
    EXPECT_THAT(pair.client.ladder(), Contains("INFORMATIONAL request N(AUTHENTICATION_FAILED)"));
}

TEST(Refusal, OfAGatewayWithAClientsCertificate) {
    Pair pair{client_connection(), {gateway_connection(pki().gateway_for_clients)}};
    expect_refused(pair, CloseReason::AuthenticationFailed, CloseReason::AuthenticationFailed);
}

TEST(Refusal, OfEveryIkeProposal) {
    auto client = client_connection();
    client.ike_policy = {parse_ike_suite("AES_CBC-128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256").value()};
    Pair pair{client, {gateway_connection()}};
    expect_refused(pair, CloseReason::NoProposalChosen, std::nullopt);
    EXPECT_THAT(pair.gateway.ladder(), Contains("IKE_SA_INIT response N(NO_PROPOSAL_CHOSEN)"));
}

TEST(Refusal, OfEveryChildProposalLeavesNothing) {
    auto client = client_connection();
    client.child_policy = {parse_child_suite("AES_GCM_16-128").value()};
    Pair pair{client, {gateway_connection()}};
    expect_refused(pair, CloseReason::NoProposalChosen, CloseReason::PeerDeleted);
    EXPECT_THAT(pair.gateway.ladder(), Contains("IKE_AUTH response IDr CERT AUTH CP(REPLY) N(NO_PROPOSAL_CHOSEN)"));
}

TEST(Refusal, OfTrafficSelectorsThatDoNotMeet) {
    auto client = client_connection();
    client.remote = {esp::TrafficSelector::of(Prefix{Ipv4Address{172, 16, 0, 0}, 12})};
    Pair pair{client, {gateway_connection()}};
    expect_refused(pair, CloseReason::TrafficSelectorsUnacceptable, CloseReason::PeerDeleted);
}

TEST(Refusal, ForWantOfAnAddress) {
    Pair pair{client_connection(), {gateway_connection()}};
    pair.on_peer = [&](const Engine::PeerAuthenticated& peer) {
        pair.gateway.engine.refuse(pair.now, peer.sa, CloseReason::AddressUnavailable);
    };
    expect_refused(pair, CloseReason::AddressUnavailable, CloseReason::AddressUnavailable);
    EXPECT_THAT(pair.gateway.ladder(), Contains("IKE_AUTH response IDr CERT AUTH N(INTERNAL_ADDRESS_FAILURE)"));
}

TEST(Refusal, ByTheOwnerOfTheGateway) {
    Pair pair{client_connection(), {gateway_connection()}};
    pair.on_peer = [&](const Engine::PeerAuthenticated& peer) {
        pair.gateway.engine.refuse(pair.now, peer.sa, CloseReason::AuthenticationFailed);
    };
    expect_refused(pair, CloseReason::AuthenticationFailed, CloseReason::AuthenticationFailed);
}

TEST(Refusal, OfSilenceComesInBoundedTime) {
    Pair pair{client_connection(), {gateway_connection()}};
    pair.wire.on_send = [](Instant, Parcel&) { return false; };
    expect_refused(pair, CloseReason::PeerSilent, std::nullopt);
    EXPECT_EQ(pair.sent.size(), 6u);  // once, and five repetitions
    for (std::size_t i = 1; i < pair.sent.size(); ++i) {
        EXPECT_EQ(pair.sent[i].bytes, pair.sent[0].bytes) << "a repetition must be the same bytes";
    }
}

TEST(Refusal, ForgedInClearKillsNothing) {
    // Somebody answers NO_PROPOSAL_CHOSEN before the gateway does.
    Pair pair{client_connection(), {gateway_connection()}};
    pair.dial();
    const auto request = parse_header(pair.sent.at(0).bytes).value();
    Header forged = request;
    forged.from_initiator = false;
    forged.response = true;
    for (const auto type : {NotifyType::NoProposalChosen, NotifyType::InvalidSyntax, NotifyType::AuthenticationFailed})
        pair.call([&] {
            pair.client.engine.handle_datagram(pair.now, Path{kClient, kGateway},
                                               encode_message(forged, {encode_notify(type)}));
        });
    pair.settle();
    EXPECT_TRUE(pair.client.established());
}

}  // namespace
}  // namespace gatelab::ikev2::test
