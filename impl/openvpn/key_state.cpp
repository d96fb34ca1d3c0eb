#include "impl/openvpn/key_state.h"

#include <algorithm>
#include <cassert>

namespace gatelab::openvpn {
namespace {

// TLS records that wait for the window. More than a whole handshake or the largest push never gathers honestly.
constexpr std::size_t kMaxOutgoing = 512 * 1024;
constexpr std::size_t kMaxKeyMethod = 3 * 65535;

// What a server without state says in its hard reset (OpenVPN 2.6, "early negotiation"): type, length, value.
constexpr std::uint16_t kEarlyNegotiationFlags = 1;
constexpr std::uint16_t kResendWrappedKey = 1;

bool is_hard_reset(Opcode opcode) {
    return opcode == Opcode::ControlHardResetClientV2 || opcode == Opcode::ControlHardResetServerV2 ||
           opcode == Opcode::ControlHardResetClientV3;
}

}  // namespace

KeyState::KeyState(Setup setup, tls::Engine engine)
    : setup_(std::move(setup)),
      sender_(setup_.tls_timeout, setup_.reset ? 0 : 1),
      receiver_(setup_.peer_next_id),
      tls_(std::move(engine)) {
    if (setup_.reset) sender_.push(*setup_.reset, {});
}

std::optional<std::string> KeyState::handle(Instant now, const ControlPacket& packet) {
    sender_.acknowledge(packet.acks);
    std::optional<std::string> unused;
    if (packet.opcode != Opcode::AckV1) {
        const auto verdict = receiver_.accept(packet.packet_id, packet.opcode, packet.payload);
        if (verdict == ReliableReceiver::Verdict::TooFarAhead) unused = "a packet id too far ahead";
    }
    // Our own reset must have arrived before TLS speaks.
    const bool may_speak = !setup_.reset || !sender_.has_sent(*setup_.reset);
    if (!tls_started_ && may_speak && tls_) {
        tls_started_ = true;
        tls_->start(now);
    }
    take_packets(now);
    take_tls(now);
    return unused;
}

void KeyState::take_packets(Instant now) {
    while (!failed_) {
        const auto* next = receiver_.next();
        // Until TLS has started, what came early waits in the window.
        if (!next || (!tls_started_ && !is_hard_reset(next->opcode))) return;
        const auto packet = receiver_.take();
        if (is_hard_reset(packet->opcode)) {
            take_reset(packet->payload);
        } else if (!packet->payload.empty() && tls_) {
            tls_->handle_bytes(now, packet->payload);
        }
    }
}

void KeyState::take_reset(ByteView payload) {
    ByteReader reader{payload};
    while (reader.ok() && reader.remaining() > 0) {
        const auto type = reader.u16();
        auto value = reader.nested(reader.u16());
        if (type == kEarlyNegotiationFlags) repeat_wrapped_key_ = (value.u16() & kResendWrappedKey) != 0;
    }
    if (!reader.ok()) fail(CloseReason::ProtocolError, "the peer's hard reset has a broken early negotiation");
}

void KeyState::take_tls(Instant) {
    if (!tls_) return;
    for (auto& output : tls_->drain()) {
        if (auto* send = std::get_if<tls::Engine::Send>(&output)) {
            append(outgoing_, send->records);
        } else if (auto* up = std::get_if<tls::Engine::Established>(&output)) {
            tls_up_ = true;
            outputs_.push_back(TlsUp{std::move(*up)});
        } else if (auto* received = std::get_if<tls::Engine::Received>(&output)) {
            take_plaintext(received->plaintext);
        } else if (auto* secret = std::get_if<tls::Engine::Secret>(&output)) {
            outputs_.push_back(Secret{std::move(secret->line)});
        } else if (auto* closed = std::get_if<tls::Engine::Closed>(&output)) {
            if (closed->reason == tls::CloseReason::PeerClosed && tls_up_) {
                fail(CloseReason::PeerExit, "the peer ended TLS");
            } else {
                fail(CloseReason::TlsFailed, std::string{name_of(closed->reason)} + ": " + closed->detail);
            }
        }
    }
    if (outgoing_.size() > kMaxOutgoing) fail(CloseReason::ProtocolError, "the peer makes TLS talk without end");
}

void KeyState::take_plaintext(ByteView plaintext) {
    if (failed_) return;
    append(incoming_, plaintext);
    if (!peer_source_) {
        const auto peer_role = is_client() ? Role::Server : Role::Client;
        auto parsed = parse_key_method(incoming_, peer_role, kMaxKeyMethod);
        if (!parsed) return fail(CloseReason::ProtocolError, "key method 2: " + parsed.error().detail);
        if (!*parsed) return;
        peer_source_ = (*parsed)->message.source;
        incoming_.erase(incoming_.begin(), incoming_.begin() + static_cast<std::ptrdiff_t>((*parsed)->size));
        outputs_.push_back(PeerKeyMethod{std::move((*parsed)->message)});
    }
    take_messages();
}

void KeyState::take_messages() {
    auto rest = incoming_.begin();
    for (;;) {
        const auto end = std::find(rest, incoming_.end(), 0);
        if (end == incoming_.end()) break;
        if (end != rest) outputs_.push_back(Message{std::string(rest, end)});
        rest = end + 1;
    }
    incoming_.erase(incoming_.begin(), rest);
    if (incoming_.size() > kMaxControlMessage) fail(CloseReason::ProtocolError, "a control message without an end");
}

void KeyState::fail(CloseReason reason, std::string detail) {
    if (failed_) return;
    failed_ = true;
    outputs_.push_back(Failed{reason, std::move(detail)});
}

void KeyState::write(Instant now, ByteView plaintext) {
    if (!tls_ || failed_) return;
    tls_->write(now, plaintext);
    take_tls(now);
}

void KeyState::write_key_method(Instant now, KeyMethodMessage message) {
    own_source_ = message.source;
    write(now, encode(message, setup_.role));
}

void KeyState::queue() {
    while (!outgoing_.empty() && sender_.has_room()) {
        const bool with_key = repeat_wrapped_key_ && sender_.next_id() == 1;
        const auto size = std::min(outgoing_.size(), with_key ? setup_.payload_with_key : setup_.payload);
        const auto end = outgoing_.begin() + static_cast<std::ptrdiff_t>(size);
        sender_.push(with_key ? Opcode::ControlWkcV1 : Opcode::ControlV1, Bytes{outgoing_.begin(), end});
        outgoing_.erase(outgoing_.begin(), end);
    }
}

void KeyState::flush(Instant now, FunctionRef<void(const ControlPacket&, bool repeated)> send) {
    queue();
    // A stateless server must see the wrapped key with the first packet after its reset, so no bare acknowledgement
    // may take that packet's place.
    if (receiver_.owes_acks() && repeat_wrapped_key_ && sender_.next_id() == 1) sender_.push(Opcode::ControlWkcV1, {});
    ControlPacket packet;
    packet.key_id = setup_.key_id;
    packet.session = setup_.own;
    while (const auto due = sender_.next_due(now)) {
        packet.opcode = due->opcode;
        packet.packet_id = due->id;
        packet.payload = due->payload;
        if (setup_.peer) packet.acks = receiver_.take_acks();
        packet.peer_session = packet.acks.empty() ? std::nullopt : setup_.peer;
        send(packet, due->repeated);
    }
    while (receiver_.owes_acks() && setup_.peer) {
        packet.opcode = Opcode::AckV1;
        packet.payload.clear();
        packet.acks = receiver_.take_acks();
        packet.peer_session = setup_.peer;
        send(packet, false);
    }
}

std::vector<KeyState::Output> KeyState::drain() { return std::exchange(outputs_, {}); }

void KeyState::end_tls() {
    tls_.reset();
    outgoing_.clear();
    sender_.forget();
}

DataKeys KeyState::derive(bool by_exporter) const {
    assert(has_both_sources() && setup_.peer);
    if (by_exporter) return derive_by_exporter(*tls_);
    const auto& client = is_client() ? *own_source_ : *peer_source_;
    const auto& server = is_client() ? *peer_source_ : *own_source_;
    const auto& client_session = is_client() ? setup_.own : *setup_.peer;
    const auto& server_session = is_client() ? *setup_.peer : setup_.own;
    return derive_by_prf(client, server, client_session, server_session);
}

}  // namespace gatelab::openvpn
