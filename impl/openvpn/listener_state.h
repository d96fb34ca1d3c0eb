// The inside of a Listener, shared by the files that carry out its jobs:
//
//   listener.cpp          the door, and what the owner tells a session
//   listener_packets.cpp  whose packet it is; packets before there is a session
//   listener_clients.cpp  sessions coming, speaking and going
#pragma once

#include <map>
#include <set>

#include "impl/openvpn/cookie.h"
#include "impl/openvpn/listener.h"

namespace gatelab::openvpn {

// Peer ids have 24 bits, and the largest of them means "none".
inline constexpr std::uint32_t kMostPeerIds = 0xffffff;

struct Listener::State {
    struct Client {
        ClientId id;
        Session session;
        Peer peer;
        SessionId remote{};  // UDP: the client's session id
        std::uint32_t peer_id = 0;
        bool authenticated = false;
        std::optional<Instant> due;  // as it stands in `timers`: never later than the session's own
    };

    State(ListenerOptions, Random&);

    // listener_packets.cpp
    std::optional<Inner> handle_datagram(Instant now, const Endpoint& from, ByteView packet);
    std::optional<Inner> handle_connection(Instant now, ConnectionId from, ByteView packet);
    void handle_control(Instant now, const Endpoint& from, ByteView packet);
    void handle_reset(Instant now, const Endpoint& from, ByteView packet, Opcode);
    void handle_answer(Instant now, const Endpoint& from, ByteView packet);
    void send_cookie(Instant now, const Endpoint& to, ControlChannel&, const SessionId& client, bool bring_key_again);
    std::optional<Inner> handle_data(Instant now, const Endpoint& from, ByteView packet);
    Client* owner_of_data(const Endpoint& from, ByteView packet);
    bool move(Client&, const Endpoint& to, ByteView packet);
    std::optional<Inner> open(Instant now, Client&, ByteView packet);

    // listener_clients.cpp
    bool make_room();
    Client* add(Result<Session>, const Peer&, const SessionId& remote);
    std::uint32_t free_peer_id();
    void settle(Client&);                  // takes what the session said; the client may be gone afterwards
    bool take(Client&, Session::Output&);  // false when the client is gone
    void schedule(Client&);
    void take_place(Client&);
    void drop(ClientId, CloseReason, std::string detail);
    void hang_up(ClientId);
    void remove(ClientId);
    Client* find(ClientId);
    const Client* find(ClientId) const;
    Client* at(const Peer&);

    ListenerOptions options;
    Random& random;
    SessionCookies cookies;
    ControlChannel judge;  // never used itself: the model of those that look at a packet without a session
    std::map<ClientId, Client> clients;
    std::map<Peer, std::set<ClientId>> by_peer;  // several where one began anew, or another moved in
    std::map<std::uint32_t, ClientId> by_peer_id;
    std::set<ClientId> half_open;  // oldest first
    std::set<std::pair<Instant, ClientId>> timers;
    std::uint64_t next_id = 1;
    std::uint32_t next_peer_id = 0;
    std::vector<Output> outputs;
    ListenerCounters counters;
};

}  // namespace gatelab::openvpn
