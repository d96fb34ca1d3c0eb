#include "conformance/rogue_sstp.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "impl/http/head.h"

namespace gatelab::conformance {

using namespace sstp;

namespace {

constexpr std::uint16_t kLengthMask = 0x0fff;

sstp::HigherLayerKey key_of(const RoguePpp& ppp) { return higher_layer_key(ppp.keys()); }

}  // namespace

RogueSstp::RogueSstp(SstpRogueOptions options, Random& random, std::function<void(ByteView)> send)
    : options_(std::move(options)),
      random_(random),
      send_(std::move(send)),
      ppp_(options_.ppp, random, [this](ByteView frame) { write(data_packet(frame)); }) {
    ppp_.on_authenticated = [this] {
        if (options_.client) prove();
    };
}

void RogueSstp::start(Instant now) {
    now_ = now;
    auto with = options_.tls;
    with.role = options_.client ? tls::Role::Client : tls::Role::Server;
    if (with.identity && !options_.client) certificate_ = with.identity->certificate.der();
    auto engine = tls::Engine::create(std::move(with));
    if (!engine) {
        ended_ = engine.error().detail;
        return;
    }
    tls_.emplace(std::move(*engine));
    tls_->start(now);
    drain();
}

void RogueSstp::handle_bytes(Instant now, ByteView bytes) {
    now_ = now;
    if (!tls_) return;
    tls_->handle_bytes(now, bytes);
    drain();
}

void RogueSstp::drain() {
    for (auto& output : tls_->drain()) {
        if (auto* records = std::get_if<tls::Engine::Send>(&output)) {
            send_(hooks.tls ? hooks.tls(std::move(records->records)) : std::move(records->records));
        } else if (const auto* up = std::get_if<tls::Engine::Established>(&output)) {
            tls_version_ = fmt::format("{}/{}", tls::name_of(up->version), up->cipher_suite);
            if (options_.client && up->peer) certificate_ = up->peer->der();
            if (options_.client) say_head(http_request());
        } else if (const auto* received = std::get_if<tls::Engine::Received>(&output)) {
            append(pending_, received->plaintext);
            take_plaintext();
        } else if (const auto* closed = std::get_if<tls::Engine::Closed>(&output)) {
            ended_ = std::string{tls::name_of(closed->reason)} + ": " + closed->detail;
        }
    }
}

void RogueSstp::write(Instant now, ByteView plaintext) {
    now_ = now;
    if (!tls_ || plaintext.empty()) return;
    tls_->write(now, plaintext);
    drain();
}

void RogueSstp::close_tls(Instant now) {
    now_ = now;
    if (!tls_) return;
    tls_->close(now);
    drain();
}

// --- HTTP -------------------------------------------------------------------------------------------------------

Bytes RogueSstp::http_request() const {
    http::Request request{"SSTP_DUPLEX_POST", kSstpUri, "HTTP/1.1", {}};
    request.fields = {{"Content-Length", "18446744073709551615"},
                      {"Host", options_.host},
                      {"SSTPCORRELATIONID", "{6a3a9a0e-5a0f-4b8e-9c0f-0a1b2c3d4e5f}"}};
    return http::encode(request);
}

void RogueSstp::say_head(Bytes head) {
    if (hooks.http) head = hooks.http(std::move(head));
    write(head);
}

int RogueSstp::http_status() const {
    const auto end = http_.find("\r\n\r\n");
    if (end == std::string::npos) return 0;
    const auto answer = http::parse_response(std::string_view{http_}.substr(0, end + 4));
    return answer ? answer->status : 0;
}

// Moves a head out of what came; false while there is none.
bool RogueSstp::take_head() {
    const auto text = as_text(pending_);
    const auto end = text.find("\r\n\r\n");
    const auto size = end == std::string::npos ? text.size() : end + 4;
    http_ += text.substr(0, size);
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(size));
    if (http_.find("\r\n\r\n") == std::string::npos) return false;
    http_done_ = true;
    if (!options_.client) {
        say_head(http::encode(
            http::Response{200, "OK", "HTTP/1.1", {{"Content-Length", "18446744073709551615"}, {"Server", "rogue"}}}));
    } else if (http_status() == 200) {
        send({MessageType::CallConnectRequest, {EncapsulatedProtocol{}}});
    }
    return true;
}

// --- SSTP -------------------------------------------------------------------------------------------------------

Bytes RogueSstp::data_packet(ByteView frame) {
    ByteWriter writer;
    writer.u8(kVersion).u8(0).u16(static_cast<std::uint16_t>(kHeaderSize + frame.size())).bytes(frame);
    return writer.take();
}

