// The responder's side of IKE_AUTH.
#include <algorithm>
#include <iterator>

#include "impl/ikev2/auth_exchange.h"
#include "impl/ikev2/auth_steps.h"
#include "impl/ikev2/child_exchange.h"
#include "impl/ikev2/proposals.h"

namespace gatelab::ikev2::auth {
namespace {

constexpr std::size_t kSelectorLimit = 255;

// Connections that may be meant, those that IDr names first (section 2.16 leaves the choice to us).
std::vector<std::shared_ptr<const Connection>> candidates(const Core& core, const Sa& sa, const Message& message) {
    std::vector<std::shared_ptr<const Connection>> fitting;
    for (const auto& connection : core.responders) {
        const auto& rows = connection->ike_policy;
        if (std::find(rows.begin(), rows.end(), sa.suite) != rows.end()) fitting.push_back(connection);
    }
    if (!message.id_responder) return fitting;
    const auto wanted = parse_identification(*message.id_responder);
    if (wanted)
        std::stable_partition(fitting.begin(), fitting.end(), [&](const std::shared_ptr<const Connection>& connection) {
            return connection->local_identification == *wanted;
        });
    return fitting;
}

// The first candidate under which the claim holds; otherwise why it did not under the first.
Result<std::shared_ptr<const Connection>> authenticate(const Core& core, Instant now, const Sa& sa,
                                                       const Message& message, const Claim& claim,
                                                       const InitRecord& init) {
    std::optional<Error> first_failure;
    for (const auto& connection : candidates(core, sa, message)) {
        const auto checked = check_claim(claim, connection->peer, octets_of_initiator(sa, init, *message.id_initiator),
                                         crypto::Purpose::ClientAuth, now);
        if (checked) return connection;
        if (!first_failure) first_failure = checked.error();
    }
    return fail(Fault::Unauthentic, first_failure ? first_failure->detail : "no connection fits");
}

void reject_request(Core& core, Instant now, Sa& sa, const Path& path, const Header& header, NotifyType notify,
                    CloseReason reason, std::string detail) {
    sa.told_closed = false;
    core.send_response(sa, ExchangeType::IkeAuth, header.message_id, path, {encode_notify(notify)});
    core.close(sa, now, reason, std::move(detail));
}

void close_older(Core& core, Instant now, const Sa& sa) {
    // Section 2.4: this SA is the only one between the two identities, so the others are remains.
    std::vector<SaId> older;
    core.peers_with(sa, sa.connection->name, sa.peer, older);
    for (const auto id : older)
        core.close(*core.find(id), now, CloseReason::PeerDeleted, "INITIAL_CONTACT by the peer");
}

// The child part of the IKE_AUTH response: what was agreed, or the notification that says why not.
struct ChildAnswer {
    OutgoingPayloads payloads;
    std::optional<child::Agreement> agreement;
};
ChildAnswer answer_child(Core& core, const Sa& sa, const AwaitingOwner& request) {
    const auto chosen = choose_child(sa.connection->child_policy, request.proposals, false);
    if (!chosen || child::spi_from(chosen->answer.spi).value() < 256)
        return {{encode_notify(NotifyType::NoProposalChosen)}, {}};
    child::Agreement agreement;
    agreement.remote = esp::intersection(request.ts_initiator, sa.scope_remote);
    agreement.local = esp::intersection(request.ts_responder, sa.scope_local);
    if (agreement.remote.empty() || agreement.local.empty()) return {{encode_notify(NotifyType::TsUnacceptable)}, {}};
    agreement.remote.resize(std::min(agreement.remote.size(), kSelectorLimit));
    agreement.local.resize(std::min(agreement.local.size(), kSelectorLimit));
    agreement.suite = chosen->suite;
    agreement.theirs = child::spi_from(chosen->answer.spi);
    agreement.ours = core.new_child_spi();
    agreement.nonce_i = request.init.nonce_i;
    agreement.nonce_r = request.init.nonce_r;
    Proposal answer = chosen->answer;
    answer.spi = ByteWriter{}.u32(agreement.ours.value()).take();
    return {{encode_proposals({answer}), encode_traffic_selectors(true, agreement.remote),
             encode_traffic_selectors(false, agreement.local)},
            std::move(agreement)};
}

// IDr, CERT and AUTH: the first half of every IKE_AUTH response to an authentic request.
OutgoingPayloads own_proof(const Sa& sa, const InitRecord& init) {
    OutgoingPayloads payloads;
    payloads.push_back(encode_identification(false, sa.connection->local_identification));
    const Bytes id_body = payloads.back().body;
    add_certificates(payloads, sa.connection->credential);
    payloads.push_back(
        encode_proof(make_proof(sa.connection->credential, octets_of_responder(sa, init, id_body), init.peer_hashes)));
    return payloads;
}

}  // namespace

void handle_request(Core& core, Instant now, Sa& sa, const Path& path, const Header& header, const Message& message) {
    InitRecord init = std::move(sa.in<HalfOpen>()->init);
    sa.path = path;
    sa.last_response.clear();  // the one to IKE_SA_INIT
    const auto reject = [&](NotifyType notify, CloseReason reason, std::string detail) {
        reject_request(core, now, sa, path, header, notify, reason, std::move(detail));
    };
    if (!message.id_initiator || !message.proposals || !message.ts_initiator || !message.ts_responder)
        return reject(NotifyType::InvalidSyntax, CloseReason::Protocol,
                      "IKE_AUTH request without IDi, SA or traffic selectors");
    if (!message.authentication)
        return reject(NotifyType::AuthenticationFailed, CloseReason::AuthenticationFailed,
                      "the peer asks for EAP, which is not offered here");
    auto claim = claim_of(message, *message.id_initiator);
    auto connection = claim ? authenticate(core, now, sa, message, *claim, init)
                            : Result<std::shared_ptr<const Connection>>{pass(claim)};
    if (!connection)
        return reject(NotifyType::AuthenticationFailed, CloseReason::AuthenticationFailed, connection.error().detail);

    sa.connection = std::move(*connection);
    sa.peer = claim->identification;
    sa.told_closed = false;
    core.authenticated(sa);
    if (message.find(NotifyType::InitialContact)) close_older(core, now, sa);
    AwaitingOwner awaiting{now + core.limits.half_open_life,
                           std::move(init),
                           header.message_id,
                           path,
                           *message.proposals,
                           *message.ts_initiator,
                           *message.ts_responder,
                           message.configuration};
    const bool wants_address = message.configuration &&
                               message.configuration->kind == ConfigurationPayload::Kind::Request &&
                               message.configuration->names_address;
    core.become(sa, std::move(awaiting), "the peer proved its identity");
    std::optional<crypto::Certificate> certificate;
    if (!claim->certificates.empty()) certificate = claim->certificates.front();
    core.output(Engine::PeerAuthenticated{sa.id, sa.connection->name, sa.peer, certificate, wants_address});
}

void grant(Core& core, Instant now, Sa& sa, Configuration configuration, esp::TrafficSelectors local) {
    AwaitingOwner request = std::move(*sa.in<AwaitingOwner>());
    sa.configuration = std::move(configuration);
    sa.scope_local = child::or_any(local.empty() ? sa.connection->local : local);
    sa.scope_remote = sa.configuration.address
                          ? esp::TrafficSelectors{esp::TrafficSelector::of(Prefix{*sa.configuration.address, 32})}
                          : child::or_any(sa.connection->remote);
    OutgoingPayloads payloads = own_proof(sa, request.init);
    const bool asked = request.configuration && request.configuration->kind == ConfigurationPayload::Kind::Request;
    if (asked) payloads.push_back(encode_configuration_reply(sa.configuration));
    auto answer = answer_child(core, sa, request);
    std::move(answer.payloads.begin(), answer.payloads.end(), std::back_inserter(payloads));
    core.send_response(sa, ExchangeType::IkeAuth, request.message_id, request.path, payloads);
    // Section 1.2: the IKE SA stands even when the child could not be made; the peer may try another or go.
    establish(core, now, sa);
    if (answer.agreement) child::install(core, now, sa, *answer.agreement);
}

void refuse(Core& core, Instant now, Sa& sa, CloseReason reason) {
    const AwaitingOwner request = std::move(*sa.in<AwaitingOwner>());
    OutgoingPayloads payloads;
    if (reason == CloseReason::AddressUnavailable) {
        // Section 3.15.4: we are who we claim to be, only no address is left.
        payloads = own_proof(sa, request.init);
        payloads.push_back(encode_notify(NotifyType::InternalAddressFailure));
    } else {
        payloads.push_back(encode_notify(NotifyType::AuthenticationFailed));
    }
    core.send_response(sa, ExchangeType::IkeAuth, request.message_id, request.path, payloads);
    core.close(sa, now, reason, "refused by the owner");
}

}  // namespace gatelab::ikev2::auth
