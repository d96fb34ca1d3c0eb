// Whose packet it is, and what is done with one that is nobody's yet.
#include <algorithm>

#include "impl/openvpn/listener_state.h"

namespace gatelab::openvpn {
namespace {

constexpr std::size_t kControlHead = 9;           // opcode, session id
constexpr std::size_t kPacketNumberAt = 9;        // of tls-crypt, behind the head
constexpr std::uint8_t kEarlyNegotiation = 0x0f;  // first octet of the packet id of who can do it
constexpr std::uint16_t kEarlyNegotiationFlags = 1, kResendWrappedKey = 1;

SessionId session_in(ByteView packet) {
    SessionId id{};
    std::ranges::copy(packet.subspan(1, id.size()), id.begin());
    return id;
}

std::optional<std::uint32_t> peer_id_in(ByteView packet) {
    if (head_of(packet)->opcode != Opcode::DataV2 || packet.size() < 4) return {};
    const auto id = ByteReader{packet.subspan(1)}.u24();
    if (id == kMostPeerIds) return {};
    return id;
}

// What a client says next after our hard reset: an acknowledgement of that, or its first packet of TLS. Anything later
// belongs to a session that is no more.
bool is_first_answer(const ControlPacket& packet) {
    if (!packet.peer_session || packet.key_id != 0) return false;
    if (std::ranges::any_of(packet.acks, [](std::uint32_t id) { return id != 0; })) return false;
    return packet.opcode == Opcode::AckV1 || packet.packet_id == 1;
}

}  // namespace

std::optional<Listener::Inner> Listener::State::handle_datagram(Instant now, const Endpoint& from, ByteView packet) {
    const auto head = head_of(packet);
    if (!head) {
        ++counters.malformed;
        return {};
    }
    if (is_data(head->opcode)) return handle_data(now, from, packet);
    handle_control(now, from, packet);
    return {};
}

void Listener::State::handle_control(Instant now, const Endpoint& from, ByteView packet) {
    const auto head = *head_of(packet);
    if (packet.size() < kControlHead) {
        ++counters.malformed;
        return;
    }
    const auto remote = session_in(packet);
    if (const auto there = by_peer.find(from); there != by_peer.end()) {
        for (const auto id : there->second) {
            auto& client = *find(id);
            if (client.remote != remote) continue;
            client.session.handle_packet(now, packet);
            return settle(client);
        }
    }
    if (head.key_id != 0 || remote == SessionId{}) {
        ++counters.unknown;
        return;
    }
    switch (head.opcode) {
        case Opcode::ControlHardResetClientV2:
        case Opcode::ControlHardResetClientV3: return handle_reset(now, from, packet, head.opcode);
        case Opcode::ControlV1:
        case Opcode::ControlWkcV1:
        case Opcode::AckV1: return handle_answer(now, from, packet);
        default: ++counters.unknown;
    }
}

void Listener::State::handle_reset(Instant now, const Endpoint& from, ByteView packet, Opcode opcode) {
    const bool wraps_keys = std::holds_alternative<TlsCryptV2>(options.session.protection);
    if (wraps_keys != (opcode == Opcode::ControlHardResetClientV3)) {
        ++counters.unauthentic;
        return;
    }
    auto channel = judge.fresh();
    const auto plain = channel.unprotect(now, packet);
    if (!plain) {
        ++counters.unauthentic;
        return;
    }
    const auto reset = parse_control(*plain);
    if (!reset || reset->packet_id != 0) {
        ++counters.malformed;
        return;
    }
    const bool early = wraps_keys && packet[kPacketNumberAt] == kEarlyNegotiation;
    if (!wraps_keys || early) return send_cookie(now, from, channel, reset->session, early);
    // Without its key, which came just now, nothing later of this client could be read: it needs a session at once.
    auto* client = add(Session::create(options.session, random), from, reset->session);
    if (client == nullptr) return;
    client->session.start(now);
    client->session.handle_packet(now, packet);
    settle(*client);
}

void Listener::State::send_cookie(Instant now, const Endpoint& to, ControlChannel& channel, const SessionId& client,
                                  bool bring_key_again) {
    ControlPacket reply;
    reply.opcode = Opcode::ControlHardResetServerV2;
    reply.session = cookies.make(now, to, client);
    reply.acks = {0};
    reply.peer_session = client;
    if (bring_key_again) {  // type, length, value
        ByteWriter flags;
        flags.u16(kEarlyNegotiationFlags).u16(2).u16(kResendWrappedKey);
        reply.payload = flags.take();
    }
    ++counters.cookies_sent;
    outputs.emplace_back(Send{to, channel.protect(now, encode(reply))});
}

void Listener::State::handle_answer(Instant now, const Endpoint& from, ByteView packet) {
    auto channel = judge.fresh();
    const auto plain = channel.unprotect(now, packet);
    if (!plain) {
        ++counters.unauthentic;
        return;
    }
    const auto answer = parse_control(*plain);
    if (!answer) {
        ++counters.malformed;
        return;
    }
    if (!is_first_answer(*answer)) {
        ++counters.unknown;
        return;
    }
    if (!cookies.holds(now, *answer->peer_session, from, answer->session)) {
        ++counters.cookies_wrong;
        return;
    }
    Session::Resumption resumption{*answer->peer_session, answer->session, 1, judge.fresh()};
    resumption.channel.start_at(2);  // the cookie had the first number
    auto* client = add(Session::resume(options.session, random, std::move(resumption), now), from, answer->session);
    if (client == nullptr) return;
    client->session.handle_packet(now, packet);
    settle(*client);
}

std::optional<Listener::Inner> Listener::State::handle_connection(Instant now, ConnectionId from, ByteView packet) {
    const auto head = head_of(packet);
    if (!head) {
        ++counters.malformed;
        return {};
    }
    auto* client = at(from);
    if (client == nullptr) {
        if (head->opcode != Opcode::ControlHardResetClientV2 && head->opcode != Opcode::ControlHardResetClientV3) {
            ++counters.unknown;
            return {};
        }
        client = add(Session::create(options.session, random), from, {});
        if (client == nullptr) {
            outputs.emplace_back(CloseConnection{from});
            return {};
        }
        client->session.start(now);
    }
    if (is_data(head->opcode)) return open(now, *client, packet);
    client->session.handle_packet(now, packet);
    settle(*client);
    return {};
}

std::optional<Listener::Inner> Listener::State::handle_data(Instant now, const Endpoint& from, ByteView packet) {
    auto* client = owner_of_data(from, packet);
    if (client == nullptr) {
        ++counters.unknown;
        return {};
    }
    if (client->peer != Peer{from} && !move(*client, from, packet)) {
        ++counters.unauthentic;
        return {};
    }
    return open(now, *client, packet);
}

// By its peer id, else by the address: where several sessions live at one, that which the packet proves its own.
Listener::State::Client* Listener::State::owner_of_data(const Endpoint& from, ByteView packet) {
    if (const auto peer_id = peer_id_in(packet)) {
        const auto found = by_peer_id.find(*peer_id);
        return found == by_peer_id.end() ? nullptr : find(found->second);
    }
    const auto there = by_peer.find(from);
    if (there == by_peer.end()) return nullptr;
    if (there->second.size() == 1) return find(*there->second.begin());
    for (const auto id : there->second)
        if (auto* client = find(id); client->session.is_genuine(packet)) return client;
    return nullptr;
}

// Data from a new address moves its session there: only a packet that is authentic and was never seen before, or
// whoever copied one could take the session away.
bool Listener::State::move(Client& client, const Endpoint& to, ByteView packet) {
    const auto* from = std::get_if<Endpoint>(&client.peer);
    if (from == nullptr || !options.allow_float || !client.session.is_genuine(packet)) return false;
    ++counters.floats;
    outputs.emplace_back(Floated{client.id, *from, to});
    const auto there = by_peer.find(client.peer);
    there->second.erase(client.id);
    if (there->second.empty()) by_peer.erase(there);
    client.peer = to;
    by_peer[to].insert(client.id);
    return true;
}

std::optional<Listener::Inner> Listener::State::open(Instant now, Client& client, ByteView packet) {
    const auto id = client.id;
    const auto inner = client.session.open(now, packet);
    settle(client);
    if (inner.empty() || find(id) == nullptr) return {};
    return Inner{id, inner};
}

}  // namespace gatelab::openvpn
