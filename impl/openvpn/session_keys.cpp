// TLS, key method 2, soft resets, and keys coming and going.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>

#include "impl/openvpn/session_state.h"

namespace gatelab::openvpn {
namespace {

// The newest, and those that still open packets. Soft resets in quick succession push the oldest out.
constexpr std::size_t kMostKeys = 4;
constexpr Duration kUsualHandshakeWindow = std::chrono::seconds(60);
constexpr std::size_t kLeastPayload = 16;

// Opcode, session ids, count and ids of acknowledgements, packet id.
constexpr std::size_t kControlHeader = 1 + 8 + 1 + 4 * kAcksPerPacket + 8 + 4;

std::size_t at_least(std::size_t least, std::size_t whole, std::size_t part) {
    return whole > part + least ? whole - part : least;
}

std::size_t wrapped_key_size(const ControlProtection& protection) {
    const auto* v2 = std::get_if<TlsCryptV2>(&protection);
    const auto* key = v2 ? std::get_if<TlsCryptV2ClientKey>(&v2->key) : nullptr;
    return key ? key->wrapped.size() : 0;
}

std::uint8_t after(std::uint8_t key_id) {
    return key_id + 1 == kKeyIds ? std::uint8_t{1} : static_cast<std::uint8_t>(key_id + 1);
}

}  // namespace

void Session::State::begin_key(Instant now, std::optional<Opcode> reset, std::uint32_t peer_next_id) {
    auto engine = first_engine ? Result<tls::Engine>{std::move(*first_engine)} : tls::Engine::create(options.tls);
    first_engine.reset();
    if (!engine) return end(CloseReason::TlsFailed, engine.error().detail);
    for (auto& key : keys)
        if (!key.dies_at) key.dies_at = now + options.transition_window;
    if (keys.size() == kMostKeys) keys.front().dies_at = now;
    forget_dead_keys(now);

    KeyState::Setup setup;
    setup.role = options.role;
    setup.key_id = next_key_id;
    setup.own = own;
    setup.peer = peer;
    setup.reset = reset;
    setup.peer_next_id = peer_next_id;
    setup.tls_timeout = options.tls_timeout;
    setup.payload = at_least(kLeastPayload, options.control_payload, kControlHeader + channel.overhead());
    setup.payload_with_key = at_least(kLeastPayload, setup.payload, wrapped_key_size(options.protection));
    setup.started = now;
    next_key_id = after(next_key_id);
    Key key;
    key.negotiation = std::make_unique<KeyState>(setup, std::move(*engine));
    keys.push_back(std::move(key));
    renegotiate_at.reset();  // set anew once this one is complete
    if (options.handshake_window > Duration::zero()) deadline = now + options.handshake_window;
}

bool Session::State::may_renegotiate() const { return is_up() && !keys.empty() && keys.back().complete; }

void Session::State::renegotiate(Instant now) {
    if (!may_renegotiate()) return;
    trace("renegotiation-begun", {{"key_id", std::int64_t{next_key_id}}, {"by", std::string{"us"}}});
    begin_key(now, Opcode::ControlSoftResetV1);
}

void Session::State::take_output(Instant now, Key& key, KeyState::Output& output) {
    if (auto* up = std::get_if<KeyState::TlsUp>(&output)) return take_tls_up(now, key, up->with);
    if (auto* method = std::get_if<KeyState::PeerKeyMethod>(&output)) return take_key_method(now, key, method->message);
    if (auto* message = std::get_if<KeyState::Message>(&output)) return take_message(now, message->text);
    if (auto* secret = std::get_if<KeyState::Secret>(&output)) {
        outputs.emplace_back(Secret{std::move(secret->line)});
    } else if (auto* failed = std::get_if<KeyState::Failed>(&output)) {
        end(failed->reason, std::move(failed->detail));
    }
}

void Session::State::take_tls_up(Instant now, Key& key, tls::Engine::Established& with) {
    const auto name = with.peer ? common_name(with.peer->subject()) : std::string{};
    if (key.negotiation->id() != 0 && name != certificate_name)
        return end(CloseReason::ProtocolError,
                   fmt::format("the peer was \"{}\" and renegotiates as \"{}\"", certificate_name, name));
    certificate = std::move(with.peer);
    certificate_name = name;
    tls_version = name_of(with.version);
    tls_suite = std::move(with.cipher_suite);
    trace("tls-established", {{"version", tls_version}, {"suite", tls_suite}, {"peer", name}});
    if (is_client()) send_key_method(now, key);
}

void Session::State::send_key_method(Instant now, Key& key) {
    KeyMethodMessage message;
    message.source = KeySource::generate(random, options.role);
    message.options = own_options;
    if (is_client()) {
        auto credentials = credentials_to_send();
        message.username = std::move(credentials.username);
        message.password = std::move(credentials.password);
        message.peer_info = encode(own_info);
    }
    key.negotiation->write_key_method(now, std::move(message));
}

constexpr std::size_t kMostTraced = 1000;  // of what a peer may make as long as it likes

void Session::State::take_key_method(Instant now, Key& key, const KeyMethodMessage& message) {
    peer_options = message.options;
    trace("peer-introduced",
          {{"options", peer_options.substr(0, kMostTraced)}, {"peer_info", message.peer_info.substr(0, kMostTraced)}});
    const auto other = differences(own_options, peer_options);
    if (!other.empty()) trace("options-differ", {{"how", fmt::format("{}", fmt::join(other, "; "))}});
    const auto framing = check_framing(options, peer_options);
    if (!is_client()) send_key_method(now, key);
    if (!other.empty() && options.strict_options_string)
        return end(CloseReason::OptionsMismatch, fmt::format("{}", fmt::join(other, "; ")));
    if (!framing) {
        if (is_client()) return end(CloseReason::OptionsMismatch, framing.error().detail);
        return refuse(now, CloseReason::OptionsMismatch, framing.error().detail);
    }
    if (!is_up()) become(Phase::KeysExchanged, "key method 2");
    if (!is_client()) take_client_key_method(now, key, message);
}

void Session::State::take_client_key_method(Instant now, Key& key, const KeyMethodMessage& message) {
    std::optional<Credentials> credentials;
    if (!message.username.empty()) credentials = Credentials{message.username, message.password};
    if (!credentials && options.credentials_required)
        return refuse(now, CloseReason::AuthenticationFailed, "a user name and a password are required");
    const bool renegotiation = is_up();
    if (renegotiation && message.username != username)
        return refuse(now, CloseReason::AuthenticationFailed, "the user name has changed");
    username = message.username;
    if (!renegotiation) {
        peer_info = parse_peer_info(message.peer_info);
        abilities = abilities_of(peer_info);
        push_wanted = abilities.requests_push;
        const auto chosen = choose_cipher(options, peer_info, peer_options);
        if (!chosen) return refuse(now, CloseReason::OptionsMismatch, chosen.error().detail);
        cipher = *chosen;
    }
    if (renegotiation && !credentials) {
        key.authorized = true;  // the certificate alone, and that is the same
        return;
    }
    outputs.emplace_back(
        PeerAuthenticated{certificate, std::move(credentials), peer_info, peer_options, renegotiation});
}

void Session::State::advance(Instant now) {
    if (keys.empty() || !keys.back().negotiation->has_both_sources()) return;
    if (leaving) return;
    is_up() ? advance_next(now, keys.back()) : advance_first(now, keys.back());
}

void Session::State::advance_first(Instant now, Key& key) {
    if (!key.complete && key.negotiation->is_idle()) {
        key.complete = true;
        become(Phase::Authorizing, "the key exchange is acknowledged");
        if (options.handshake_window > Duration::zero()) deadline = now + options.handshake_window;
        // A client that has said beforehand that it wants its push asks only a server that does not know of that.
        if (is_client())
            next_push_request = now + (abilities_of(own_info).requests_push ? std::chrono::seconds(1) : Duration{});
    }
    if (!is_client() && key.complete && granted && push_wanted) {
        send_push(now, key, *granted);
        open_tunnel(now, *std::exchange(granted, {}));
    }
    if (is_client() && next_push_request && *next_push_request <= now) request_push(now);
}

void Session::State::advance_next(Instant now, Key& key) {
    if (!key.installed && (is_client() || key.authorized)) install(now, key);
    if (key.installed && key.negotiation->is_idle()) complete(now, key);
}

void Session::State::complete(Instant now, Key& key) {
    if (key.complete) return;
    key.complete = true;
    deadline.reset();
    if (renegotiate_after > Duration::zero()) renegotiate_at = now + renegotiate_after;
    for (auto& older : keys)
        if (&older != &key) older.negotiation->end_tls();
    if (key.negotiation->id() == 0) return;
    ++renegotiations;
    outputs.emplace_back(Renegotiated{key.negotiation->id()});
    if (!next_auth_token.empty()) {
        PushReply token;
        token.auth_token = std::exchange(next_auth_token, {});
        for (const auto& text : encode(token)) say(now, key, text);
    }
}

// The peer may have the key a little later than we do. After this time it has it, or has given up: the rule of
// OpenVPN 2.6, with which a renegotiation loses nothing.
Instant Session::State::send_from(const KeyState& key) const {
    auto wait = options.handshake_window > Duration::zero() ? options.handshake_window : kUsualHandshakeWindow;
    if (renegotiate_after > Duration::zero()) wait = std::min(wait, renegotiate_after / 2);
    wait = std::min(wait, options.transition_window / 2);
    return key.started() + wait;
}

void Session::State::install(Instant now, Key& key) {
    const auto secret = key.negotiation->derive(by_exporter(*pushed));
    data.install(now, key.negotiation->id(), secret, send_from(*key.negotiation));
    key.installed = true;
    outputs.emplace_back(KeyInstalled{key.negotiation->id(), *cipher, secret});
    trace("key-installed", {{"key_id", std::int64_t{key.negotiation->id()}},
                            {"cipher", std::string{name_of(*cipher)}},
                            {"derivation", std::string{by_exporter(*pushed) ? "exporter" : "prf"}}});
}

void Session::State::open_tunnel(Instant now, PushReply push) {
    constexpr std::uint16_t kUsualMssfix = 1492, kIpAndUdp = 28;
    DataPath::Settings settings;
    settings.role = options.role;
    settings.transport = options.transport;
    settings.cipher = *cipher;
    settings.auth = options.auth;
    settings.peer_id = push.peer_id;
    settings.replay_window = options.replay_window;
    settings.replay_time = options.replay_time;
    if (uses_fragments(options, peer_options)) settings.fragment = *options.fragment;
    const auto usual = options.transport == Transport::Tcp ? std::uint16_t{0}
                       : settings.fragment > 0             ? static_cast<std::uint16_t>(settings.fragment + kIpAndUdp)
                                                           : kUsualMssfix;
    settings.mssfix = options.mssfix.value_or(usual);
    data.configure(settings);
    pushed = std::move(push);
    install(now, keys.back());
    if (is_client()) {
        ping_interval = pushed->ping.value_or(ping_interval);
        ping_restart = pushed->ping_restart.value_or(ping_restart);
    }
    next_push_request.reset();
    deadline.reset();
    if (renegotiate_after > Duration::zero()) renegotiate_at = now + renegotiate_after;
    last_sent = last_heard = now;
    become(Phase::Established, is_client() ? "PUSH_REPLY" : "granted");
    outputs.emplace_back(Opened{*pushed});
}

void Session::State::watch_usage(Instant now) {
    if (!may_renegotiate()) return;
    const auto usage = data.usage_of_newest();
    const bool due = (options.renegotiate_bytes > 0 && usage.bytes >= options.renegotiate_bytes) ||
                     (options.renegotiate_packets > 0 && usage.packets >= options.renegotiate_packets) ||
                     usage.last_packet_id >= kPacketIdAlarm;
    if (!due) return;
    renegotiate(now);
    settle(now);
}

void Session::State::forget_dead_keys(Instant now) {
    std::erase_if(keys, [&](const Key& key) {
        if (!key.dies_at || *key.dies_at > now) return false;
        data.retire(key.negotiation->id());
        past_repetitions += key.negotiation->repetitions();
        trace("key-forgotten", {{"key_id", std::int64_t{key.negotiation->id()}}});
        return true;
    });
}

}  // namespace gatelab::openvpn
