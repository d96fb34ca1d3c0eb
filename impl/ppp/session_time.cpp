// Deadlines and echoes.
#include <fmt/format.h>

#include "impl/ppp/session_state.h"

namespace gatelab::ppp {

void Session::State::handle_timeout(Instant now) {
    if (phase == Phase::Dead || phase == Phase::Closed) return;
    lcp.handle_timeout(now);
    if (ipcp) ipcp->handle_timeout(now);
    std::visit([&](auto& engine) { engine.handle_timeout(now); }, sign_in);
    if (authenticate_until && now >= *authenticate_until)
        leave(now, CloseReason::AuthenticationFailed,
              fmt::format("not authenticated within {} s",
                          std::chrono::duration_cast<std::chrono::seconds>(options.authenticate_within).count()));
    if (const auto at = next_echo(); at && now >= *at) echo(now);
    settle(now);
}

std::optional<Instant> Session::State::next_echo() const {
    if (phase != Phase::Open || options.echo_after == Duration::zero()) return {};
    return std::max(last_heard, last_echo) + options.echo_after;
}

// RFC 1661 section 5.8. Any frame says that the peer is there, so only silence makes us ask.
void Session::State::echo(Instant now) {
    if (echoes_unanswered == options.max_echo)
        return leave(now, CloseReason::PeerSilent, fmt::format("{} echo-requests went unanswered", options.max_echo));
    ++echoes_unanswered;
    ++counters.echoes_sent;
    last_echo = now;
    lcp.send(Code::EchoRequest, lcp.next_identifier(), u32_value(lcp.policy().magic()));
}

std::optional<Instant> Session::State::next_timeout() const {
    if (phase == Phase::Dead || phase == Phase::Closed) return {};
    auto next = earlier(lcp.next_timeout(), earlier(authenticate_until, next_echo()));
    if (ipcp) next = earlier(next, ipcp->next_timeout());
    return earlier(next, std::visit([](const auto& engine) { return engine.next_timeout(); }, sign_in));
}

}  // namespace gatelab::ppp
