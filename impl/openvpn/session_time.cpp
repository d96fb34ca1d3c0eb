// Deadlines, pings, leaving.
#include <fmt/format.h>
#include <algorithm>

#include "impl/openvpn/session_state.h"

namespace gatelab::openvpn {
namespace {

constexpr Duration kExitEvery = std::chrono::seconds(1);
// Of an established tunnel: how long a control packet may stay unacknowledged before the peer counts as gone.
constexpr Duration kUnacknowledged = std::chrono::minutes(2);

bool is_due(const std::optional<Instant>& at, Instant now) { return at && *at <= now; }

}  // namespace

void Session::State::handle_timeout(Instant now) {
    if (phase == Phase::Idle || phase == Phase::Closed) return;
    forget_dead_keys(now);
    data.switch_keys(now);
    if (leaving) {
        if (is_due(leaving->next_exit, now)) notify_exit(now);
        if (leaving->until <= now) end(leaving->reason, leaving->detail);
        return settle(now);
    }
    if (is_due(deadline, now))
        end(CloseReason::HandshakeTimeout,
            fmt::format("not {} within {} s", is_up() ? "renegotiated" : "established",
                        std::chrono::duration_cast<std::chrono::seconds>(options.handshake_window).count()));
    if (is_due(next_push_request, now)) request_push(now);
    if (is_due(renegotiate_at, now)) {
        renegotiate_at.reset();
        renegotiate(now);
    }
    if (is_up()) keep_alive(now);
    if (unacknowledged_since && now - *unacknowledged_since >= kUnacknowledged)
        end(CloseReason::PeerSilent, "the peer acknowledges nothing");
    settle(now);
}

std::optional<Instant> Session::State::silence_deadline() const {
    return ping_restart > Duration::zero() ? std::optional{last_heard + ping_restart} : std::nullopt;
}

void Session::State::keep_alive(Instant now) {
    if (is_due(silence_deadline(), now))
        return end(CloseReason::PeerSilent,
                   fmt::format("nothing came for {} s",
                               std::chrono::duration_cast<std::chrono::seconds>(ping_restart).count()));
    if (ping_interval > Duration::zero() && last_sent + ping_interval <= now)
        ping(now, [&](ByteView packet) { outputs.emplace_back(Send{copy_of(packet)}); });
}

void Session::State::ping(Instant now, FunctionRef<void(ByteView)> send) {
    if (!is_up()) return;
    data.seal(now, kPingPacket, send);
    last_sent = now;
}

std::optional<Instant> Session::State::next_timeout() const {
    if (phase == Phase::Idle || phase == Phase::Closed) return {};
    auto next = earlier(deadline, earlier(next_push_request, renegotiate_at));
    for (const auto& key : keys) next = earlier(next, earlier(key.dies_at, key.negotiation->next_timeout()));
    next = earlier(next, data.next_switch());
    if (unacknowledged_since) next = earlier(next, *unacknowledged_since + kUnacknowledged);
    if (leaving) return earlier(next, earlier(leaving->until, leaving->next_exit));
    if (!is_up()) return next;
    if (ping_interval > Duration::zero()) next = earlier(next, last_sent + ping_interval);
    return earlier(next, silence_deadline());
}

void Session::State::close(Instant now) {
    if (phase == Phase::Closed || leaving) return;
    const bool says_so = is_up() && options.transport == Transport::Udp && options.explicit_exit_notify > 0;
    if (!says_so) return end(CloseReason::Requested, "");
    const bool by_message = !is_client() || exits_by_control(*pushed);
    leaving = Leaving{CloseReason::Requested, "", now + kLastWords, "", 0, {}};
    deadline.reset();
    if (by_message) {
        // To a server's clients: 1 asks them to come back here, 2 to try the next server.
        leaving->message = is_client() ? "EXIT" : options.explicit_exit_notify == 1 ? "RESTART" : "RESTART,[N]";
    } else {
        leaving->exits = options.explicit_exit_notify;
        leaving->until = now + options.explicit_exit_notify * kExitEvery;
        notify_exit(now);
    }
    become(Phase::Leaving, "close");
}

void Session::State::notify_exit(Instant now) {
    data.seal(now, kExitPacket, [&](ByteView packet) { outputs.emplace_back(Send{copy_of(packet)}); });
    trace("exit-sent", {});
    leaving->next_exit.reset();
    if (--leaving->exits > 0) leaving->next_exit = now + kExitEvery;
}

// Called at the end of a turn: says the last words once they can be heard, and ends when they have been.
void Session::State::leave(Instant now) {
    const bool by_exits = leaving->exits > 0;
    if (by_exits) return;
    const bool refusing = leaving->reason != CloseReason::Requested;
    auto* key = refusing ? &keys.back() : speaker();  // a refusal is read on the key that it is about
    if (!key || !key->negotiation->is_idle()) return;
    if (leaving->message.empty()) return end(leaving->reason, leaving->detail);
    say(now, *key, std::exchange(leaving->message, {}));
    leaving->until = now + kLastWords;
    flush(now);
}

}  // namespace gatelab::openvpn
