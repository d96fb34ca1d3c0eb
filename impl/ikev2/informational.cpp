#include "impl/ikev2/informational.h"

namespace gatelab::ikev2::informational {
namespace {

CloseReason reason_for(const Child& child, CloseReason otherwise) {
    return child.stage == Child::Stage::Replaced ? CloseReason::Rekeyed : otherwise;
}

// Closes the children that the peer deletes and names our ends of them (section 1.4.1).
std::vector<std::uint32_t> close_deleted(Core& core, Sa& sa, const Deletion& deletion) {
    std::vector<std::uint32_t> ours;
    for (const auto spi : deletion.spis) {
        const Child* child = sa.find_child_by_outbound(spi);
        if (!child) continue;
        // Both sides delete it at once: our own request names our end already.
        if (child->stage != Child::Stage::Deleting) ours.push_back(child->inbound.value());
        core.close_child(sa, child->id, reason_for(*child, CloseReason::PeerDeleted));
    }
    return ours;
}

}  // namespace

void start_liveness(Core& core, Instant now, Sa& sa) {
    core.send_request(sa, now, ExchangeType::Informational, {}, LivenessExchange{});
}

void start_delete_child(Core& core, Instant now, Sa& sa, ChildId id) {
    Child* child = sa.find_child(id);
    if (!child || child->stage == Child::Stage::Deleting) return;  // closed while the task waited
    const auto spi = child->inbound.value();
    // A replaced child keeps its stage, which tells why it closes.
    if (child->stage == Child::Stage::Installed) child->stage = Child::Stage::Deleting;
    child->rekey_at.reset();
    core.send_request(sa, now, ExchangeType::Informational, {encode_delete_esp({spi})}, DeleteChildExchange{id});
}

void start_delete_ike(Core& core, Instant now, Sa& sa, DeleteIkeTask task) {
    if (!sa.in<Closing>()) core.become(sa, Closing{}, name_of(task.reason));
    const OutgoingPayload payload = task.notify ? encode_notify(*task.notify) : encode_delete_ike();
    core.send_request(sa, now, ExchangeType::Informational, {payload},
                      DeleteIkeExchange{task.reason, std::move(task.detail)});
}

void handle_request(Core& core, Instant now, Sa& sa, const Path& path, const Header& header, const Message& message) {
    OutgoingPayloads payloads;
    bool whole = false;
    std::vector<std::uint32_t> closed;
    for (const auto& deletion : message.deletions) {
        if (deletion.protocol == Protocol::Ike) whole = true;
        if (deletion.protocol != Protocol::Esp) continue;
        for (const auto spi : close_deleted(core, sa, deletion)) closed.push_back(spi);
    }
    if (!closed.empty() && !whole) payloads.push_back(encode_delete_esp(closed));
    core.send_response(sa, ExchangeType::Informational, header.message_id, path, payloads);
    if (whole) {
        const bool replaced = sa.in<Replaced>() != nullptr;
        return core.close(sa, now, replaced ? CloseReason::Rekeyed : CloseReason::PeerDeleted, "");
    }
    // Section 2.21.2: how an initiator says that it does not accept our IKE_AUTH response.
    const auto* error = message.first_error();
    if (error && error->type == NotifyType::AuthenticationFailed)
        return core.close(sa, now, CloseReason::AuthenticationFailed, "the peer did not accept our identity or proof");
    if (error && error->type == NotifyType::InvalidSyntax)
        core.close(sa, now, CloseReason::Protocol, "the peer reports INVALID_SYNTAX");
}

void handle_delete_child_response(Core& core, Sa& sa, const DeleteChildExchange& exchange) {
    if (const Child* child = sa.find_child(exchange.child))
        core.close_child(sa, exchange.child, reason_for(*child, CloseReason::Requested));
}

}  // namespace gatelab::ikev2::informational
