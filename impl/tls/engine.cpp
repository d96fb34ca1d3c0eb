#include "impl/tls/engine.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>

#include "impl/crypto/openssl.h"
#include "impl/tls/context.h"

namespace gatelab::tls {
namespace {

using crypto::must;

// What an owner may write before the handshake ends.
constexpr std::size_t kMostQueued = 64 * 1024;

// One record's plaintext (RFC 8446 section 5.1).
constexpr std::size_t kRecord = 16 * 1024;

// Header, explicit nonce or IV, padding and MAC of one (RFC 5246 section 6.2.3: at most 2048 octets).
constexpr std::size_t kMostRecordOverhead = 5 + 2048;

// Quick when there are none, as on every packet.
void clear_errors() {
    if (ERR_peek_error() != 0) ERR_clear_error();
}

struct Failure {
    CloseReason reason;
    std::string detail;
};

bool is_disagreement(int reason) {
    switch (reason) {
        case SSL_R_NO_SHARED_CIPHER:
        case SSL_R_NO_CIPHERS_AVAILABLE:
        case SSL_R_NO_CIPHERS_SPECIFIED:
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_UNSUPPORTED_SSL_VERSION:
        case SSL_R_VERSION_TOO_LOW:
        case SSL_R_VERSION_TOO_HIGH:
        case SSL_R_WRONG_SSL_VERSION:
        case SSL_R_UNKNOWN_CIPHER_RETURNED:
        case SSL_R_WRONG_CIPHER_RETURNED: return true;
        default: return false;
    }
}

// "unknown CA". TLS 1.3's alerts have a name only among the errors: "tlsv13 alert certificate required".
std::string alert_name(unsigned long error) {
    const std::string name = SSL_alert_desc_string_long(ERR_GET_REASON(error) - SSL_AD_REASON_OFFSET);
    const char* text = ERR_reason_error_string(error);
    if (name != "unknown" || !text) return name;
    const std::string_view whole = text;
    const auto at = whole.find("alert ");
    return std::string{at == whole.npos ? whole : whole.substr(at + 6)};
}

// What OpenSSL's queue says about a failed call; empties it.
Failure take_failure() {
    unsigned long newest = 0;
    while (const auto code = ERR_get_error())
        if (ERR_GET_LIB(code) == ERR_LIB_SSL || ERR_GET_LIB(newest) != ERR_LIB_SSL) newest = code;
    const int reason = ERR_GET_REASON(newest);
    if (ERR_GET_LIB(newest) == ERR_LIB_SSL) {
        if (reason > SSL_AD_REASON_OFFSET) return {CloseReason::PeerAlert, alert_name(newest)};
        if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
            return {CloseReason::Unauthentic, "the peer sent no certificate"};
        if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) return {CloseReason::Unauthentic, "certificate refused"};
    }
    const char* text = ERR_reason_error_string(newest);
    return {is_disagreement(reason) ? CloseReason::NoCommonSuite : CloseReason::Protocol, text ? text : "unknown"};
}

Result<crypto::Certificate> certificate_from(X509* x509) {
    Bytes der(static_cast<std::size_t>(std::max(0, i2d_X509(x509, nullptr))));
    auto* at = der.data();
    if (der.empty() || i2d_X509(x509, &at) <= 0) return fail(Fault::Malformed, "certificate that cannot be encoded");
    return crypto::Certificate::from_der(der);
}

}  // namespace

std::string_view name_of(CloseReason reason) {
    switch (reason) {
        case CloseReason::Requested: return "requested";
        case CloseReason::PeerClosed: return "peer-closed";
        case CloseReason::PeerAlert: return "peer-alert";
        case CloseReason::Unauthentic: return "unauthentic";
        case CloseReason::NoCommonSuite: return "no-common-suite";
        case CloseReason::Protocol: return "protocol";
    }
    return "unknown";
}

struct Engine::State {
    enum class Stage { Handshaking, Established, Closed };

    Result<void> prepare();
    void feed(Instant at, ByteView records, FunctionRef<void(ByteView)> deliver);
    void run(Instant at, FunctionRef<void(ByteView)> deliver);
    void read(FunctionRef<void(ByteView)> deliver);
    void send(ByteView plaintext);
    void flush();
    void keep_buffers();
    auto received() {
        return [this](ByteView plaintext) { outputs.push_back(Received{copy_of(plaintext)}); };
    }
    void establish();
    void finish(CloseReason, std::string detail);
    void fail_with(Failure);
    bool accept_certificate(X509_STORE_CTX*);

    // OpenSSL's callbacks.
    static int on_verify(X509_STORE_CTX*, void* state);
    static int on_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                       unsigned in_size, void* state);
    static void on_key_log(const SSL*, const char* line);

    Options options;
    Bytes protocols;  // ALPN, as on the wire
    OwnedContext context;
    OwnedConnection connection;
    BIO* incoming = nullptr;  // owned by the connection
    BIO* outgoing = nullptr;
    Stage stage = Stage::Handshaking;
    Instant now{};
    Bytes queued;
    std::optional<crypto::Certificate> peer;
    std::string refusal;  // why the peer's certificate did not pass
    std::vector<Output> outputs;
};

