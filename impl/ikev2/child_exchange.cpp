#include "impl/ikev2/child_exchange.h"

#include <algorithm>

#include "impl/ikev2/proposals.h"

namespace gatelab::ikev2::child {
namespace {

constexpr std::size_t kNonceSize = 32;
constexpr std::size_t kMaxChildren = 64;  // per IKE SA
constexpr std::uint32_t kFirstSpi = 256;  // RFC 4303 section 2.1

std::optional<crypto::Group> first_group(const std::vector<ChildSuite>& rows) {
    for (const auto& row : rows)
        if (row.pfs) return row.pfs;
    return std::nullopt;
}

Bytes wire_of(esp::Spi spi) { return ByteWriter{}.u32(spi.value()).take(); }

void send(Core& core, Instant now, Sa& sa, ChildExchange exchange) {
    OutgoingPayloads payloads;
    if (exchange.replaces) {
        // Section 1.3.3: the SPI that we expect in packets of the old SA.
        const Child* old = sa.find_child(*exchange.replaces);
        payloads.push_back(encode_notify(NotifyType::RekeySa, {}, Protocol::Esp, wire_of(old->inbound)));
    }
    payloads.push_back(encode_proposals(propose_child(exchange.rows, exchange.spi, true)));
    payloads.push_back(encode_nonce(exchange.nonce));
    if (exchange.agreement)
        payloads.push_back(encode_key_exchange(static_cast<std::uint16_t>(exchange.agreement->group()),
                                               exchange.agreement->public_value()));
    payloads.push_back(encode_traffic_selectors(true, exchange.local));
    payloads.push_back(encode_traffic_selectors(false, exchange.remote));
    core.send_request(sa, now, ExchangeType::CreateChildSa, payloads, std::move(exchange));
}

void start(Core& core, Instant now, Sa& sa, ChildExchange exchange) {
    exchange.spi = core.new_child_spi();
    exchange.nonce = core.random.bytes(kNonceSize);
    if (const auto group = first_group(exchange.rows)) exchange.agreement = crypto::KeyAgreement::generate(*group);
    send(core, now, sa, std::move(exchange));
}

void trace_failure(Core& core, const Sa& sa, std::string why) {
    core.output(
        Engine::Traced{{"child-failed", {{"sa", static_cast<std::int64_t>(sa.id.value())}, {"why", std::move(why)}}}});
}

// No child came of our request; the old one, if it was a rekey, stays and is tried again later.
void abandon(Core& core, Instant now, Sa& sa, const ChildExchange& exchange, std::string why) {
    core.release_child_spi(exchange.spi);
    Child* old = exchange.replaces ? sa.find_child(*exchange.replaces) : nullptr;
    if (old && old->stage == Child::Stage::Installed) old->rekey_at = core.retry_time(now);
    trace_failure(core, sa, std::move(why));
}

void handle_refusal(Core& core, Instant now, Sa& sa, ChildExchange exchange, const Notification& error) {
    if (error.type == NotifyType::InvalidKePayload && !exchange.retried) {
        ByteReader reader{error.data};
        const auto group = static_cast<crypto::Group>(reader.u16());
        const bool offered = std::any_of(exchange.rows.begin(), exchange.rows.end(),
                                         [&](const ChildSuite& row) { return row.pfs == group; });
        if (reader.finished() && offered) {
            exchange.agreement = crypto::KeyAgreement::generate(group);
            exchange.retried = true;
            return send(core, now, sa, std::move(exchange));
        }
    }
    if (error.type == NotifyType::ChildSaNotFound && exchange.replaces) {
        // Section 2.25: the peer has no such SA any more, so neither have we.
        core.close_child(sa, *exchange.replaces, CloseReason::PeerDeleted);
    }
    abandon(core, now, sa, exchange, "the peer answers " + name_of(error.type));
}

// The shared secret of an answer with a fresh key exchange, or an empty one without.
Result<Bytes> secret_of_answer(const ChildSuite& suite, const ChildExchange& exchange, const Message& message) {
    if (!suite.pfs) return Bytes{};
    if (!exchange.agreement || exchange.agreement->group() != *suite.pfs || !message.key_exchange ||
        message.key_exchange->group != static_cast<std::uint16_t>(*suite.pfs))
        return fail(Fault::Malformed, "the accepted group is not that of our KE payload");
    return exchange.agreement->derive(message.key_exchange->value);
}

// A response that breaks the rules after it was authenticated: the child that the peer now has must go again.
void undo(Core& core, Instant now, Sa& sa, const ChildExchange& exchange, std::string why) {
    abandon(core, now, sa, exchange, std::move(why));
    core.push_task(sa, DeleteIkeTask{CloseReason::Protocol, "the peer's child does not answer our request", {}});
}

struct Refusal {
    OutgoingPayload notify;
};

// A request to rekey: which child it means, or what to answer (section 2.25).
tl::expected<Child*, Refusal> child_to_rekey(Sa& sa, const Notification& rekey) {
    ByteReader reader{rekey.spi};
    const auto spi = reader.u32();
    Child* old = reader.finished() && rekey.protocol == Protocol::Esp ? sa.find_child_by_outbound(spi) : nullptr;
    if (!old) return tl::unexpected(Refusal{encode_notify(NotifyType::ChildSaNotFound, {}, rekey.protocol, rekey.spi)});
    const auto* deleting = sa.running<DeleteChildExchange>();
    const auto* rekeying = sa.running<ChildExchange>();
    if ((deleting && deleting->child == old->id) || (rekeying && rekeying->replaces == old->id) ||
        old->stage != Child::Stage::Installed)
        return tl::unexpected(Refusal{encode_notify(NotifyType::TemporaryFailure)});
    return old;
}

struct Answer {
    OutgoingPayloads payloads;
    Agreement agreement;
};

tl::expected<Answer, Refusal> answer_request(Core& core, Sa& sa, const Message& message, const Child* old) {
    const auto refuse = [](NotifyType type, ByteView data = {}) {
        return tl::unexpected(Refusal{encode_notify(type, data)});
    };
    const auto rows = old ? preferring(sa.connection->child_policy, old->suite) : sa.connection->child_policy;
    const auto chosen = choose_child(rows, *message.proposals, true);
    if (!chosen || spi_from(chosen->answer.spi).value() < kFirstSpi) return refuse(NotifyType::NoProposalChosen);

    Answer answer;
    auto& agreement = answer.agreement;
    agreement.suite = chosen->suite;
    agreement.theirs = spi_from(chosen->answer.spi);
    agreement.remote = esp::intersection(*message.ts_initiator, sa.scope_remote);
    agreement.local = esp::intersection(*message.ts_responder, sa.scope_local);
    if (agreement.remote.empty() || agreement.local.empty()) return refuse(NotifyType::TsUnacceptable);
    agreement.remote.resize(std::min<std::size_t>(agreement.remote.size(), 255));
    agreement.local.resize(std::min<std::size_t>(agreement.local.size(), 255));

    std::optional<OutgoingPayload> key_exchange;
    if (const auto group = chosen->suite.pfs) {
        const auto number = static_cast<std::uint16_t>(*group);
        if (!message.key_exchange || message.key_exchange->group != number)
            return refuse(NotifyType::InvalidKePayload, ByteWriter{}.u16(number).view());
        const auto ours = crypto::KeyAgreement::generate(*group);
        auto secret = ours.derive(message.key_exchange->value);
        if (!secret) return refuse(NotifyType::NoProposalChosen);
        agreement.shared_secret = std::move(*secret);
        key_exchange = encode_key_exchange(number, ours.public_value());
    }
    agreement.ours = core.new_child_spi();
    agreement.nonce_i = copy_of(*message.nonce);
    agreement.nonce_r = core.random.bytes(kNonceSize);
    if (old) agreement.replaces = old->id;

    Proposal accepted = chosen->answer;
    accepted.spi = wire_of(agreement.ours);
    answer.payloads.push_back(encode_proposals({accepted}));
    answer.payloads.push_back(encode_nonce(agreement.nonce_r));
    if (key_exchange) answer.payloads.push_back(std::move(*key_exchange));
    answer.payloads.push_back(encode_traffic_selectors(true, agreement.remote));
    answer.payloads.push_back(encode_traffic_selectors(false, agreement.local));
    return answer;
}

}  // namespace

esp::TrafficSelectors or_any(const esp::TrafficSelectors& selectors) {
    return selectors.empty() ? esp::TrafficSelectors{esp::TrafficSelector{}} : selectors;
}

bool within(const esp::TrafficSelectors& inner, const esp::TrafficSelectors& outer) {
    const auto covered = [&](const esp::TrafficSelector& selector) {
        return std::any_of(outer.begin(), outer.end(), [&](const auto& wide) { return wide.contains(selector); });
    };
    return !inner.empty() && std::all_of(inner.begin(), inner.end(), covered);
}

esp::Spi spi_from(const Bytes& wire) {
    ByteReader reader{wire};
    const auto spi = reader.u32();
    return reader.finished() ? esp::Spi{spi} : esp::Spi{};
}

std::optional<ChildSuite> check_answer(const std::vector<ChildSuite>& rows, const std::vector<Proposal>& answer,
                                       bool with_groups) {
    if (answer.size() != 1) return std::nullopt;
    const auto chosen = choose_child(rows, answer, with_groups);
    if (!chosen || spi_from(answer.front().spi).value() < kFirstSpi) return std::nullopt;
    if (chosen->answer.transforms.size() != answer.front().transforms.size()) return std::nullopt;
    return chosen->suite;
}

void install(Core& core, Instant now, Sa& sa, const Agreement& agreement) {
    const auto keys = derive_child_keys(agreement.suite.esp, sa.suite.prf, sa.keys.sk_d,
                                        {agreement.nonce_i, agreement.nonce_r, 0, 0, agreement.shared_secret});
    const esp::Parameters from_initiator{
        {}, agreement.suite.esp, keys.encryption_i, keys.integrity_i, agreement.local, agreement.remote};
    const esp::Parameters from_responder{
        {}, agreement.suite.esp, keys.encryption_r, keys.integrity_r, agreement.local, agreement.remote};
    auto outbound = agreement.exchange_initiator ? from_initiator : from_responder;
    auto inbound = agreement.exchange_initiator ? from_responder : from_initiator;
    outbound.spi = agreement.theirs;
    inbound.spi = agreement.ours;

    Child child;
    child.suite = agreement.suite;
    child.inbound = agreement.ours;
    child.outbound = agreement.theirs;
    child.local = agreement.local;
    child.remote = agreement.remote;
    child.rekey_at = core.rekey_time(now, sa.connection->lifetimes.child);
    const auto& added = core.add_child(sa, std::move(child));
    auto suite = added.suite;
    if (agreement.shared_secret.empty()) suite.pfs.reset();  // keyed by the IKE SA: its row's group is for later
    core.output(Engine::ChildEstablished{sa.id, added.id, suite, std::move(inbound), std::move(outbound), sa.path,
                                         sa.nat_here || sa.nat_there, agreement.replaces,
                                         agreement.exchange_initiator});
    Child* old = agreement.replaces ? sa.find_child(*agreement.replaces) : nullptr;
    if (!old) return;
    // Section 2.8: the old one stays usable until it is deleted, which is the task of whoever rekeyed it.
    old->stage = Child::Stage::Replaced;
    old->rekey_at.reset();
    if (agreement.exchange_initiator) core.push_task(sa, DeleteChildTask{old->id});
}

void start_create(Core& core, Instant now, Sa& sa, esp::TrafficSelectors local, esp::TrafficSelectors remote) {
    ChildExchange exchange;
    exchange.rows = sa.connection->child_policy;
    exchange.local = local.empty() ? sa.scope_local : std::move(local);
    exchange.remote = remote.empty() ? sa.scope_remote : std::move(remote);
    start(core, now, sa, std::move(exchange));
}

void start_rekey(Core& core, Instant now, Sa& sa, ChildId id) {
    const Child* old = sa.find_child(id);
    if (!old || old->stage != Child::Stage::Installed) return;  // closed or replaced while the task waited
    ChildExchange exchange;
    exchange.replaces = id;
    exchange.rows = preferring(sa.connection->child_policy, old->suite);
    exchange.local = old->local;
    exchange.remote = old->remote;
    start(core, now, sa, std::move(exchange));
}

void handle_response(Core& core, Instant now, Sa& sa, const Message& message, ChildExchange exchange) {
    if (const auto* error = message.first_error()) return handle_refusal(core, now, sa, std::move(exchange), *error);
    if (!message.proposals || !message.nonce || !message.ts_initiator || !message.ts_responder)
        return undo(core, now, sa, exchange, "CREATE_CHILD_SA response without SA, nonce or traffic selectors");
    const auto suite = check_answer(exchange.rows, *message.proposals, true);
    if (!suite) return undo(core, now, sa, exchange, "the child proposal accepted is none that we made");
    if (!within(*message.ts_initiator, exchange.local) || !within(*message.ts_responder, exchange.remote))
        return undo(core, now, sa, exchange, "the peer widened our traffic selectors");
    auto secret = secret_of_answer(*suite, exchange, message);
    if (!secret) return undo(core, now, sa, exchange, secret.error().detail);

    Agreement agreement;
    agreement.suite = *suite;
    agreement.ours = exchange.spi;
    agreement.theirs = spi_from(message.proposals->front().spi);
    agreement.local = *message.ts_initiator;
    agreement.remote = *message.ts_responder;
    agreement.exchange_initiator = true;
    agreement.nonce_i = std::move(exchange.nonce);
    agreement.nonce_r = copy_of(*message.nonce);
    agreement.shared_secret = std::move(*secret);
    agreement.replaces = exchange.replaces;
    install(core, now, sa, agreement);
}

void handle_request(Core& core, Instant now, Sa& sa, const Path& path, const Header& header, const Message& message) {
    const auto answer = [&](OutgoingPayloads payloads) {
        core.send_response(sa, ExchangeType::CreateChildSa, header.message_id, path, payloads);
    };
    if (!message.nonce || !message.ts_initiator || !message.ts_responder) {
        answer({encode_notify(NotifyType::InvalidSyntax)});
        return core.close(sa, now, CloseReason::Protocol, "CREATE_CHILD_SA request without nonce or traffic selectors");
    }
    Child* old = nullptr;
    if (const auto* rekey = message.find(NotifyType::RekeySa)) {
        const auto found = child_to_rekey(sa, *rekey);
        if (!found) return answer({found.error().notify});
        old = *found;
    } else if (sa.children.size() >= kMaxChildren) {
        return answer({encode_notify(NotifyType::NoAdditionalSas)});
    }
    const auto made = answer_request(core, sa, message, old);
    if (!made) return answer({made.error().notify});
    answer(made->payloads);
    install(core, now, sa, made->agreement);
}

}  // namespace gatelab::ikev2::child
