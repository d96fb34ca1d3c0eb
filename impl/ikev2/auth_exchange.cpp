// The initiator's side of IKE_AUTH.
#include "impl/ikev2/auth_exchange.h"

#include "impl/ikev2/auth_steps.h"
#include "impl/ikev2/child_exchange.h"
#include "impl/ikev2/proposals.h"

namespace gatelab::ikev2::auth {
namespace {

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

}  // namespace gatelab::ikev2::auth
