#include "impl/ikev2/dispatch.h"

#include <algorithm>

#include "impl/ikev2/auth_exchange.h"
#include "impl/ikev2/child_exchange.h"
#include "impl/ikev2/ike_rekey.h"
#include "impl/ikev2/informational.h"
#include "impl/ikev2/init_exchange.h"

namespace gatelab::ikev2::dispatch {
namespace {

constexpr std::uint16_t kNatTraversalPort = 4500;
constexpr std::size_t kMarkerSize = 4;

template <class... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

// Without the non-ESP marker on port 4500; nothing when the datagram is not IKE (RFC 3948 section 2).
std::optional<ByteView> unwrap(Core& core, const Path& path, ByteView datagram) {
    if (path.local.port != kNatTraversalPort) return datagram;
    if (datagram.size() == 1 && datagram[0] == 0xff) return std::nullopt;  // a keepalive wants nothing
    if (datagram.size() < kMarkerSize || ByteReader{datagram}.u32() != 0) {
        core.dropped(path, "no non-ESP marker on port 4500");
        return std::nullopt;
    }
    return datagram.subspan(kMarkerSize);
}

// Section 2.5: only a request of a later major version is answered.
bool refuse_version(Core& core, const Path& path, const Header& header) {
    if (header.major_version() == 2) return false;
    core.dropped(path, "IKE major version " + std::to_string(header.major_version()));
    if (header.major_version() < 2 || header.response) return true;
    Header answer = header;
    answer.version = Header::kVersion;
    answer.response = true;
    answer.from_initiator = !header.from_initiator;
    core.send_bare(path, answer, {encode_notify(NotifyType::InvalidMajorVersion)});
    return true;
}

void handle_init(Core& core, Instant now, const Path& path, const Header& header, ByteView bytes) {
    if (header.message_id != 0) return core.dropped(path, "IKE_SA_INIT with a message id other than 0");
    if (!header.response) {
        if (!header.from_initiator || header.spi_r != 0)
            return core.dropped(path, "IKE_SA_INIT request with a responder's SPI or without the initiator flag");
        return init::handle_request(core, now, path, header, bytes);
    }
    Sa* sa = core.find_by_spi(header.spi_i);
    if (!sa || !sa->initiator || header.from_initiator || !sa->running<InitExchange>())
        return core.dropped(path, "IKE_SA_INIT response to nothing that we asked");
    init::handle_response(core, now, *sa, path, header, bytes);
}

void refuse_syntax(Core& core, Instant now, Sa& sa, const Path& path, const Header& header, std::string why) {
    // Section 2.21.3: fatal on both sides once the message is known to be the peer's.
    if (!header.response)
        core.send_response(sa, header.exchange, header.message_id, path, {encode_notify(NotifyType::InvalidSyntax)});
    if (!sa.connection || sa.in<HalfOpen>()) sa.told_closed = false;
    core.close(sa, now, CloseReason::Protocol, std::move(why));
}

void handle_create_child(Core& core, Instant now, Sa& sa, const Path& path, const Header& header,
                         const Message& message) {
    // Section 2.25: nothing new on an SA that is going away or being rekeyed.
    if (!sa.in<Established>() || sa.running<IkeRekeyExchange>() || sa.running<DeleteIkeExchange>())
        return core.send_response(sa, header.exchange, header.message_id, path,
                                  {encode_notify(NotifyType::TemporaryFailure)});
    if (!message.proposals || message.proposals->empty())
        return refuse_syntax(core, now, sa, path, header, "CREATE_CHILD_SA request without SA");
    if (message.proposals->front().protocol == Protocol::Ike)
        return rekey::handle_request(core, now, sa, path, header, message);
    child::handle_request(core, now, sa, path, header, message);
}

void handle_request(Core& core, Instant now, Sa& sa, const Path& path, const Header& header, const Message& message) {
    if (message.unsupported_critical) {
        const Bytes type{static_cast<std::uint8_t>(*message.unsupported_critical)};
        core.send_response(sa, header.exchange, header.message_id, path,
                           {encode_notify(NotifyType::UnsupportedCriticalPayload, type)});
        if (sa.in<HalfOpen>()) core.close(sa, now, CloseReason::Protocol, "IKE_AUTH with an unknown critical payload");
        return;
    }
    switch (header.exchange) {
        case ExchangeType::IkeAuth: return auth::handle_request(core, now, sa, path, header, message);
        case ExchangeType::CreateChildSa: return handle_create_child(core, now, sa, path, header, message);
        case ExchangeType::Informational: return informational::handle_request(core, now, sa, path, header, message);
        case ExchangeType::IkeSaInit: break;
    }
}

void handle_response(Core& core, Instant now, Sa& sa, const Message& message) {
    if (message.unsupported_critical)
        return core.close(sa, now, CloseReason::Protocol, "response with an unknown critical payload");
    Exchange exchange = std::move(sa.outstanding->exchange);
    sa.outstanding.reset();
    std::visit(
        Overloaded{
            [](InitExchange&) {},  // never gets here: its responses are in clear
            [&](AuthExchange& auth) { auth::handle_response(core, now, sa, message, std::move(auth)); },
            [&](ChildExchange& creating) { child::handle_response(core, now, sa, message, std::move(creating)); },
            [&](IkeRekeyExchange& rekeying) { rekey::handle_response(core, now, sa, message, std::move(rekeying)); },
            [&](DeleteChildExchange& deleting) { informational::handle_delete_child_response(core, sa, deleting); },
            [&](DeleteIkeExchange& deleting) { core.close(sa, now, deleting.reason, std::move(deleting.detail)); },
            [](LivenessExchange&) {},
        },
        exchange);
}

// Which requests an SA takes in its stage; others are left unanswered.
bool takes(const Sa& sa, ExchangeType exchange) {
    if (std::holds_alternative<HalfOpen>(sa.stage)) return exchange == ExchangeType::IkeAuth;
    if (std::holds_alternative<Gone>(sa.stage)) return exchange == ExchangeType::Informational;
    if (std::holds_alternative<Connecting>(sa.stage) || std::holds_alternative<AwaitingOwner>(sa.stage)) return false;
    return exchange == ExchangeType::CreateChildSa || exchange == ExchangeType::Informational;
}

// Why a message is outside the window, or nothing when it is to be opened.
std::optional<std::string_view> outside_window(const Sa& sa, const Header& header) {
    if (header.response) {
        if (!sa.outstanding || sa.outstanding->message_id != header.message_id ||
            sa.outstanding->type != header.exchange)
            return "a response to nothing that we asked";
        return std::nullopt;
    }
    const bool repeated = header.message_id + 1 == sa.expected_request && !sa.last_response.empty();
    if (!repeated && header.message_id != sa.expected_request) return "a message id outside the window";
    if (!repeated && !takes(sa, header.exchange)) return "an exchange that has no place now";
    return std::nullopt;
}

void handle_protected(Core& core, Instant now, const Path& path, const Header& header, ByteView bytes) {
    Sa* sa = core.find_by_spi(header.from_initiator ? header.spi_r : header.spi_i);
    // Section 2.21.4: an unknown SPI may be answered in clear, at the price of being of use to a flood. We stay silent.
    if (!sa || sa->initiator == header.from_initiator || sa->spi_i != header.spi_i || sa->spi_r != header.spi_r)
        return core.dropped(path, "no IKE SA with these SPIs");
    if (!sa->protection) return core.dropped(path, "an encrypted message before there are keys");
    if (const auto why = outside_window(*sa, header)) return core.dropped(path, std::string{*why});
    const auto opened = sa->protection->open(header, bytes);
    if (!opened) return core.dropped(path, opened.error().detail);

    const bool repeated = !header.response && header.message_id != sa->expected_request;
    const auto chain = parse_payloads(opened->first, opened->payloads);
    core.message_received(path, header, {sa, chain ? describe(*chain) : "malformed", bytes.size(), repeated});
    // Section 2.1: a repeated request only triggers the same response again.
    if (repeated) return core.repeat_response(*sa, path);
    heard(core, now, *sa, path);
    if (!header.response) {
        ++sa->expected_request;
        sa->last_response.clear();
    }
    const auto message = chain ? parse_message(*chain) : Result<Message>{pass(chain)};
    if (!message) return refuse_syntax(core, now, *sa, path, header, message.error().detail);
    if (header.response) return handle_response(core, now, *sa, *message);
    handle_request(core, now, *sa, path, header, *message);
}

void give_up(Core& core, Instant now, Sa& sa) {
    if (const auto* init = sa.running<InitExchange>(); init && init->refusal) {
        const auto reason =
            *init->refusal == NotifyType::NoProposalChosen ? CloseReason::NoProposalChosen : CloseReason::Protocol;
        return core.close(sa, now, reason, "the responder answers " + name_of(*init->refusal) + " and nothing else");
    }
    if (const auto* deleting = sa.running<DeleteIkeExchange>()) {
        const auto reason = deleting->reason;
        return core.close(sa, now, reason, deleting->detail);
    }
    // What became of a last request matters no more once the SA was to go anyhow.
    if (sa.in<Replaced>()) return core.close(sa, now, CloseReason::Rekeyed, "");
    if (sa.in<Closing>()) return core.close(sa, now, CloseReason::Requested, "the peer fell silent");
    core.close(sa, now, CloseReason::PeerSilent,
               "no answer to " + name_of(sa.outstanding->type) + " after " + std::to_string(sa.outstanding->repeats) +
                   " repetitions");
}

void handle_stage_timeout(Core& core, Instant now, Sa& sa) {
    if (const auto* half = sa.in<HalfOpen>(); half && half->until <= now)
        core.close(sa, now, CloseReason::PeerSilent, "no IKE_AUTH came");
    else if (const auto* awaiting = sa.in<AwaitingOwner>(); awaiting && awaiting->until <= now)
        core.close(sa, now, CloseReason::PeerSilent, "the owner neither granted nor refused");
    else if (const auto* replaced = sa.in<Replaced>(); replaced && replaced->until <= now)
        core.close(sa, now, CloseReason::Rekeyed, "the peer never deleted it");
}

void handle_lifetimes(Core& core, Instant now, Sa& sa) {
    if (sa.rekey_at && *sa.rekey_at <= now) {
        sa.rekey_at.reset();
        core.push_task(sa, RekeyIkeTask{});
    }
    for (auto& child : sa.children) {
        if (!child.rekey_at || *child.rekey_at > now) continue;
        child.rekey_at.reset();
        core.push_task(sa, RekeyChildTask{child.id});
    }
    if (sa.keepalive_at && *sa.keepalive_at <= now) core.send_keepalive(sa, now);
    const auto liveness = sa.connection->lifetimes.liveness;
    const bool idle = !sa.outstanding && sa.tasks.empty();
    if (liveness > Duration::zero() && idle && sa.last_heard + liveness <= now) core.push_task(sa, LivenessTask{});
}

bool may_start(const Sa& sa, const Task& task) {
    return std::holds_alternative<DeleteIkeTask>(task) || std::holds_alternative<Established>(sa.stage);
}

void start_task(Core& core, Instant now, Sa& sa, Task task) {
    std::visit(
        Overloaded{
            [&](CreateChildTask& create) {
                child::start_create(core, now, sa, std::move(create.local), std::move(create.remote));
            },
            [&](RekeyChildTask& rekey) { child::start_rekey(core, now, sa, rekey.child); },
            [&](DeleteChildTask& deletion) { informational::start_delete_child(core, now, sa, deletion.child); },
            [&](RekeyIkeTask&) { rekey::start(core, now, sa); },
            [&](LivenessTask&) { informational::start_liveness(core, now, sa); },
            [&](DeleteIkeTask& deletion) { informational::start_delete_ike(core, now, sa, std::move(deletion)); },
        },
        task);
}

}  // namespace

void start(Core& core, Instant now, Sa& sa) { init::start(core, now, sa); }

void start_next_task(Core& core, Instant now, Sa& sa) {
    while (!sa.outstanding && !sa.tasks.empty() && !sa.in<Gone>()) {
        Task task = std::move(sa.tasks.front());
        sa.tasks.pop_front();
        if (may_start(sa, task)) start_task(core, now, sa, std::move(task));
    }
}

void close(Core& core, Instant now, Sa& sa) {
    if (sa.in<Gone>() || sa.in<Closing>() || sa.in<Replaced>()) return;
    if (sa.in<AwaitingOwner>()) return auth::refuse(core, now, sa, CloseReason::Requested);
    if (!sa.in<Established>()) return core.close(sa, now, CloseReason::Requested, "");
    sa.tasks.assign(1, DeleteIkeTask{});
    core.become(sa, Closing{}, "requested");
}

void heard(Core& core, Instant now, Sa& sa, const Path& path) {
    sa.last_heard = now;
    // Section 2.23: a peer behind a NAT is where its last authentic packet came from.
    if (!sa.in<Established>() || !sa.nat_there || path == sa.path) return;
    sa.path = path;
    core.output(Engine::PathChanged{sa.id, path});
}

void handle_datagram(Core& core, Instant now, const Path& path, ByteView datagram) {
    const auto bytes = unwrap(core, path, datagram);
    if (!bytes) return;
    const auto header = parse_header(*bytes);
    if (!header) return core.dropped(path, header.error().detail);
    if (refuse_version(core, path, *header)) return;
    if (header->exchange == ExchangeType::IkeSaInit) return handle_init(core, now, path, *header, *bytes);
    handle_protected(core, now, path, *header, *bytes);
}

void handle_timeout(Core& core, Instant now, Sa& sa) {
    handle_stage_timeout(core, now, sa);
    if (sa.outstanding && sa.outstanding->resend_at <= now) {
        if (sa.outstanding->repeats >= sa.outstanding->max_repeats)
            give_up(core, now, sa);
        else
            core.repeat_request(sa, now);
    }
    if (sa.in<Established>()) handle_lifetimes(core, now, sa);
}

}  // namespace gatelab::ikev2::dispatch
