#include "impl/openvpn/session.h"

#include <fmt/format.h>
#include <algorithm>

#include "impl/openvpn/session_state.h"

namespace gatelab::openvpn {
namespace {

constexpr std::size_t kLongestCredential = 65534;  // its NUL is the 65535th octet
constexpr std::uint32_t kEarlyNegotiation = 0x0f000001;

bool fits_role(const ControlProtection& protection, Role role) {
    const auto* v2 = std::get_if<TlsCryptV2>(&protection);
    return !v2 || std::holds_alternative<TlsCryptV2ClientKey>(v2->key) == (role == Role::Client);
}

// What would otherwise come to light in the middle of a handshake.
Result<tls::Engine> check(const Options& options) {
    if (options.data_ciphers.empty() && !options.fallback_cipher)
        return fail(Fault::Refused, "an OpenVPN end needs at least one data cipher");
    if (!fits_role(options.protection, options.role))
        return fail(Fault::Refused, "tls-crypt-v2: a client needs its own key, a server the one that unwraps");
    if (options.fragment.value_or(0) > 0 && options.transport == Transport::Tcp)
        return fail(Fault::Refused, "fragment is for UDP only");
    if (options.auth != crypto::Hash::Sha1 && options.auth != crypto::Hash::Sha256)
        return fail(Fault::Unsupported, "auth is SHA1 or SHA256 here");
    if (options.control_payload < 256)
        return fail(Fault::Refused,
                    fmt::format("control packets of {} octets; 256 is the least", options.control_payload));
    if (options.tls_timeout <= Duration::zero()) return fail(Fault::Refused, "tls-timeout must be above 0");
    if (options.credentials &&
        std::max(options.credentials->username.size(), options.credentials->password.size()) > kLongestCredential)
        return fail(Fault::Refused, fmt::format("a user name or password above {} octets", kLongestCredential));
    return tls::Engine::create(options.tls);
}

}  // namespace

std::string_view name_of(CloseReason reason) {
    switch (reason) {
        case CloseReason::Requested: return "requested";
        case CloseReason::PeerExit: return "peer-exit";
        case CloseReason::PeerSilent: return "peer-silent";
        case CloseReason::HandshakeTimeout: return "handshake-timeout";
        case CloseReason::TlsFailed: return "tls-failed";
        case CloseReason::AuthenticationFailed: return "authentication-failed";
        case CloseReason::OptionsMismatch: return "options-mismatch";
        case CloseReason::ProtocolError: return "protocol-error";
        case CloseReason::KeysExhausted: return "keys-exhausted";
    }
    return "unknown reason";
}

Session::State::State(Options wanted, Random& source, std::optional<tls::Engine> first)
    : options(std::move(wanted)),
      random(source),
      channel(options.protection, options.role),
      own_options(options.options_string.empty() ? options_string(options) : options.options_string),
      first_engine(std::move(first)),
      data(source) {
    if (is_client()) own_info = options.peer_info.empty() ? own_peer_info(options) : options.peer_info;
    ping_interval = options.ping;
    ping_restart = options.ping_restart;
    // Both ends would renegotiate in the same instant; OpenVPN 2.6 lets a server begin up to a tenth earlier.
    renegotiate_after = options.renegotiate;
    if (!is_client() && renegotiate_after > Duration::zero()) {
        const auto tenth = static_cast<std::uint64_t>(renegotiate_after.count() / 10);
        renegotiate_after -= Duration{static_cast<std::int64_t>(random.below(tenth + 1))};
    }
}

void Session::State::start(Instant now) {
    if (phase != Phase::Idle) return;
    last_heard = last_sent = now;
    random.fill(own);
    if (options.handshake_window > Duration::zero()) deadline = now + options.handshake_window;
    become(Phase::Resetting, "start");
    if (is_client()) {
        const bool v3 = std::holds_alternative<TlsCryptV2>(options.protection);
        if (v3) channel.start_at(kEarlyNegotiation);
        begin_key(now, v3 ? Opcode::ControlHardResetClientV3 : Opcode::ControlHardResetClientV2);
    }
    settle(now);
}

bool Session::State::seal(Instant now, ByteView inner, FunctionRef<void(ByteView)> each) {
    if (phase != Phase::Established) return false;
    last_sent = now;
    const bool sent = data.seal(now, inner, each);
    if (!sent && data.has_key()) {
        end(CloseReason::KeysExhausted, "the packet ids of the newest key are used up");
        settle(now);
        return false;
    }
    watch_usage(now);
    return sent;
}

ByteView Session::State::open(Instant now, ByteView packet) {
    if (phase == Phase::Closed) return {};
    const auto opened = data.open(now, packet);
    if (opened.kind == DataPath::Kind::Dropped) {
        if (!drops.is_full(now)) drop(now, "data packet: " + std::string{name_of(opened.drop)});
        return {};
    }
    last_heard = now;
    if (opened.kind == DataPath::Kind::Exit) {
        end(CloseReason::PeerExit, "the peer leaves");
        settle(now);
    } else {
        watch_usage(now);
    }
    return opened.packet;
}

SessionStatus Session::State::status() const {
    SessionStatus status;
    status.up = is_up();
    status.peer_name = certificate_name.empty() ? username : certificate_name;
    status.tls_version = tls_version;
    status.tls_suite = tls_suite;
    status.cipher = pushed ? cipher : std::nullopt;
    status.key_derivation_ekm = pushed && by_exporter(*pushed);
    status.peer_id = data.settings().peer_id;
    status.key_id = data.sending_key().value_or(0);
    status.renegotiations = renegotiations;
    status.control_retransmissions = past_repetitions;
    for (const auto& key : keys) status.control_retransmissions += key.negotiation->repetitions();
    status.data = data.counters();
    status.pushed = pushed;
    status.peer_info = peer_info;
    return status;
}

Result<Session> Session::create(Options options, Random& random) {
    options.tls.role = options.role == Role::Client ? tls::Role::Client : tls::Role::Server;
    auto engine = check(options);
    if (!engine) return pass(engine);
    return Session{std::make_unique<State>(std::move(options), random, std::move(*engine))};
}

Result<Session> Session::resume(Options options, Random& random, Resumption resumption, Instant now) {
    if (options.role != Role::Server) return fail(Fault::Refused, "only a server takes a session up");
    options.tls.role = tls::Role::Server;
    auto state = std::make_unique<State>(std::move(options), random);
    state->own = resumption.own;
    state->peer = resumption.peer;
    state->channel = std::move(resumption.channel);
    state->last_heard = state->last_sent = now;
    if (state->options.handshake_window > Duration::zero()) state->deadline = now + state->options.handshake_window;
    state->become(State::Phase::Resetting, "resume");
    state->begin_key(now, std::nullopt, resumption.next_packet_id);
    if (state->ending) return fail(Fault::Refused, state->ending->second);
    return Session{std::move(state)};
}

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

void Session::start(Instant now) { state_->start(now); }
void Session::handle_packet(Instant now, ByteView packet) { state_->handle_packet(now, packet); }
void Session::handle_timeout(Instant now) { state_->handle_timeout(now); }
std::optional<Instant> Session::next_timeout() const { return state_->next_timeout(); }
std::vector<Session::Output> Session::drain() { return std::exchange(state_->outputs, {}); }
void Session::grant(Instant now, PushReply push) { state_->grant(now, std::move(push)); }
void Session::refuse(Instant now, std::string reason) {
    state_->refuse(now, CloseReason::AuthenticationFailed, std::move(reason));
    state_->settle(now);
}
void Session::renegotiate(Instant now) {
    state_->renegotiate(now);
    state_->settle(now);
}
void Session::ping(Instant now, FunctionRef<void(ByteView packet)> send) { state_->ping(now, send); }
void Session::close(Instant now) {
    state_->close(now);
    state_->settle(now);
}
bool Session::seal(Instant now, ByteView inner, FunctionRef<void(ByteView packet)> each) {
    return state_->seal(now, inner, each);
}
ByteView Session::open(Instant now, ByteView packet) { return state_->open(now, packet); }
bool Session::is_genuine(ByteView packet) const { return state_->data.is_genuine(packet); }
void Session::advance_packet_ids(std::uint32_t last) { state_->data.advance_packet_ids(last); }
SessionStatus Session::status() const { return state_->status(); }
const Options& Session::options() const { return state_->options; }

}  // namespace gatelab::openvpn