Result<void> Engine::State::prepare() {
    auto list = alpn_list(options.alpn);
    if (!list) return pass(list);
    protocols = std::move(*list);
    auto made_context = make_context(options);
    if (!made_context) return pass(made_context);
    context = std::move(*made_context);
    SSL_CTX_set_cert_verify_callback(context.get(), on_verify, this);
    SSL_CTX_set_keylog_callback(context.get(), on_key_log);
    if (options.role == Role::Server && !protocols.empty()) SSL_CTX_set_alpn_select_cb(context.get(), on_alpn, this);

    auto made_connection = make_connection(context.get(), options);
    if (!made_connection) return pass(made_connection);
    connection = std::move(*made_connection);
    SSL_set_app_data(connection.get(), this);
    incoming = must(BIO_new(BIO_s_mem()), "a buffer");
    outgoing = must(BIO_new(BIO_s_mem()), "a buffer");
    SSL_set_bio(connection.get(), incoming, outgoing);
    return {};
}

// Advances the handshake and reads what has come, until OpenSSL wants more bytes.
void Engine::State::run(Instant at, FunctionRef<void(ByteView)> deliver) {
    now = at;
    clear_errors();
    if (stage == Stage::Handshaking) {
        const int result = SSL_do_handshake(connection.get());
        const int error = SSL_get_error(connection.get(), result);
        flush();
        if (result == 1) {
            establish();
        } else if (error == SSL_ERROR_ZERO_RETURN) {
            finish(CloseReason::PeerClosed, "during the handshake");
        } else if (error != SSL_ERROR_WANT_READ) {
            fail_with(take_failure());
        }
    }
    if (stage == Stage::Established) read(deliver);
}

void Engine::State::feed(Instant at, ByteView records, FunctionRef<void(ByteView)> deliver) {
    while (!records.empty() && stage != Stage::Closed) {
        const auto piece = records.first(std::min(records.size(), kRecord));
        must(BIO_write(incoming, piece.data(), static_cast<int>(piece.size())) == static_cast<int>(piece.size()),
             "to keep received bytes");
        records = records.subspan(piece.size());
        run(at, deliver);
    }
}

void Engine::State::read(FunctionRef<void(ByteView)> deliver) {
    std::array<std::uint8_t, kRecord> buffer;
    // Asking only when there is something saves half the work of a packet.
    while (stage == Stage::Established && (BIO_ctrl_pending(incoming) > 0 || SSL_pending(connection.get()) > 0)) {
        const int size = SSL_read(connection.get(), buffer.data(), static_cast<int>(buffer.size()));
        if (size > 0) {
            deliver(ByteView{buffer}.first(static_cast<std::size_t>(size)));
            continue;
        }
        const int error = SSL_get_error(connection.get(), size);
        if (error == SSL_ERROR_WANT_READ) break;
        if (error != SSL_ERROR_ZERO_RETURN) return fail_with(take_failure());
        // RFC 5246 section 7.2.1: answered with a close_notify of our own.
        SSL_shutdown(connection.get());
        flush();
        finish(CloseReason::PeerClosed, "close_notify");
    }
    flush();  // an answer to a KeyUpdate (RFC 8446 section 4.6.3)
}

void Engine::State::send(ByteView plaintext) {
    while (!plaintext.empty()) {
        const auto piece = plaintext.first(std::min(plaintext.size(), kRecord));
        if (SSL_write(connection.get(), piece.data(), static_cast<int>(piece.size())) <= 0)
            return fail_with(take_failure());
        plaintext = plaintext.subspan(piece.size());
    }
    flush();
}

void Engine::State::flush() {
    char* records = nullptr;
    const long size = BIO_get_mem_data(outgoing, &records);
    if (size <= 0) return;
    outputs.push_back(Send{{records, records + size}});
    must(BIO_reset(outgoing) == 1, "to empty a buffer");
}

// Connections give their buffers back after every record (context.cpp), which strangers may have many of; one that
// carries packets keeps them.
void Engine::State::keep_buffers() { SSL_clear_mode(connection.get(), SSL_MODE_RELEASE_BUFFERS); }

void Engine::State::establish() {
    stage = Stage::Established;
    auto* tls = connection.get();
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(tls, &chosen, &size);
    outputs.push_back(Established{.version = SSL_version(tls) == TLS1_3_VERSION ? Version::Tls13 : Version::Tls12,
                                  .cipher_suite = SSL_CIPHER_standard_name(SSL_get_current_cipher(tls)),
                                  .peer = peer,
                                  .alpn = as_text({chosen, size})});
    const Bytes waiting = std::exchange(queued, {});
    send(waiting);
}

void Engine::State::finish(CloseReason reason, std::string detail) {
    stage = Stage::Closed;
    queued = {};
    outputs.push_back(Closed{reason, std::move(detail)});
}

