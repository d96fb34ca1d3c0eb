// A listener and any number of client sessions on one wire, in simulated time.
#pragma once

#include <map>
#include <memory>

#include "impl/openvpn/listener.h"
#include "tests/impl/openvpn/pair.h"

namespace gatelab::openvpn::test {

// The nth client's address.
Endpoint address_of(std::uint32_t n);

struct Member {
    Member(Session made, Endpoint at, ConnectionId by) : session(std::move(made)), address(at), connection(by) {}

    bool opened() const;
    std::optional<CloseReason> closed() const;

    Session session;
    Endpoint address;  // UDP
    ConnectionId connection;
    std::vector<Session::Output> said;
    std::vector<Bytes> received;
};

class Crowd {
public:
    explicit Crowd(ListenerOptions, std::uint64_t seed = 1, WireQuality quality = {});

    // A session that dials from that address now; over TCP each has a connection of its own.
    Member& join(Options client, Endpoint from);
    void leave(const Member&);  // forgets it without a word
    void run_for(Duration span);
    bool run_until(const std::function<bool()>& holds, Duration at_most = seconds(120));
    bool send(Member& from, ByteView inner);
    bool send(ClientId to, ByteView inner);
    void inject(Endpoint from, ByteView packet);  // at the listener, at once
    void call(const std::function<void()>& command);

    template <class Event>
    std::vector<std::pair<ClientId, Event>> all() const {
        std::vector<std::pair<ClientId, Event>> found;
        for (const auto& output : said)
            if (const auto* from = std::get_if<Listener::FromSession>(&output))
                if (const auto* event = std::get_if<Event>(&from->what)) found.emplace_back(from->client, *event);
        return found;
    }
    template <class Event>
    int count() const {
        int found = 0;
        for (const auto& output : said) found += std::holds_alternative<Event>(output);
        return found;
    }
    std::vector<std::string> closings() const;  // "1 peer-exit"

private:
    SeededRandom listener_random_, client_random_, openssl_random_;
    crypto::ScopedRandomSource openssl_;
    Transport transport_;
    std::uint64_t next_connection_ = 1;

public:
    Instant now = kStart;
    EngineWire wire;
    Listener listener;
    std::vector<std::unique_ptr<Member>> members;
    std::vector<Listener::Output> said;
    std::vector<std::pair<ClientId, Bytes>> received;  // inner packets
    std::vector<Bytes> seen;                           // data packets of clients, as they left
    std::function<void(ClientId, const Session::PeerAuthenticated&)> on_peer;

private:
    void collect();
    void collect(Member&);
    void give(const Listener::Peer& from, ByteView packet);
    void give(Member&, ByteView packet);
    void carry(const Listener::Send&);
    Endpoint place_of(const Member&) const;
    bool step(Instant end);
};

}  // namespace gatelab::openvpn::test
