// Many clients at one server: who a packet belongs to, before anybody has proved anything.
//
// UDP: a hard reset is answered with a session id that is an HMAC over the client's address, its session id and the
// time (window: half the handshake window to either side); nothing is remembered until the client repeats that id, so
// that a flood from forged addresses costs no memory. Data packets find their session by peer id; one that comes from a
// new address moves the session there once it proves authentic (float). TCP: one connection is one session; the owner
// gives each a number of its own.
//
// A client of tls-crypt-v2 that asks for early negotiation is told to bring its wrapped key again; of an older one its
// first packet makes a session. A client that begins anew from its old address gets a second session there; the old one
// goes when the new one has authenticated.
//
// At most `half_open` sessions that have not authenticated live at once; the oldest of them makes room. Any bytes may
// come: what fits nothing is counted and dropped.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "impl/base/address.h"
#include "impl/base/function_ref.h"
#include "impl/base/strong.h"
#include "impl/openvpn/session.h"

namespace gatelab::openvpn {

using ClientId = Strong<struct OpenVpnClientTag, std::uint64_t>;          // ascending with time, never used again
using ConnectionId = Strong<struct OpenVpnConnectionTag, std::uint64_t>;  // a TCP connection, named by the owner

struct ListenerOptions {
    Options session;               // of every client; role Server
    std::size_t half_open = 1000;  // sessions without an authenticated peer
    std::size_t sessions = 10'000;
    bool allow_float = true;
};

struct ListenerCounters {
    std::uint64_t malformed = 0;          // no OpenVPN packet, or one that a first packet cannot be
    std::uint64_t unauthentic = 0;        // the control channel's protection, or data from a wrong address
    std::uint64_t unknown = 0;            // of no session that lives
    std::uint64_t half_open_evicted = 0;  // made room for a newer one
    std::uint64_t refused = 0;            // no room although all sessions are authenticated
    std::uint64_t cookies_sent = 0, cookies_wrong = 0, floats = 0;
};

class Listener {
public:
    using Peer = std::variant<Endpoint, ConnectionId>;
    struct Send {
        Peer to;
        Bytes packet;
    };
    struct FromSession {
        ClientId client;
        Session::Output what;
    };  // all but Session::Send
    struct Floated {
        ClientId client;
        Endpoint from, to;
    };
    struct CloseConnection {
        ConnectionId connection;
    };  // TCP: after what was sent has gone out
    using Output = std::variant<Send, FromSession, Floated, CloseConnection>;

    // `random` outlives the listener.
    static Result<Listener> create(ListenerOptions, Random& random);
    ~Listener();
    Listener(Listener&&) noexcept;
    Listener& operator=(Listener&&) noexcept;

    // A packet (TCP: without its length). Returns the inner packet and whose it is when it carried one; the view holds
    // until the next call.
    struct Inner {
        ClientId client;
        ByteView packet;
    };
    std::optional<Inner> handle_packet(Instant now, const Peer& from, ByteView packet);
    // TCP: counts a new connection as half open before it says anything. Without it a connection is known from its
    // first hard reset on.
    void handle_connect(Instant now, ConnectionId);
    void handle_disconnect(Instant now, ConnectionId);  // TCP: it is gone
    void handle_timeout(Instant now);
    std::optional<Instant> next_timeout() const;
    std::vector<Output> drain();

    // Sends an inner packet; `send` is told where to and what. False when there is no such client or key.
    bool seal(Instant now, ClientId, ByteView inner, FunctionRef<void(const Peer& to, ByteView packet)> send);

    // The peer id of the push is the listener's own choice.
    void grant(Instant now, ClientId, PushReply);
    void refuse(Instant now, ClientId, std::string reason);
    void renegotiate(Instant now, ClientId);
    void close(Instant now, ClientId);

    std::optional<SessionStatus> status(ClientId) const;
    std::optional<Peer> peer(ClientId) const;  // where it is now
    std::size_t size() const;                  // sessions of any state
    const ListenerCounters& counters() const;

private:
    struct State;
    explicit Listener(std::unique_ptr<State>);
    std::unique_ptr<State> state_;  // listener_state.h
};

}  // namespace gatelab::openvpn