void RogueSstp::send(const Message& message) {
    auto packet = encode(message);
    if (!hooks.control) return write(packet);
    for (const auto& one : hooks.control(message, std::move(packet))) write(one);
}

void RogueSstp::send_raw(const Message& message) { write(encode(message)); }

Bytes RogueSstp::call_connected() const {
    const auto hashes = asked_ ? asked_->hashes : kSha256;
    return sstp::call_connected((hashes & kSha256) != 0 ? kSha256 : kSha1, asked_ ? asked_->nonce : Nonce{},
                                key_of(ppp_), certificate_);
}

void RogueSstp::prove() {
    connected_ = true;
    if (!hooks.sends_connected) return;
    auto packet = call_connected();
    const auto parsed = parse_message(packet);
    if (!hooks.control) return write(packet);
    for (const auto& one : hooks.control(std::get<Message>(parsed), std::move(packet))) write(one);
}

void RogueSstp::take_plaintext() {
    if (!http_done_ && !take_head()) return;
    if (options_.client && http_status() != 200) {
        http_ += as_text(std::exchange(pending_, {}));  // the text of a refusal
        return;
    }
    while (pending_.size() >= kHeaderSize) {
        const std::size_t length = (pending_[2] << 8 | pending_[3]) & kLengthMask;
        if (length < kHeaderSize || pending_.size() < length) return;
        const Bytes packet(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(length));
        pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(length));
        ++packets_;
        if ((packet[1] & 1) == 0) {
            // A server lets the client begin: what comes before the client's PPP runs would have to be said again.
            const bool begins = !options_.client && asked_ && hooks.starts_ppp && !std::exchange(ppp_begun_, true);
            if (begins) ppp_.start();
            ppp_.take(ByteView{packet}.subspan(kHeaderSize));
            continue;
        }
        if (const auto message = parse_message(packet); std::holds_alternative<Message>(message))
            take_message(std::get<Message>(message), packet);
    }
}

void RogueSstp::take_message(const Message& message, ByteView packet) {
    heard_.push_back({now_, message, copy_of(packet)});
    if (hooks.take && !hooks.take(message)) return;
    switch (message.type) {
        case MessageType::EchoRequest: return send({MessageType::EchoResponse, {}});
        case MessageType::CallDisconnect: return send({MessageType::CallDisconnectAck, {}});
        case MessageType::CallAbort:
            if (heard(MessageType::CallAbort) == 1) send({MessageType::CallAbort, {}});
            return;
        default: return options_.client ? take_as_client(message) : take_as_server(message, packet);
    }
}

void RogueSstp::take_as_client(const Message& message) {
    if (message.type != MessageType::CallConnectAck || asked_) return;
    for (const auto& attribute : message.attributes)
        if (const auto* request = std::get_if<CryptoBindingRequest>(&attribute)) asked_ = *request;
    if (hooks.starts_ppp) ppp_.start();
}

void RogueSstp::take_as_server(const Message& message, ByteView packet) {
    if (message.type == MessageType::CallConnectRequest && !asked_) {
        asked_ = CryptoBindingRequest{options_.hashes, {}};
        random_.fill(asked_->nonce);
        send({MessageType::CallConnectAck, {*asked_}});
    }
    if (message.type != MessageType::CallConnected || !asked_) return;
    for (const auto& attribute : message.attributes)
        if (const auto* binding = std::get_if<CryptoBinding>(&attribute))
            broken_part_ =
                sstp::broken_part(packet, *binding, asked_->hashes, asked_->nonce, key_of(ppp_), certificate_);
    if (!std::exchange(connected_, true)) ppp_.start_ipcp();
}

// --- what it saw ------------------------------------------------------------------------------------------------

std::size_t RogueSstp::heard(MessageType type) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(heard_, [&](const auto& one) { return one.message.type == type; }));
}

const RogueSstp::Heard* RogueSstp::first(MessageType type) const {
    for (const auto& one : heard_)
        if (one.message.type == type) return &one;
    return nullptr;
}

std::vector<StatusInfo> RogueSstp::statuses(MessageType type) const {
    std::vector<StatusInfo> found;
    for (const auto& one : heard_)
        if (one.message.type == type)
            for (const auto& attribute : one.message.attributes)
                if (const auto* status = std::get_if<StatusInfo>(&attribute)) found.push_back(*status);
    return found;
}

}  // namespace gatelab::conformance
