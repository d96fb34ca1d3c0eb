#include "impl/ikev2/auth_exchange.h"

#include <algorithm>

#include "impl/ikev2/child_exchange.h"
#include "impl/ikev2/proposals.h"

namespace gatelab::ikev2::auth {
namespace {

constexpr std::size_t kMaxCertificates = 8;  // of a peer's chain; more are ignored
constexpr std::size_t kSelectorLimit = 255;

SignedOctets octets_of_initiator(const Sa& sa, const InitRecord& init, ByteView id_body) {
    return {init.request, init.nonce_r, id_body, sa.suite.prf, sa.keys.sk_pi};
}
SignedOctets octets_of_responder(const Sa& sa, const InitRecord& init, ByteView id_body) {
    return {init.response, init.nonce_i, id_body, sa.suite.prf, sa.keys.sk_pr};
}

void add_certificates(OutgoingPayloads& payloads, const Credential& credential) {
    const auto* ours = std::get_if<CertificateCredential>(&credential);
    if (!ours) return;
    payloads.push_back(encode_certificate(ours->identity.certificate.der()));
    for (const auto& intermediate : ours->intermediates) payloads.push_back(encode_certificate(intermediate.der()));
}

OutgoingPayload encode_proof(const Proof& proof) {
    return encode_authentication(static_cast<std::uint8_t>(proof.method), proof.data);
}

// The peer's identity and proof as they stand in its message. Certificates that do not parse count as not sent, the
// signing one excepted.
Result<Claim> claim_of(const Message& message, ByteView id_body) {
    auto identification = parse_identification(id_body);
    if (!identification) return pass(identification);
    Claim claim{std::move(*identification), {}, *message.authentication};
    for (const auto der : message.certificates) {
        if (claim.certificates.size() == kMaxCertificates) break;
        auto certificate = crypto::Certificate::from_der(der);
        if (!certificate && claim.certificates.empty()) return pass(certificate);
        if (certificate) claim.certificates.push_back(std::move(*certificate));
    }
    return claim;
}

CloseReason reason_of(NotifyType type) {
    switch (type) {
        case NotifyType::NoProposalChosen: return CloseReason::NoProposalChosen;
        case NotifyType::TsUnacceptable:
        case NotifyType::SinglePairRequired: return CloseReason::TrafficSelectorsUnacceptable;
        case NotifyType::InternalAddressFailure:
        case NotifyType::FailedCpRequired: return CloseReason::AddressUnavailable;
        case NotifyType::AuthenticationFailed: return CloseReason::AuthenticationFailed;
        default: return CloseReason::Protocol;
    }
}

// The response does not do: tell the owner now and the peer by an exchange of its own (section 2.21.2).
void give_up(Core& core, Sa& sa, CloseReason reason, std::string detail, std::optional<NotifyType> notify = {}) {
    core.become(sa, Closing{}, detail);
    core.tell_closed(sa, reason, std::move(detail));
    sa.tasks.assign(1, DeleteIkeTask{reason, {}, notify});
}

void establish(Core& core, Instant now, Sa& sa) {
    core.authenticated(sa);
    sa.told_closed = false;
    sa.last_heard = now;
    const auto& lifetimes = sa.connection->lifetimes;
    sa.rekey_at = core.rekey_time(now, lifetimes.ike);
    if (sa.nat_here && lifetimes.nat_keepalive > Duration::zero()) sa.keepalive_at = now + lifetimes.nat_keepalive;
    core.become(sa, Established{}, "authenticated");
    core.output(Engine::SaEstablished{
        sa.id, sa.connection->name, sa.initiator, sa.path, sa.peer,
        SaKeys{sa.spi_i, sa.spi_r, sa.suite, sa.keys.sk_ei, sa.keys.sk_er, sa.keys.sk_ai, sa.keys.sk_ar}, sa.nat_here,
        sa.nat_there, sa.configuration, std::nullopt});
}

// What the responder's answer about the first child says, checked against what we offered.
struct Refusal {
    CloseReason reason;
    std::string detail;
};
std::optional<Refusal> check_child_answer(const Sa& sa, const Message& message, const AuthExchange& exchange) {
    if (const auto* error = message.first_error())
        return Refusal{reason_of(error->type), "the responder made no child: " + name_of(error->type)};
    if (!message.proposals || !message.ts_initiator || !message.ts_responder)
        return Refusal{CloseReason::Protocol, "IKE_AUTH response without SA or traffic selectors"};
    if (!child::check_answer(sa.connection->child_policy, *message.proposals, false))
        return Refusal{CloseReason::NoProposalChosen, "the child proposal accepted is none that we made"};
    // Section 2.9: the answer may narrow the offer and nothing else.
    if (!child::within(*message.ts_initiator, exchange.local) || !child::within(*message.ts_responder, exchange.remote))
        return Refusal{CloseReason::TrafficSelectorsUnacceptable, "the responder widened our traffic selectors"};
    if (sa.connection->request_address &&
        (!message.configuration || message.configuration->kind != ConfigurationPayload::Kind::Reply ||
         !message.configuration->configuration.address))
        return Refusal{CloseReason::AddressUnavailable, "the responder granted no address"};
    return std::nullopt;
}

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

void start(Core& core, Instant now, Sa& sa, InitRecord init) {
    const Connection& connection = *sa.connection;
    AuthExchange exchange{std::move(init), core.new_child_spi(), child::or_any(connection.local),
                          child::or_any(connection.remote)};
    OutgoingPayloads payloads;
    payloads.push_back(encode_identification(true, connection.local_identification));
    const Bytes id_body = payloads.back().body;
    add_certificates(payloads, connection.credential);
    if (connection.initial_contact) payloads.push_back(encode_notify(NotifyType::InitialContact));
    if (connection.peer.roots) payloads.push_back(encode_certificate_request(authority_hashes(*connection.peer.roots)));
    if (connection.peer.identifications.size() == 1)
        payloads.push_back(encode_identification(false, connection.peer.identifications.front()));
    payloads.push_back(encode_proof(
        make_proof(connection.credential, octets_of_initiator(sa, exchange.init, id_body), exchange.init.peer_hashes)));
    if (connection.request_address) payloads.push_back(encode_configuration_request());
    payloads.push_back(encode_proposals(propose_child(connection.child_policy, exchange.spi, false)));
    payloads.push_back(encode_traffic_selectors(true, exchange.local));
    payloads.push_back(encode_traffic_selectors(false, exchange.remote));
    core.send_request(sa, now, ExchangeType::IkeAuth, payloads, std::move(exchange));
}

void handle_response(Core& core, Instant now, Sa& sa, const Message& message, AuthExchange exchange) {
    if (!message.authentication || !message.id_responder) {
        core.release_child_spi(exchange.spi);
        const auto* error = message.first_error();
        if (error) return core.close(sa, now, reason_of(error->type), "the responder answers " + name_of(error->type));
        return core.close(sa, now, CloseReason::Protocol, "IKE_AUTH response without IDr or AUTH");
    }
    const auto claim = claim_of(message, *message.id_responder);
    const auto checked =
        claim ? check_claim(*claim, sa.connection->peer, octets_of_responder(sa, exchange.init, *message.id_responder),
                            crypto::Purpose::ServerAuth, now)
              : Result<void>{pass(claim)};
    if (!checked) {
        core.release_child_spi(exchange.spi);
        return give_up(core, sa, CloseReason::AuthenticationFailed, checked.error().detail,
                       NotifyType::AuthenticationFailed);
    }
    sa.peer = claim->identification;
    if (auto refusal = check_child_answer(sa, message, exchange)) {
        core.release_child_spi(exchange.spi);
        return give_up(core, sa, refusal->reason, std::move(refusal->detail));
    }
    if (message.configuration) sa.configuration = message.configuration->configuration;
    sa.scope_local = *message.ts_initiator;
    sa.scope_remote = exchange.remote;
    establish(core, now, sa);

    child::Agreement agreement;
    agreement.suite = *child::check_answer(sa.connection->child_policy, *message.proposals, false);
    agreement.ours = exchange.spi;
    agreement.theirs = child::spi_from(message.proposals->front().spi);
    agreement.local = *message.ts_initiator;
    agreement.remote = *message.ts_responder;
    agreement.exchange_initiator = true;
    agreement.nonce_i = exchange.init.nonce_i;
    agreement.nonce_r = exchange.init.nonce_r;
    child::install(core, now, sa, agreement);
}

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