void Engine::State::fail_with(Failure failure) {
    flush();  // the alert
    if (failure.reason == CloseReason::Unauthentic && !refusal.empty()) failure.detail = refusal;
    finish(failure.reason, std::move(failure.detail));
}

// RFC 5280 section 6 at the owner's time, then the owner's own judgement. The error left behind picks the alert.
bool Engine::State::accept_certificate(X509_STORE_CTX* chain) {
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(chain), unix_seconds(now));
    const bool holds = X509_verify_cert(chain) == 1;
    auto leaf = certificate_from(X509_STORE_CTX_get0_cert(chain));
    if (!holds) {
        const int error = X509_STORE_CTX_get_error(chain);
        auto* culprit = X509_STORE_CTX_get_current_cert(chain);
        const auto named = culprit ? certificate_from(culprit) : leaf;
        refusal = "certificate of " + (named ? named->subject() : "the peer") + ": " +
                  X509_verify_cert_error_string(error) + " (" + std::to_string(error) + ")";
        return false;
    }
    const auto judged = !leaf ? Result<void>{pass(leaf)} : options.judge ? options.judge(*leaf) : Result<void>{};
    if (!judged) {
        refusal = judged.error().detail;
        X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_REJECTED);
        return false;
    }
    peer = std::move(*leaf);
    return true;
}

int Engine::State::on_verify(X509_STORE_CTX* chain, void* state) {
    const bool accepted = static_cast<State*>(state)->accept_certificate(chain);
    ERR_clear_error();
    return accepted ? 1 : 0;
}

int Engine::State::on_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                           unsigned in_size, void* state) {
    const auto& ours = static_cast<State*>(state)->protocols;
    unsigned char* chosen = nullptr;
    // Without overlap it would choose the client's first; RFC 7301 section 3.2 wants an alert.
    if (SSL_select_next_proto(&chosen, out_size, ours.data(), static_cast<unsigned>(ours.size()), in, in_size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

void Engine::State::on_key_log(const SSL* connection, const char* line) {
    static_cast<State*>(SSL_get_app_data(connection))->outputs.push_back(Secret{line});
}

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

Result<Engine> Engine::create(Options options) {
    auto state = std::make_unique<State>();
    state->options = std::move(options);
    if (const auto prepared = state->prepare(); !prepared) return pass(prepared);
    return Engine{std::move(state)};
}

void Engine::start(Instant now) {
    if (state_->stage == State::Stage::Handshaking) state_->run(now, state_->received());
}

void Engine::handle_bytes(Instant now, ByteView records) { state_->feed(now, records, state_->received()); }

void Engine::open(Instant now, ByteView records, FunctionRef<void(ByteView)> deliver) {
    state_->keep_buffers();
    state_->feed(now, records, deliver);
}

bool Engine::seal(Instant now, ByteView plaintext, FunctionRef<void(ByteView)> send) {
    if (!is_established()) return false;
    state_->now = now;
    state_->keep_buffers();
    std::array<std::uint8_t, kRecord + kMostRecordOverhead> record;
    while (!plaintext.empty()) {
        const auto piece = plaintext.first(std::min(plaintext.size(), kRecord));
        clear_errors();
        if (SSL_write(state_->connection.get(), piece.data(), static_cast<int>(piece.size())) <= 0) {
            state_->fail_with(take_failure());
            return false;
        }
        plaintext = plaintext.subspan(piece.size());
        const int size = BIO_read(state_->outgoing, record.data(), static_cast<int>(record.size()));
        must(size > 0 && BIO_ctrl_pending(state_->outgoing) == 0, "one record");
        send(ByteView{record}.first(static_cast<std::size_t>(size)));
    }
    return true;
}

void Engine::write(Instant now, ByteView plaintext) {
    state_->now = now;
    ERR_clear_error();
    if (state_->stage == State::Stage::Established) return state_->send(plaintext);
    if (state_->stage == State::Stage::Closed) return;
    if (state_->queued.size() + plaintext.size() > kMostQueued)
        return state_->finish(CloseReason::Protocol, "more than 64 KiB were written before the handshake ended");
    append(state_->queued, plaintext);
}

void Engine::close(Instant now) {
    state_->now = now;
    if (state_->stage == State::Stage::Closed) return;
    ERR_clear_error();
    // There is nothing to notify a peer of before the handshake ends, and OpenSSL would refuse to.
    if (state_->stage == State::Stage::Established) SSL_shutdown(state_->connection.get());
    ERR_clear_error();
    state_->flush();
    state_->finish(CloseReason::Requested, "");
}

std::vector<Engine::Output> Engine::drain() { return std::exchange(state_->outputs, {}); }

bool Engine::is_established() const { return state_->stage == State::Stage::Established; }

Bytes Engine::export_keying_material(std::string_view label, std::size_t size) const {
    Bytes material(size);
    if (!is_established() || SSL_export_keying_material(state_->connection.get(), material.data(), size, label.data(),
                                                        label.size(), nullptr, 0, 0) != 1)
        return {};
    return material;
}

}  // namespace gatelab::tls
