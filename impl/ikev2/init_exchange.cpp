#include "impl/ikev2/init_exchange.h"

#include <algorithm>

#include "impl/ikev2/auth_exchange.h"
#include "impl/ikev2/nat.h"
#include "impl/ikev2/proposals.h"

namespace gatelab::ikev2::init {
namespace {

constexpr std::size_t kNonceSize = 32;  // half the key size of every PRF that we have, and more (section 2.10)
constexpr int kMaxCookies = 4;
constexpr int kRepeatsAfterRefusal = 2;
constexpr std::size_t kMaxNotePerSa = 16384;  // of an IKE_SA_INIT request that we keep for AUTH
constexpr std::uint16_t kNatTraversalPort = 4500;

void send(Core& core, Instant now, Sa& sa, InitExchange exchange) {
    OutgoingPayloads payloads;
    // Section 2.6: the cookie comes first and all else stays as it was.
    if (!exchange.cookie.empty()) payloads.push_back(encode_notify(NotifyType::Cookie, exchange.cookie));
    payloads.push_back(encode_proposals(propose_ike(sa.connection->ike_policy, {})));
    payloads.push_back(
        encode_key_exchange(static_cast<std::uint16_t>(exchange.agreement.group()), exchange.agreement.public_value()));
    payloads.push_back(encode_nonce(exchange.nonce));
    for (auto& payload : nat_detection_payloads(sa.spi_i, 0, sa.path)) payloads.push_back(std::move(payload));
    if (sa.connection->digital_signatures)
        payloads.push_back(encode_notify(NotifyType::SignatureHashAlgorithms, SignatureHashes::encode_ours()));
    sa.next_request = 0;
    core.send_request(sa, now, ExchangeType::IkeSaInit, payloads, std::move(exchange));
}

// Takes the running exchange out, to send it anew in another form.
InitExchange take_exchange(Sa& sa) {
    InitExchange exchange = std::move(*sa.running<InitExchange>());
    sa.outstanding.reset();
    return exchange;
}

void handle_cookie(Core& core, Instant now, Sa& sa, const Path& path, ByteView cookie) {
    auto& running = *sa.running<InitExchange>();
    if (cookie.empty() || cookie.size() > 64) return core.dropped(path, "a cookie must have 1 to 64 bytes");
    if (++running.cookies_seen > kMaxCookies) return core.dropped(path, "one cookie challenge too many");
    auto exchange = take_exchange(sa);
    exchange.cookie = copy_of(cookie);
    send(core, now, sa, std::move(exchange));
}

// Section 1.2: another group of our offer is wanted. Each is tried once, so that forged answers cannot keep us busy.
void handle_invalid_group(Core& core, Instant now, Sa& sa, const Path& path, ByteView data) {
    ByteReader reader{data};
    const auto group = static_cast<crypto::Group>(reader.u16());
    const auto& policy = sa.connection->ike_policy;
    const bool offered = std::any_of(policy.begin(), policy.end(),
                                     [&](const IkeSuite& row) { return row.group == group && is_supported(row); });
    const auto& tried = sa.running<InitExchange>()->tried;
    if (!reader.finished() || !offered)
        return core.dropped(path, "INVALID_KE_PAYLOAD names a group that we did not offer");
    if (std::find(tried.begin(), tried.end(), group) != tried.end())
        return core.dropped(path, "INVALID_KE_PAYLOAD names a group that we tried already");
    auto exchange = take_exchange(sa);
    exchange.agreement = crypto::KeyAgreement::generate(group);
    exchange.tried.push_back(group);
    send(core, now, sa, std::move(exchange));
}

void note_refusal(Core& core, Sa& sa, const Path& path, NotifyType type) {
    // Section 2.21.1: anyone can forge this, so we go on for a while before we believe it.
    auto& outstanding = *sa.outstanding;
    auto& running = *sa.running<InitExchange>();
    if (!running.refusal) {
        running.refusal = type;
        outstanding.max_repeats = std::min(outstanding.max_repeats, outstanding.repeats + kRepeatsAfterRefusal);
    }
    core.dropped(path, "unauthenticated " + name_of(type) + ", believed only if nothing better comes");
}

Result<Message> parse_clear(const Header& header, ByteView bytes) {
    const auto chain = parse_payloads(header.next, bytes.subspan(Header::kSize));
    if (!chain) return pass(chain);
    return parse_message(*chain);
}

std::string describe_clear(const Header& header, ByteView bytes) {
    const auto chain = parse_payloads(header.next, bytes.subspan(Header::kSize));
    return chain ? describe(*chain) : "malformed";
}

// Why the answer cannot be used, or the row that it chose.
Result<IkeSuite> check_answer(const Sa& sa, const InitExchange& running, const Header& header, const Message& message) {
    if (header.spi_r == 0 || !message.proposals || !message.key_exchange || !message.nonce)
        return fail(Fault::Malformed, "IKE_SA_INIT response without SPI, SA, KE or nonce");
    if (message.proposals->size() != 1) return fail(Fault::Malformed, "more than one proposal was accepted");
    const auto chosen = choose_ike(sa.connection->ike_policy, *message.proposals);
    if (!chosen || chosen->answer.transforms.size() != message.proposals->front().transforms.size())
        return fail(Fault::Refused, "the accepted proposal is none that we made");
    if (chosen->suite.group != running.agreement.group() ||
        message.key_exchange->group != static_cast<std::uint16_t>(chosen->suite.group))
        return fail(Fault::Refused, "the accepted group is not that of our KE payload");
    return chosen->suite;
}

void accept_answer(Core& core, Instant now, Sa& sa, const Path& path, const Header& header, const Message& message,
                   ByteView bytes) {
    auto& running = *sa.running<InitExchange>();
    const auto suite = check_answer(sa, running, header, message);
    if (!suite) return core.dropped(path, suite.error().detail);
    const auto secret = running.agreement.derive(message.key_exchange->value);
    if (!secret) return core.dropped(path, secret.error().detail);

    sa.spi_r = header.spi_r;
    sa.suite = *suite;
    sa.keys = derive_ike_keys(*suite, {running.nonce, *message.nonce, sa.spi_i, sa.spi_r, *secret});
    sa.protection.emplace(*suite, sa.keys, true);
    const auto nat = find_nat(message, sa.spi_i, sa.spi_r, path);
    sa.nat_here = nat.here;
    sa.nat_there = nat.there;
    if (nat.here || nat.there) {
        // Section 2.23: a NAT may not know ESP, so all moves to UDP port 4500.
        sa.path.local.port = kNatTraversalPort;
        sa.path.remote.port = kNatTraversalPort;
    }
    InitRecord record{
        std::move(sa.outstanding->message), copy_of(bytes), std::move(running.nonce), copy_of(*message.nonce), {}};
    if (const auto* hashes = message.find(NotifyType::SignatureHashAlgorithms);
        hashes && sa.connection->digital_signatures)
        record.peer_hashes = SignatureHashes::parse(hashes->data);
    sa.outstanding.reset();
    sa.last_heard = now;
    auth::start(core, now, sa, std::move(record));
}

// The first connection whose policy fits the offer, and the row.
struct Fit {
    std::shared_ptr<const Connection> connection;
    ChosenIke chosen;
};
std::optional<Fit> fit(const Core& core, const std::vector<Proposal>& offered) {
    for (const auto& connection : core.responders)
        if (auto chosen = choose_ike(connection->ike_policy, offered)) return Fit{connection, std::move(*chosen)};
    return std::nullopt;
}

void refuse(Core& core, const Path& path, const Header& request, OutgoingPayload notify) {
    Header header = request;
    header.from_initiator = false;
    header.response = true;
    header.version = Header::kVersion;
    core.send_bare(path, header, {std::move(notify)});
}

void accept_request(Core& core, Instant now, const Path& path, const Header& header, const Message& message, Fit found,
                    ByteView bytes, const InitDigest& digest) {
    auto agreement = crypto::KeyAgreement::generate(found.chosen.suite.group);
    const auto secret = agreement.derive(message.key_exchange->value);
    if (!secret) return core.dropped(path, secret.error().detail);

    Sa& sa = core.add_sa(false);
    sa.half_open = true;
    sa.told_closed = true;  // the owner hears of it once somebody tries to authenticate
    ++core.half_open;
    sa.spi_i = header.spi_i;
    sa.spi_r = core.new_ike_spi();
    sa.init_digest = digest;
    core.register_spi(sa);
    core.register_init_digest(sa);
    sa.connection = std::move(found.connection);
    sa.path = path;
    sa.suite = found.chosen.suite;
    sa.expected_request = 1;
    sa.last_heard = now;
    const auto nat = find_nat(message, sa.spi_i, 0, path);
    sa.nat_here = nat.here;
    sa.nat_there = nat.there;
    const Bytes nonce = core.random.bytes(kNonceSize);
    sa.keys = derive_ike_keys(sa.suite, {*message.nonce, nonce, sa.spi_i, sa.spi_r, *secret});
    sa.protection.emplace(sa.suite, sa.keys, false);

    OutgoingPayloads payloads;
    payloads.push_back(encode_proposals({found.chosen.answer}));
    payloads.push_back(encode_key_exchange(static_cast<std::uint16_t>(agreement.group()), agreement.public_value()));
    payloads.push_back(encode_nonce(nonce));
    for (auto& payload : nat_detection_payloads(sa.spi_i, sa.spi_r, path)) payloads.push_back(std::move(payload));
    if (sa.connection->peer.roots)
        payloads.push_back(encode_certificate_request(authority_hashes(*sa.connection->peer.roots)));
    InitRecord record{copy_of(bytes), {}, copy_of(*message.nonce), nonce, {}};
    const auto* hashes = message.find(NotifyType::SignatureHashAlgorithms);
    if (hashes && sa.connection->digital_signatures) {
        record.peer_hashes = SignatureHashes::parse(hashes->data);
        payloads.push_back(encode_notify(NotifyType::SignatureHashAlgorithms, SignatureHashes::encode_ours()));
    }
    core.send_response(sa, ExchangeType::IkeSaInit, 0, path, payloads);
    record.response = sa.last_response;
    sa.stage = HalfOpen{now + core.limits.half_open_life, std::move(record)};
}

InitDigest digest_of(const Path& path, ByteView bytes) {
    ByteWriter writer;
    writer.bytes(bytes).u32(path.remote.address.number()).u16(path.remote.port);
    const Bytes digest = crypto::digest(crypto::Hash::Sha256, writer.view());
    InitDigest fixed{};
    std::copy_n(digest.begin(), fixed.size(), fixed.begin());
    return fixed;
}

}  // namespace

void start(Core& core, Instant now, Sa& sa) {
    const auto& policy = sa.connection->ike_policy;
    const auto first = std::find_if(policy.begin(), policy.end(), is_supported);
    if (first == policy.end())
        return core.close(sa, now, CloseReason::NoProposalChosen, "the connection's IKE policy has no usable row");
    sa.spi_i = core.new_ike_spi();
    core.register_spi(sa);
    sa.last_heard = now;
    send(core, now, sa,
         InitExchange{
             crypto::KeyAgreement::generate(first->group), core.random.bytes(kNonceSize), {}, {first->group}, 0, {}});
}

void handle_response(Core& core, Instant now, Sa& sa, const Path& path, const Header& header, ByteView bytes) {
    core.message_received(path, header, {&sa, describe_clear(header, bytes), bytes.size(), false});
    const auto message = parse_clear(header, bytes);
    if (!message) return core.dropped(path, message.error().detail);
    if (message->unsupported_critical) return core.dropped(path, "an unknown critical payload");
    if (const auto* cookie = message->find(NotifyType::Cookie)) return handle_cookie(core, now, sa, path, cookie->data);
    if (const auto* error = message->first_error()) {
        if (error->type == NotifyType::InvalidKePayload) return handle_invalid_group(core, now, sa, path, error->data);
        return note_refusal(core, sa, path, error->type);
    }
    accept_answer(core, now, sa, path, header, *message, bytes);
}

void handle_request(Core& core, Instant now, const Path& path, const Header& header, ByteView bytes) {
    const auto digest = digest_of(path, bytes);
    Sa* known = core.find_by_init_digest(digest);
    core.message_received(path, header, {known, describe_clear(header, bytes), bytes.size(), known != nullptr});
    if (known) {
        // Section 2.1: a repeated request only triggers the same response again, while the peer may still need it.
        if (!known->in<HalfOpen>()) return core.dropped(path, "repeats an IKE_SA_INIT that was answered and went on");
        return core.repeat_response(*known, path);
    }
    const auto message = parse_clear(header, bytes);
    if (!message) return core.dropped(path, message.error().detail);  // INVALID_SYNTAX never goes out in clear
    if (core.responders.empty()) return core.dropped(path, "we do not respond");
    if (bytes.size() > kMaxNotePerSa) return core.dropped(path, "IKE_SA_INIT request of more than 16384 bytes");
    if (message->unsupported_critical) {
        const Bytes type{static_cast<std::uint8_t>(*message->unsupported_critical)};
        return refuse(core, path, header, encode_notify(NotifyType::UnsupportedCriticalPayload, type));
    }
    if (!message->proposals || !message->key_exchange || !message->nonce)
        return core.dropped(path, "IKE_SA_INIT request without SA, KE or nonce");

    if (core.half_open >= core.limits.half_open_before_cookies) {
        const auto* cookie = message->find(NotifyType::Cookie);
        const auto peer = path.remote.address;
        if (!cookie || !core.cookies.holds(now, cookie->data, peer, header.spi_i, *message->nonce)) {
            const Bytes fresh = core.cookies.make(now, peer, header.spi_i, *message->nonce);
            return refuse(core, path, header, encode_notify(NotifyType::Cookie, fresh));
        }
    }
    if (core.half_open >= core.limits.half_open) return core.dropped(path, "too many half-open IKE SAs");

    auto found = fit(core, *message->proposals);
    if (!found) return refuse(core, path, header, encode_notify(NotifyType::NoProposalChosen));
    const auto group = static_cast<std::uint16_t>(found->chosen.suite.group);
    if (message->key_exchange->group != group)
        return refuse(core, path, header, encode_notify(NotifyType::InvalidKePayload, ByteWriter{}.u16(group).view()));
    accept_request(core, now, path, header, *message, std::move(*found), bytes, digest);
}

}  // namespace gatelab::ikev2::init
