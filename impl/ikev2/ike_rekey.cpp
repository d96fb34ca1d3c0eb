#include "impl/ikev2/ike_rekey.h"

#include <algorithm>

#include "impl/ikev2/proposals.h"

namespace gatelab::ikev2::rekey {
namespace {

constexpr std::size_t kNonceSize = 32;
constexpr Duration kWaitForDelete = std::chrono::seconds(60);

std::optional<std::uint64_t> spi_of(const Proposal& proposal) {
    ByteReader reader{proposal.spi};
    const auto spi = reader.u64();
    return reader.finished() && spi != 0 ? std::optional{spi} : std::nullopt;
}

void send(Core& core, Instant now, Sa& sa, IkeRekeyExchange exchange) {
    const Bytes spi = ByteWriter{}.u64(exchange.spi).take();
    const OutgoingPayloads payloads = {
        encode_proposals(propose_ike(exchange.rows, spi)), encode_nonce(exchange.nonce),
        encode_key_exchange(static_cast<std::uint16_t>(exchange.agreement.group()), exchange.agreement.public_value())};
    core.send_request(sa, now, ExchangeType::CreateChildSa, payloads, std::move(exchange));
}

struct Seed {
    bool initiator = false;  // of the exchange, and so of the new SA
    IkeSuite suite;
    std::uint64_t spi_i = 0, spi_r = 0;
    ByteView nonce_i, nonce_r, shared_secret;
};

// The new SA stands in for the old one: same peer, same path, its children and what was still to do.
void replace(Core& core, Instant now, Sa& old, const Seed& seed) {
    Sa& sa = core.add_sa(seed.initiator);
    sa.spi_i = seed.spi_i;
    sa.spi_r = seed.spi_r;
    core.register_spi(sa);
    sa.connection = old.connection;
    sa.path = old.path;
    sa.nat_here = old.nat_here;
    sa.nat_there = old.nat_there;
    sa.peer = old.peer;
    sa.configuration = old.configuration;
    sa.scope_local = old.scope_local;
    sa.scope_remote = old.scope_remote;
    sa.suite = seed.suite;
    sa.keys =
        derive_rekeyed_ike_keys(seed.suite, {seed.nonce_i, seed.nonce_r, seed.spi_i, seed.spi_r, seed.shared_secret},
                                old.suite.prf, old.keys.sk_d);
    sa.protection.emplace(sa.suite, sa.keys, seed.initiator);
    sa.last_heard = now;
    sa.rekey_at = core.rekey_time(now, sa.connection->lifetimes.ike);
    sa.keepalive_at = old.keepalive_at;
    core.move_children(old, sa);
    sa.tasks = std::exchange(old.tasks, {});
    core.become(sa, Established{}, "rekeyed");
    core.output(Engine::SaEstablished{
        sa.id, sa.connection->name, sa.initiator, sa.path, sa.peer,
        SaKeys{sa.spi_i, sa.spi_r, sa.suite, sa.keys.sk_ei, sa.keys.sk_er, sa.keys.sk_ai, sa.keys.sk_ar}, sa.nat_here,
        sa.nat_there, sa.configuration, old.id});
    core.become(old, Replaced{now + kWaitForDelete}, "rekeyed");
    if (seed.initiator) old.tasks.push_back(DeleteIkeTask{CloseReason::Rekeyed, {}, {}});
}

void abandon(Core& core, Instant now, Sa& sa, std::string why) {
    sa.rekey_at = core.retry_time(now);
    core.output(
        Engine::Traced{{"rekey-failed", {{"sa", static_cast<std::int64_t>(sa.id.value())}, {"why", std::move(why)}}}});
}

void handle_refusal(Core& core, Instant now, Sa& sa, IkeRekeyExchange exchange, const Notification& error) {
    if (error.type == NotifyType::InvalidKePayload && !exchange.retried) {
        ByteReader reader{error.data};
        const auto group = static_cast<crypto::Group>(reader.u16());
        const bool offered = std::any_of(exchange.rows.begin(), exchange.rows.end(),
                                         [&](const IkeSuite& row) { return row.group == group && is_supported(row); });
        if (reader.finished() && offered) {
            exchange.agreement = crypto::KeyAgreement::generate(group);
            exchange.retried = true;
            return send(core, now, sa, std::move(exchange));
        }
    }
    abandon(core, now, sa, "the peer answers " + name_of(error.type));
}

// Section 2.25: what we are busy with that a rekey of the IKE SA may not cross.
bool busy_with_children(Sa& sa) {
    return sa.running<ChildExchange>() || sa.running<DeleteChildExchange>() || sa.running<IkeRekeyExchange>();
}

}  // namespace

void start(Core& core, Instant now, Sa& sa) {
    auto rows = preferring(sa.connection->ike_policy, sa.suite);
    auto agreement = crypto::KeyAgreement::generate(sa.suite.group);
    send(core, now, sa,
         IkeRekeyExchange{std::move(rows), core.new_ike_spi(), core.random.bytes(kNonceSize), std::move(agreement)});
}

void handle_response(Core& core, Instant now, Sa& sa, const Message& message, IkeRekeyExchange exchange) {
    if (const auto* error = message.first_error()) return handle_refusal(core, now, sa, std::move(exchange), *error);
    const auto reject = [&](std::string why) { core.close(sa, now, CloseReason::Protocol, std::move(why)); };
    if (!message.proposals || message.proposals->size() != 1 || !message.nonce || !message.key_exchange)
        return reject("response to an IKE rekey without SA, nonce or KE");
    const auto chosen = choose_ike(exchange.rows, *message.proposals);
    const auto spi_r = spi_of(message.proposals->front());
    if (!chosen || !spi_r || chosen->answer.transforms.size() != message.proposals->front().transforms.size())
        return reject("the proposal accepted for the IKE SA is none that we made");
    if (chosen->suite.group != exchange.agreement.group() ||
        message.key_exchange->group != static_cast<std::uint16_t>(chosen->suite.group))
        return reject("the group accepted for the IKE SA is not that of our KE payload");
    const auto secret = exchange.agreement.derive(message.key_exchange->value);
    if (!secret) return reject(secret.error().detail);
    replace(core, now, sa, {true, chosen->suite, exchange.spi, *spi_r, exchange.nonce, *message.nonce, *secret});
}

void handle_request(Core& core, Instant now, Sa& sa, const Path& path, const Header& header, const Message& message) {
    const auto answer = [&](OutgoingPayloads payloads) {
        core.send_response(sa, ExchangeType::CreateChildSa, header.message_id, path, payloads);
    };
    if (busy_with_children(sa)) return answer({encode_notify(NotifyType::TemporaryFailure)});
    if (!message.nonce || !message.key_exchange) {
        answer({encode_notify(NotifyType::InvalidSyntax)});
        return core.close(sa, now, CloseReason::Protocol, "request to rekey the IKE SA without nonce or KE");
    }
    const auto chosen = choose_ike(preferring(sa.connection->ike_policy, sa.suite), *message.proposals);
    const auto spi_i = chosen ? spi_of(chosen->answer) : std::nullopt;
    if (!spi_i) return answer({encode_notify(NotifyType::NoProposalChosen)});
    const auto group = static_cast<std::uint16_t>(chosen->suite.group);
    if (message.key_exchange->group != group)
        return answer({encode_notify(NotifyType::InvalidKePayload, ByteWriter{}.u16(group).view())});
    const auto agreement = crypto::KeyAgreement::generate(chosen->suite.group);
    const auto secret = agreement.derive(message.key_exchange->value);
    if (!secret) return answer({encode_notify(NotifyType::NoProposalChosen)});

    const auto spi_r = core.new_ike_spi();
    const Bytes nonce = core.random.bytes(kNonceSize);
    Proposal accepted = chosen->answer;
    accepted.spi = ByteWriter{}.u64(spi_r).take();
    answer({encode_proposals({accepted}), encode_nonce(nonce), encode_key_exchange(group, agreement.public_value())});
    replace(core, now, sa, {false, chosen->suite, *spi_i, spi_r, *message.nonce, nonce, *secret});
}

}  // namespace gatelab::ikev2::rekey
