// Control packets in and out, and the turn that every event ends with.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "impl/openvpn/session_state.h"

namespace gatelab::openvpn {
namespace {

using Phase = Session::State::Phase;

// Larger ones than any honest control packet are not even looked at: a reset with a wrapped key has about 1,100 octets.
constexpr std::size_t kLargestControlPacket = 4096;

std::string_view name_of(Phase phase) {
    switch (phase) {
        case Phase::Idle: return "idle";
        case Phase::Resetting: return "resetting";
        case Phase::Handshaking: return "handshaking";
        case Phase::KeysExchanged: return "keys-exchanged";
        case Phase::Authorizing: return "authorizing";
        case Phase::Established: return "established";
        case Phase::Leaving: return "leaving";
        case Phase::Closed: return "closed";
    }
    return "unknown";
}

Attributes attributes_of(const ControlPacket& packet, std::size_t size) {
    Attributes attributes{{"opcode", std::string{name_of(packet.opcode)}},
                          {"key_id", std::int64_t{packet.key_id}},
                          {"size", static_cast<std::int64_t>(size)}};
    if (packet.opcode != Opcode::AckV1) attributes.emplace_back("packet_id", std::int64_t{packet.packet_id});
    if (!packet.acks.empty()) attributes.emplace_back("acks", fmt::format("{}", fmt::join(packet.acks, " ")));
    return attributes;
}

bool is_client_reset(Opcode opcode) {
    return opcode == Opcode::ControlHardResetClientV2 || opcode == Opcode::ControlHardResetClientV3;
}

}  // namespace

void Session::State::handle_packet(Instant now, ByteView packet) {
    if (phase == Phase::Idle || phase == Phase::Closed) return;
    if (packet.size() > kLargestControlPacket) return drop(now, "a control packet too large");
    const auto head = head_of(packet);
    if (!head || is_data(head->opcode)) return drop(now, "not a control packet");
    const auto plain = channel.unprotect(now, packet);
    if (!plain) return drop(now, plain.error().detail);
    const auto parsed = parse_control(*plain);
    if (!parsed) return drop(now, parsed.error().detail);

    std::string why_not;
    auto* key = route(now, *parsed, why_not);
    if (!key) {
        drop(now, std::move(why_not));
        return settle(now);
    }
    last_heard = now;
    trace("message-received", attributes_of(*parsed, packet.size()));
    if (auto unused = key->negotiation->handle(now, *parsed)) drop(now, std::move(*unused));
    if (phase == Phase::Resetting && parsed->opcode != Opcode::AckV1 && !is_client_reset(parsed->opcode))
        become(Phase::Handshaking, "the resets are through");
    settle(now);
}

// The key that the packet belongs to; a first hard reset or a soft reset makes one.
Session::State::Key* Session::State::route(Instant now, const ControlPacket& packet, std::string& why_not) {
    if (packet.session == SessionId{}) return why_not = "a session id of zeros", nullptr;
    if (packet.peer_session && *packet.peer_session != own) return why_not = "acknowledges another session", nullptr;
    if (!peer) return greet(now, packet, why_not);
    if (packet.session != *peer) return why_not = "a packet of another session", nullptr;
    const auto wrong_reset =
        is_client() ? is_client_reset(packet.opcode) : packet.opcode == Opcode::ControlHardResetServerV2;
    if (wrong_reset) return why_not = "a hard reset of our own role", nullptr;

    for (auto& key : keys)
        if (key.negotiation->id() == packet.key_id) return &key;
    if (packet.opcode == Opcode::ControlSoftResetV1 && packet.key_id == next_key_id && is_up() &&
        keys.back().installed) {
        // The peer begins anew only when the last key is complete for it: an acknowledgement that we still wait for
        // would never come.
        complete(now, keys.back());
        trace("renegotiation-begun", {{"key_id", std::int64_t{packet.key_id}}, {"by", std::string{"peer"}}});
        begin_key(now, Opcode::ControlSoftResetV1);
        return ending ? nullptr : &keys.back();
    }
    why_not = "key id " + std::to_string(packet.key_id) + " is not in use";
    return nullptr;
}

// Before the peer is known: the first packet must be the other role's hard reset.
Session::State::Key* Session::State::greet(Instant now, const ControlPacket& packet, std::string& why_not) {
    const bool expected = is_client() ? packet.opcode == Opcode::ControlHardResetServerV2 && packet.peer_session
                                      : is_client_reset(packet.opcode);
    if (!expected || packet.key_id != 0) return why_not = "not the hard reset that comes first", nullptr;
    peer = packet.session;
    if (is_client()) {
        keys.back().negotiation->set_peer(*peer);
    } else {
        begin_key(now, Opcode::ControlHardResetServerV2);
    }
    return ending ? nullptr : &keys.back();
}

void Session::State::settle(Instant now) {
    for (bool more = true; more && !ending && phase != Phase::Closed;) {
        more = false;
        for (std::size_t i = 0; i < keys.size() && !ending; ++i) {
            for (auto& output : keys[i].negotiation->drain()) {
                more = true;
                take_output(now, keys[i], output);
                if (ending) break;
            }
        }
        if (!ending) advance(now);
    }
    if (phase == Phase::Closed) return;
    flush(now);
    if (leaving && !ending) leave(now);
    if (ending) conclude();
}

void Session::State::flush(Instant now) {
    for (auto& key : keys)
        key.negotiation->flush(now,
                               [&](const ControlPacket& packet, bool repeated) { transmit(now, packet, repeated); });
    const bool waiting = !keys.empty() && keys.back().complete && !keys.back().negotiation->is_idle();
    if (!waiting) {
        unacknowledged_since.reset();
    } else if (!unacknowledged_since) {
        unacknowledged_since = now;
    }
}

void Session::State::transmit(Instant now, const ControlPacket& packet, bool repeated) {
    auto wire = channel.protect(now, encode(packet));
    auto attributes = attributes_of(packet, wire.size());
    attributes.emplace_back("retransmission", repeated);
    trace("message-sent", std::move(attributes));
    outputs.emplace_back(Send{std::move(wire)});
    last_sent = now;
}

void Session::State::drop(Instant now, std::string why) {
    if (auto told = drops.note(now, std::move(why))) outputs.emplace_back(std::move(*told));
}

void Session::State::become(Phase next, std::string_view why) {
    if (phase == next) return;
    trace("state-changed",
          {{"from", std::string{name_of(phase)}}, {"to", std::string{name_of(next)}}, {"why", std::string{why}}});
    phase = next;
}

void Session::State::end(CloseReason reason, std::string detail) {
    if (!ending && phase != Phase::Closed) ending.emplace(reason, std::move(detail));
}

void Session::State::conclude() {
    become(Phase::Closed, openvpn::name_of(ending->first));
    outputs.emplace_back(Closed{ending->first, std::move(ending->second)});
    for (auto& key : keys) key.negotiation->end_tls();
    deadline.reset();
}

void Session::State::trace(std::string event, Attributes attributes) {
    outputs.emplace_back(Trace{std::move(event), std::move(attributes)});
}

}  // namespace gatelab::openvpn
