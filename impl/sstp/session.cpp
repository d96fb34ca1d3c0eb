#include "impl/sstp/session.h"

#include <algorithm>

#include "impl/sstp/server_name.h"
#include "impl/sstp/session_state.h"

namespace gatelab::sstp {
namespace {

Result<void> check(const Options& options) {
    if (options.role == Role::Client && options.host.empty())
        return fail(Fault::Refused, "SSTP client without the host that it dials");
    if (best_hash(options.hashes, kSha1 | kSha256) == 0)
        return fail(Fault::Refused, "SSTP without a hash for the crypto binding (expected SHA-1, SHA-256 or both)");
    if (options.max_requests < 1) return fail(Fault::Refused, "SSTP client that may send no Call Connect Request");
    return {};
}

// Roles, and the server's name, which TLS does not look at by itself.
void complete(Options& options) {
    const bool client = options.role == Role::Client;
    options.tls.role = client ? tls::Role::Client : tls::Role::Server;
    options.ppp.role = client ? ppp::Role::Client : ppp::Role::Server;
    if (!client) return;
    if (options.tls.server_name.empty() && !parse_address(options.host)) options.tls.server_name = options.host;
    options.tls.judge = [host = options.host,
                         more = std::move(options.tls.judge)](const crypto::Certificate& leaf) -> Result<void> {
        if (!is_for(leaf, host))
            return fail(Fault::Unauthentic, "the server's certificate is of " + leaf.subject() + ", not of " + host);
        return more ? more(leaf) : Result<void>{};
    };
}

}  // namespace

std::string_view name_of(CloseReason reason) {
    switch (reason) {
        case CloseReason::Requested: return "requested";
        case CloseReason::PeerDisconnected: return "peer-disconnected";
        case CloseReason::PeerAborted: return "peer-aborted";
        case CloseReason::PeerSilent: return "peer-silent";
        case CloseReason::NegotiationTimeout: return "negotiation-timeout";
        case CloseReason::TlsFailed: return "tls-failed";
        case CloseReason::HttpRefused: return "http-refused";
        case CloseReason::CryptoBindingFailed: return "crypto-binding-failed";
        case CloseReason::AuthenticationFailed: return "authentication-failed";
        case CloseReason::NoAgreement: return "no-agreement";
        case CloseReason::ProtocolError: return "protocol-error";
        case CloseReason::ConnectionLost: return "connection-lost";
    }
    return "unknown";
}

std::string_view state_name(Role role, Stage stage) {
    switch (stage) {
        case Stage::Idle: return "idle";
        case Stage::Https: return "https";
        case Stage::ConnectRequestSent: return "client-connect-request-sent";
        case Stage::ConnectAckReceived: return "client-connect-ack-received";
        case Stage::ConnectRequestPending: return "server-connect-request-pending";
        case Stage::CallConnectedPending: return "server-call-connected-pending";
        case Stage::CallConnected: return role == Role::Client ? "client-call-connected" : "server-call-connected";
        case Stage::AbortPending: return "call-abort-pending";
        case Stage::AbortTimeoutPending: return "call-abort-timeout-pending";
        case Stage::DisconnectAckPending: return "call-disconnect-ack-pending";
        case Stage::DisconnectTimeoutPending: return "call-disconnect-timeout-pending";
        case Stage::Closed: return "closed";
    }
    return "unknown";
}

// Works off what TLS has to tell, until it is silent.
void Session::State::pump(Instant now, Deliver deliver) {
    for (auto news = tls.drain(); !news.empty(); news = tls.drain()) {
        // Records leave in the order in which they were made, also before what a packet among the news sets off.
        if (stage == Stage::Closed) return;  // that was the last output
        for (auto& one : news) {
            if (auto* records = std::get_if<tls::Engine::Send>(&one))
                outputs.emplace_back(Send{std::move(records->records)});
        }
        for (auto& one : news) {
            if (auto* secret = std::get_if<tls::Engine::Secret>(&one))
                outputs.emplace_back(Secret{std::move(secret->line)});
            if (auto* up = std::get_if<tls::Engine::Established>(&one)) handle_established(now, *up);
            if (auto* got = std::get_if<tls::Engine::Received>(&one)) handle_stream(now, got->plaintext, deliver);
            if (auto* closed = std::get_if<tls::Engine::Closed>(&one)) take_tls(now, *closed);
        }
    }
}

void Session::State::take_tls(Instant now, tls::Engine::Closed& closed) {
    if (stage == Stage::Closed) return;
    if (closed.reason == tls::CloseReason::PeerClosed && !tls_version.empty()) {
        end(CloseReason::PeerDisconnected, "TLS was closed");
    } else {
        end(CloseReason::TlsFailed, std::string{tls::name_of(closed.reason)} + ": " + closed.detail);
    }
    finish(now, false);
}

void Session::State::become(Stage next, std::string_view why) {
    if (stage == next) return;
    trace("state-changed", {{"from", std::string{state_name(options.role, stage)}},
                            {"to", std::string{state_name(options.role, next)}},
                            {"why", std::string{why}}});
    stage = next;
    deadline.reset();
    if (stage == Stage::CallConnected) return;
    hello_at.reset();
    open = false;
}

void Session::State::trace(std::string event, Attributes attributes) {
    outputs.emplace_back(Trace{std::move(event), std::move(attributes)});
}

void Session::State::drop(Instant now, std::string why) {
    if (auto told = drops.note(now, std::move(why))) outputs.emplace_back(std::move(*told));
}

void Session::State::end(CloseReason reason, std::string detail) {
    if (!ending) ending.emplace(reason, std::move(detail));
}

// The last output. `farewell`: TLS says goodbye first.
void Session::State::finish(Instant now, bool farewell) {
    if (stage == Stage::Closed) return;
    if (farewell && !plain_http) tls.close(now);
    for (auto& one : tls.drain())
        if (auto* records = std::get_if<tls::Engine::Send>(&one))
            outputs.emplace_back(Send{std::move(records->records)});
    become(Stage::Closed, name_of(ending->first));
    outputs.emplace_back(Closed{ending->first, ending->second});
}

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

Result<Session> Session::create(Options options, Random& random) {
    if (const auto checked = check(options); !checked) return pass(checked);
    complete(options);
    auto tls = tls::Engine::create(options.tls);
    if (!tls) return pass(tls);
    auto ppp = ppp::Session::create(options.ppp, random);
    if (!ppp) return pass(ppp);
    auto state = std::make_unique<State>(std::move(options), random, std::move(*tls), std::move(*ppp));
    state->reader = http::HeadReader{state->options.largest_head};
    if (!state->is_client()) state->certificate = state->options.tls.identity->certificate.der();
    return Session{std::move(state)};
}

void Session::start(Instant now) {
    auto& state = *state_;
    if (state.stage != Stage::Idle) return;
    state.become(Stage::Https, "connected");
    state.deadline = now + state.options.http_within;
    state.tls.start(now);
    state.pump(now, [](ByteView) {});
}

void Session::handle_bytes(Instant now, ByteView bytes, FunctionRef<void(ByteView)> deliver) {
    auto& state = *state_;
    if (state.stage == Stage::Idle || state.stage == Stage::Closed || bytes.empty()) return;
    if (state.stage == Stage::Https) {
        // A TLS client begins with a handshake record; whoever begins with a letter speaks plain HTTP.
        const bool first = std::exchange(state.first_bytes, false);
        if (first && !state.is_client()) state.plain_http = bytes[0] >= 'A' && bytes[0] <= 'Z';
        if (state.plain_http) return state.handle_plain_http(now, bytes);
        state.tls.handle_bytes(now, bytes);
    } else {
        state.tls.open(now, bytes, [&](ByteView plaintext) { state.handle_stream(now, plaintext, deliver); });
    }
    state.pump(now, deliver);
}

void Session::handle_closed(Instant now, std::string why) {
    auto& state = *state_;
    if (state.stage == Stage::Closed) return;
    const bool in_order = why.empty();
    if (state.stage == Stage::Https && !state.tls.is_established()) {
        state.end(CloseReason::TlsFailed, in_order ? "the connection was closed during the handshake" : std::move(why));
    } else {
        state.end(in_order ? CloseReason::PeerDisconnected : CloseReason::ConnectionLost,
                  in_order ? "the connection was closed" : std::move(why));
    }
    state.finish(now, false);
}

void Session::handle_timeout(Instant now) {
    auto& state = *state_;
    if (state.deadline && now >= *state.deadline) {
        state.deadline.reset();
        if (state.stage == Stage::Https) {
            state.end(CloseReason::NegotiationTimeout, !state.tls.is_established() ? "TLS was not established in time"
                                                       : state.is_client() ? "no answer to the HTTPS request in time"
                                                                           : "no whole HTTPS request in time");
            state.finish(now, true);
        } else if (is_ending(state.stage)) {
            state.finish(now, true);
        } else {
            state.abort(now, {.attribute = 0, .status = StatusCode::NegotiationTimeout, .value = {}},
                        CloseReason::NegotiationTimeout,
                        "the negotiation timer ran out in " + std::string{state_name(state.options.role, state.stage)});
        }
    }
    if (state.hello_at && now >= *state.hello_at) {
        if (state.hello_out) {
            // [MS-SSTP] section 3.1.2.3: without a Call Abort.
            state.end(CloseReason::PeerSilent, "nothing came since the echo request");
            state.finish(now, false);
        } else {
            hello(now);
        }
    }
    if (carries_ppp(state.stage)) {
        state.ppp.handle_timeout(now);
        state.pump_ppp(now);
    }
    state.pump(now, [](ByteView) {});
}

std::optional<Instant> Session::next_timeout() const {
    const auto& state = *state_;
    if (state.stage == Stage::Closed) return {};
    auto next = earlier(state.deadline, state.hello_at);
    return carries_ppp(state.stage) ? earlier(next, state.ppp.next_timeout()) : next;
}

std::vector<Session::Output> Session::drain() { return std::exchange(state_->outputs, {}); }

void Session::grant(Instant now, ppp::Grant grant) {
    if (!carries_ppp(state_->stage)) return;
    state_->ppp.grant(now, std::move(grant));
    state_->pump_ppp(now);
    state_->pump(now, [](ByteView) {});
}

void Session::refuse(Instant now, std::string reason) {
    if (!carries_ppp(state_->stage)) return;
    state_->ppp.refuse(now, std::move(reason));
    state_->pump_ppp(now);
    state_->pump(now, [](ByteView) {});
}

void Session::close(Instant now) {
    auto& state = *state_;
    if (state.stage == Stage::Closed || is_ending(state.stage)) return;
    state.end(CloseReason::Requested, "");
    if (state.stage == Stage::Idle || state.stage == Stage::Https) {
        state.finish(now, state.stage == Stage::Https);
    } else if (state.open) {
        // [MS-SSTP] section 3.2.4.2: an established tunnel takes PPP down first.
        state.open = false;
        state.ppp.close(now);
        state.pump_ppp(now);
    } else {
        state.disconnect(now, CloseReason::Requested, "");
    }
    state.pump(now, [](ByteView) {});
}

void Session::hello(Instant now) {
    auto& state = *state_;
    if (state.stage != Stage::CallConnected) return;
    ++state.hellos;
    state.send(now, {MessageType::EchoRequest, {}});
    const bool waits = std::exchange(state.hello_out, true);
    if (!waits && state.options.hello > Duration::zero()) state.hello_at = now + state.options.hello;
    state.pump(now, [](ByteView) {});
}

bool Session::seal(Instant now, ByteView inner, FunctionRef<void(ByteView)> send) {
    auto& state = *state_;
    constexpr std::size_t kMostPrefix = 4;  // FF 03 00 21
    if (!state.open || inner.size() > kLargestPacket - kHeaderSize - kMostPrefix) return false;
    const auto prefix = state.ppp.seal(now, inner);
    if (prefix.empty()) return false;

    std::array<std::uint8_t, kLargestPacket> packet;
    const std::size_t size = kHeaderSize + prefix.size() + inner.size();
    packet[0] = kVersion;
    packet[1] = 0;
    packet[2] = static_cast<std::uint8_t>(size >> 8);
    packet[3] = static_cast<std::uint8_t>(size);
    std::copy(inner.begin(), inner.end(), std::copy(prefix.begin(), prefix.end(), packet.begin() + kHeaderSize));

    // Records that have been made must leave first: TLS numbers them.
    state.pump(now, [](ByteView) {});
    if (!state.outputs.empty()) {
        for (auto& output : state.outputs)
            if (auto* waiting = std::get_if<Send>(&output)) send(waiting->bytes);
        std::erase_if(state.outputs, [](const Output& output) { return std::holds_alternative<Send>(output); });
    }
    if (!state.tls.seal(now, ByteView{packet}.first(size), send)) {
        state.pump(now, [](ByteView) {});
        return false;
    }
    ++state.data_out;
    return true;
}

SessionStatus Session::status() const {
    const auto& state = *state_;
    SessionStatus status;
    status.up = state.open;
    status.state = state_name(state.options.role, state.stage);
    status.ppp = state.ppp.status();
    status.peer_name = state.is_client() ? state.peer_certificate_name : status.ppp.peer_name;
    status.tls_version = state.tls_version;
    status.tls_suite = state.tls_suite;
    status.binding_hash = state.bound ? state.hash : 0;
    status.correlation = state.correlation;
    status.hellos = state.hellos;
    status.data_in = state.data_in;
    status.data_out = state.data_out;
    status.control_in = state.control_in;
    status.control_out = state.control_out;
    status.dropped = state.dropped;
    return status;
}

const Options& Session::options() const { return state_->options; }

}  // namespace gatelab::sstp
