// From one phase to the next (RFC 1661 section 3).
#include <fmt/format.h>

#include "impl/ppp/session_state.h"

namespace gatelab::ppp {
namespace {

// A link that was open for so long begins to count its restarts anew.
constexpr Duration kQuiet = std::chrono::minutes(1);

std::pair<CloseReason, std::string> reason_of(WhyDown why, Protocol protocol, const Options& options) {
    switch (why) {
        case WhyDown::Asked: return {CloseReason::Requested, ""};
        case WhyDown::PeerTerminated:
            return {CloseReason::PeerTerminated, fmt::format("the peer ended {}", name_of(protocol))};
        case WhyDown::Silent:
            return {CloseReason::PeerSilent,
                    fmt::format("no answer to {} requests of {}", options.max_configure, name_of(protocol))};
        case WhyDown::Rejected: break;
    }
    return {CloseReason::ProtocolError,
            fmt::format("the peer rejects {}, or a part without which it cannot be", name_of(protocol))};
}

}  // namespace

void Session::State::start(Instant now) {
    if (phase != Phase::Dead) return;
    last_heard = last_echo = now;
    become(Phase::Establish, "start");
    lcp.open(now);
    lcp.up(now);
    settle(now);
}

void Session::State::settle(Instant now) {
    bool more = true;
    while (more && phase != Phase::Closed) {
        if (ending) {  // nothing but LCP's farewell is left to say
            ipcp.reset();
            sign_in = NoSignIn{};
        }
        more = take_layer(now, Protocol::Lcp, lcp);
        if (take_sign_in(now)) more = true;
        if (ipcp && take_layer(now, Protocol::Ipcp, *ipcp)) more = true;
    }
}

template <class Policy>
bool Session::State::take_layer(Instant now, Protocol protocol, ControlProtocol<Policy>& layer) {
    using Layer = ControlProtocol<Policy>;
    const auto said = layer.drain();
    for (const auto& output : said) {
        if (ending && protocol != Protocol::Lcp) break;
        if (const auto* sent = std::get_if<typename Layer::Send>(&output)) send(now, protocol, sent->packet);
        if (std::holds_alternative<typename Layer::Up>(output)) take_up(now, layer.policy());
        if (const auto* down = std::get_if<typename Layer::Down>(&output)) {
            auto [reason, detail] = reason_of(down->why, protocol, options);
            take_down(now, layer.policy(), reason, std::move(detail));
        }
        if (const auto* failed = std::get_if<typename Layer::Failed>(&output))
            take_failed(now, layer.policy(), failed->why);
        if (const auto* dropped = std::get_if<typename Layer::Dropped>(&output)) drop(now, dropped->error);
        if (const auto* finished = std::get_if<typename Layer::Finished>(&output)) {
            auto [reason, detail] = reason_of(finished->why, protocol, options);
            take_finished(now, protocol, reason, std::move(detail));
        }
    }
    return !said.empty();
}

void Session::State::take_up(Instant now, const Lcp& settled) {
    if (ending) return;
    authentication = settled.authentication();
    become(Phase::Authenticate, name_of(*authentication));
    authenticate_until = now + options.authenticate_within;
    if (*authentication == Authentication::Pap && is_server())
        sign_in.emplace<PapServer>();
    else if (*authentication == Authentication::Pap)
        sign_in.emplace<PapClient>(*options.credentials, options.restart);
    else if (is_server())
        sign_in.emplace<ChapServer>(options.name, options.restart, random);
    else
        sign_in.emplace<ChapClient>(*options.credentials, options.restart, random);
    std::visit([&](auto& engine) { engine.start(now); }, sign_in);
}

void Session::State::take_down(Instant now, const Lcp&, CloseReason reason, std::string detail) {
    ipcp.reset();
    sign_in = NoSignIn{};
    authenticate_until.reset();
    if (ending) return;
    if (lcp.state() == FsmState::Stopping) {
        become(Phase::Terminate, detail);
        ending.emplace(reason, std::move(detail));
        return;
    }
    if (has_proof) return leave(now, CloseReason::ProtocolError, "the peer negotiates the link anew after the sign-in");
    become(Phase::Establish, "negotiated anew");
    count_restart(now);
}

bool Session::State::take_sign_in(Instant now) {
    auto said = std::visit([](auto& engine) { return engine.drain(); }, sign_in);
    for (auto& output : said) {
        if (const auto* sent = std::get_if<SignInSend>(&output)) send(now, sent->protocol, sent->packet);
        if (const auto* dropped = std::get_if<SignInDropped>(&output)) drop(now, dropped->error);
        if (const auto* done = std::get_if<SignInDone>(&output)) take_done(now, *done);
        if (const auto* failed = std::get_if<SignInFailed>(&output))
            leave(now, CloseReason::AuthenticationFailed, failed->why);
        if (auto* proof = std::get_if<SignInProof>(&output)) {
            has_proof = is_judging = true;
            claimed_name = proof->sign_in.name;
            outputs.emplace_back(SignInAsked{std::move(proof->sign_in)});
        }
    }
    return !said.empty();
}

void Session::State::take_done(Instant now, const SignInDone& done) {
    if (phase != Phase::Authenticate) return;  // an answer to a challenge in between
    has_proof = true;
    authenticate_until.reset();
    if (is_server()) peer_name = claimed_name;
    if (const auto* chap = std::get_if<ChapClient>(&sign_in)) peer_name = chap->server_name();
    outputs.emplace_back(Authenticated{done.keys});
    become(Phase::Network, "authenticated");
    ipcp.emplace(FsmLimits{options.restart, options.max_configure, options.max_terminate}, options.max_failure,
                 is_server() ? Ipcp::of_server(*granted) : Ipcp::of_client(options.ask_for_dns));
    ipcp->open(now);
    ipcp->up(now);
}

void Session::State::grant(Instant now, Grant grant) {
    if (!std::exchange(is_judging, false) || phase != Phase::Authenticate) return;
    if (!is_usable(grant.address)) {
        leave(now, CloseReason::NoAgreement, to_string(grant.address) + " is no address for a client");
        return settle(now);
    }
    granted = std::move(grant);
    if (auto* pap = std::get_if<PapServer>(&sign_in)) pap->grant(now, granted->success);
    if (auto* chap = std::get_if<ChapServer>(&sign_in)) chap->grant(now, granted->success);
    settle(now);
}

void Session::State::refuse(Instant now, std::string reason) {
    if (!std::exchange(is_judging, false) || phase != Phase::Authenticate) return;
    if (auto* pap = std::get_if<PapServer>(&sign_in)) pap->refuse(now, reason);
    if (auto* chap = std::get_if<ChapServer>(&sign_in)) chap->refuse(now, reason);
    take_sign_in(now);
    leave(now, CloseReason::AuthenticationFailed, std::move(reason));
    settle(now);
}

void Session::State::take_up(Instant now, const Ipcp& settled) {
    if (ending) return;
    const auto mtu = std::min(lcp.policy().peer_mru(), options.mru);
    const Agreed now_agreed = is_server() ? Agreed{settled.peer(), settled.own(), settled.dns(), mtu}
                                          : Agreed{settled.own(), settled.peer(), settled.dns(), mtu};
    if (agreed && *agreed != now_agreed)
        return leave(now, CloseReason::NoAgreement, "the peer changes the addresses of an open link");
    opened_at = last_heard = last_echo = now;
    echoes_unanswered = 0;
    become(Phase::Open, "IPCP is open");
    if (agreed) return;
    agreed = now_agreed;
    outputs.emplace_back(Opened{now_agreed});
}

void Session::State::take_down(Instant now, const Ipcp&, CloseReason, std::string) {
    if (ending || phase != Phase::Open) return;
    become(Phase::Network, "IPCP is down");
    count_restart(now);
}

// A peer may negotiate a layer anew, but not for ever.
void Session::State::count_restart(Instant now) {
    const auto opened = std::exchange(opened_at, std::nullopt);
    if (opened && now - *opened > kQuiet) restarts = 0;
    if (++restarts > options.max_configure)
        leave(now, CloseReason::NoAgreement, "the peer negotiates the link over and over");
}

void Session::State::take_failed(Instant now, const Lcp& policy, const std::string& why) {
    if (policy.looks_looped()) return leave(now, CloseReason::ProtocolError, "the line leads back to ourselves");
    leave(now, policy.lacks_authentication() ? CloseReason::AuthenticationFailed : CloseReason::NoAgreement, why);
}

void Session::State::take_failed(Instant now, const Ipcp&, const std::string& why) {
    leave(now, CloseReason::NoAgreement, why);
}

void Session::State::take_finished(Instant now, Protocol protocol, CloseReason reason, std::string detail) {
    if (protocol == Protocol::Lcp) return conclude(reason, std::move(detail));
    leave(now, reason, std::move(detail));  // without a network protocol a link is of no use
}

void Session::State::close(Instant now) {
    if (phase == Phase::Dead) return conclude(CloseReason::Requested, "");
    leave(now, CloseReason::Requested, "");
    settle(now);
}

void Session::State::leave(Instant now, CloseReason reason, std::string detail) {
    if (ending || phase == Phase::Closed) return;
    become(Phase::Terminate, detail.empty() ? name_of(reason) : std::string_view{detail});
    ending.emplace(reason, std::move(detail));
    authenticate_until.reset();
    lcp.close(now);
}

void Session::State::conclude(CloseReason reason, std::string detail) {
    if (phase == Phase::Closed) return;
    if (!ending) ending.emplace(reason, std::move(detail));
    become(Phase::Closed, name_of(ending->first));
    outputs.emplace_back(Closed{ending->first, ending->second});
}

void Session::State::become(Phase next, std::string_view why) {
    if (phase == next) return;
    trace("state-changed",
          {{"from", std::string{name_of(phase)}}, {"to", std::string{name_of(next)}}, {"why", std::string{why}}});
    phase = next;
}

void Session::State::trace(std::string event, Attributes attributes) {
    outputs.emplace_back(Trace{std::move(event), std::move(attributes)});
}

}  // namespace gatelab::ppp
