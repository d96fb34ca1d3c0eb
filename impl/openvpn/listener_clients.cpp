// Sessions coming, speaking and going.
#include "impl/openvpn/listener_state.h"

namespace gatelab::openvpn {
Listener::State::Client* Listener::State::find(ClientId id) {
    const auto found = clients.find(id);
    return found == clients.end() ? nullptr : &found->second;
}

const Listener::State::Client* Listener::State::find(ClientId id) const {
    const auto found = clients.find(id);
    return found == clients.end() ? nullptr : &found->second;
}

Listener::State::Client* Listener::State::at(const Peer& peer) {
    const auto found = by_peer.find(peer);
    return found == by_peer.end() ? nullptr : find(*found->second.begin());
}

bool Listener::State::make_room() {
    if (half_open.size() < options.half_open && clients.size() < options.sessions) return true;
    if (half_open.empty()) {
        ++counters.refused;
        return false;
    }
    ++counters.half_open_evicted;
    drop(*half_open.begin(), CloseReason::HandshakeTimeout, "a newer client took its place");
    return true;
}

Listener::State::Client* Listener::State::add(Result<Session> session, const Peer& peer, const SessionId& remote) {
    if (!session) {
        ++counters.refused;
        return nullptr;
    }
    // A client that tried again before it had come through: its earlier try is of no use to anybody.
    if (const auto there = by_peer.find(peer); there != by_peer.end()) {
        for (const auto id : std::set<ClientId>{there->second})
            if (half_open.contains(id)) drop(id, CloseReason::PeerSilent, "the client began anew");
    }
    if (!make_room()) return nullptr;
    const ClientId id{next_id++};
    const auto peer_id = free_peer_id();
    half_open.insert(id);
    by_peer[peer].insert(id);
    by_peer_id[peer_id] = id;
    return &clients.emplace(id, Client{id, std::move(*session), peer, remote, peer_id, false, {}}).first->second;
}

// In turn, so that a late packet of a client that left seldom meets another's session.
std::uint32_t Listener::State::free_peer_id() {
    while (by_peer_id.contains(next_peer_id)) next_peer_id = (next_peer_id + 1) % kMostPeerIds;
    const auto id = next_peer_id;
    next_peer_id = (next_peer_id + 1) % kMostPeerIds;
    return id;
}

void Listener::State::settle(Client& client) {
    for (auto& output : client.session.drain())
        if (!take(client, output)) return;
    schedule(client);
}

// False when the client is gone.
bool Listener::State::take(Client& client, Session::Output& output) {
    if (auto* send = std::get_if<Session::Send>(&output)) {
        outputs.emplace_back(Send{client.peer, std::move(send->packet)});
        return true;
    }
    if (std::holds_alternative<Session::PeerAuthenticated>(output)) take_place(client);
    const bool closed = std::holds_alternative<Session::Closed>(output);
    outputs.emplace_back(FromSession{client.id, std::move(output)});
    if (closed) hang_up(client.id);
    return !closed;
}

// The client has proved who it is: what it left behind at this address goes. Another's session stays, for a NAT may
// have given an address away whose former owner has not moved yet.
void Listener::State::take_place(Client& client) {
    if (client.authenticated) return;
    client.authenticated = true;
    half_open.erase(client.id);
    const auto name = client.session.status().peer_name;
    for (const auto id : std::set<ClientId>{by_peer[client.peer]})
        if (id != client.id && find(id)->session.status().peer_name == name)
            drop(id, CloseReason::PeerSilent, "the client began anew from the same address");
}

// Most data packets only put a deadline off: then the old entry stays, and comes early once.
void Listener::State::schedule(Client& client) {
    const auto next = client.session.next_timeout();
    if (client.due && (!next || *client.due <= *next)) return;
    if (client.due) timers.erase({*client.due, client.id});
    client.due = next;
    if (next) timers.emplace(*next, client.id);
}

void Listener::State::drop(ClientId id, CloseReason reason, std::string detail) {
    outputs.emplace_back(FromSession{id, Session::Closed{reason, std::move(detail)}});
    hang_up(id);
}

void Listener::State::hang_up(ClientId id) {
    if (const auto* client = find(id))
        if (const auto* connection = std::get_if<ConnectionId>(&client->peer))
            outputs.emplace_back(CloseConnection{*connection});
    remove(id);
}

void Listener::State::remove(ClientId id) {
    const auto found = clients.find(id);
    if (found == clients.end()) return;
    const auto& client = found->second;
    const auto there = by_peer.find(client.peer);
    there->second.erase(id);
    if (there->second.empty()) by_peer.erase(there);
    by_peer_id.erase(client.peer_id);
    half_open.erase(id);
    if (client.due) timers.erase({*client.due, id});
    clients.erase(found);
}

}  // namespace gatelab::openvpn
