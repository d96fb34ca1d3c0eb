// The texts that travel in TLS once the keys are exchanged.
#include <fmt/format.h>

#include <algorithm>

#include "impl/openvpn/session_state.h"

namespace gatelab::openvpn {
namespace {

constexpr Duration kPushRequestEvery = std::chrono::seconds(5);
constexpr Duration kPushAgainAfter = std::chrono::seconds(30);  // a client that asks again has forgotten the reply

// Without what a trace must not give away: an auth-token is a password.
std::string traceable(std::string_view text) {
    return std::string{text.substr(0, text.starts_with("PUSH_REPLY") ? 10 : 200)};
}

}  // namespace

void Session::State::say(Instant now, Key& key, std::string_view message) {
    trace("control-message-sent", {{"text", traceable(message)}});
    Bytes text = copy_of(as_bytes(message));
    text.push_back(0);
    key.negotiation->write(now, text);
}

Session::State::Key* Session::State::speaker() {
    for (auto key = keys.rbegin(); key != keys.rend(); ++key)
        if (key->complete) return &*key;
    return nullptr;
}

void Session::State::take_message(Instant now, const std::string& text) {
    trace("control-message-received", {{"text", traceable(text)}});
    if (is_client() && text.starts_with("PUSH_REPLY")) return take_push_reply(now, text);
    const auto message = parse_control_message(text);
    if (!message) return end(CloseReason::ProtocolError, message.error().detail);
    is_client() ? take_server_message(now, *message, text) : take_client_message(now, *message, text);
}

void Session::State::take_push_reply(Instant now, const std::string& text) {
    auto reply = push_reader.add(text);
    if (!reply) {
        const bool refused = reply.error().fault == Fault::Refused;
        return end(refused ? CloseReason::OptionsMismatch : CloseReason::ProtocolError, reply.error().detail);
    }
    if (!*reply || leaving) return;
    auto& push = **reply;
    if (!push.auth_token.empty()) {
        auto user = push.auth_token_user;
        if (user.empty() && options.credentials) user = options.credentials->username;
        auth_token = Credentials{std::move(user), push.auth_token};
    }
    if (is_up()) return;  // a new token, or a repetition
    if (keys.empty() || !keys.back().negotiation->has_both_sources())
        return end(CloseReason::ProtocolError, "PUSH_REPLY before the key exchange");
    const auto accepted = accept_cipher(options, push, peer_options);
    if (!accepted) return end(CloseReason::OptionsMismatch, accepted.error().detail);
    cipher = *accepted;
    open_tunnel(now, std::move(push));
}

void Session::State::take_server_message(Instant, const ControlMessage& message, const std::string&) {
    if (const auto* failed = std::get_if<AuthFailed>(&message)) {
        end(CloseReason::AuthenticationFailed, failed->reason);
    } else if (const auto* restart = std::get_if<Restart>(&message)) {
        end(CloseReason::PeerExit, "RESTART" + (restart->parameters.empty() ? "" : " " + restart->parameters));
    } else if (const auto* halt = std::get_if<Halt>(&message)) {
        end(CloseReason::PeerExit, "HALT" + (halt->reason.empty() ? "" : " " + halt->reason));
    } else if (std::holds_alternative<Exit>(message)) {
        end(CloseReason::PeerExit, "EXIT");
    }
}

void Session::State::take_client_message(Instant now, const ControlMessage& message, const std::string&) {
    if (std::holds_alternative<Exit>(message)) {
        if (leaving) return end(leaving->reason, leaving->detail);
        return end(CloseReason::PeerExit, "EXIT");
    }
    if (!std::holds_alternative<PushRequest>(message)) return;
    push_wanted = true;
    if (is_up() && push_sent && now - *push_sent >= kPushAgainAfter)
        if (auto* key = speaker()) send_push(now, *key, *pushed);
}

void Session::State::request_push(Instant now) {
    next_push_request = now + kPushRequestEvery;
    if (auto* key = speaker()) say(now, *key, "PUSH_REQUEST");
}

void Session::State::send_push(Instant now, Key& key, const PushReply& push) {
    push_sent = now;
    for (const auto& text : encode(push)) say(now, key, text);
}

void Session::State::grant(Instant now, PushReply push) {
    if (is_client() || leaving || keys.empty() || !keys.back().negotiation->has_both_sources() || !cipher) return;
    auto& key = keys.back();
    if (!is_up()) {
        if (granted) return;
        add_agreement(push, abilities, *cipher);
        granted = std::move(push);
    } else if (!key.authorized) {
        key.authorized = true;
        if (!push.auth_token.empty() && push.auth_token != pushed->auth_token) next_auth_token = push.auth_token;
    }
    settle(now);
}

void Session::State::refuse(Instant now, CloseReason reason, std::string why) {
    if (is_client() || leaving || keys.empty() || !keys.back().negotiation->has_both_sources()) return;
    // The key exchange may still wait for acknowledgements, and the message goes after it.
    const auto patience = std::max<Duration>(options.handshake_window, kLastWords);
    leaving = Leaving{reason, why, now + patience, encode_auth_failed(why), 0, {}};
    become(Phase::Leaving, why);
    deadline.reset();
}

Credentials Session::State::credentials_to_send() const {
    if (auth_token) return *auth_token;
    return options.credentials.value_or(Credentials{});
}

}  // namespace gatelab::openvpn
