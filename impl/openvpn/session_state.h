// The inside of a Session, shared by the files that carry out its jobs:
//
//   session.cpp           the door: making one, the data path, what it looks like
//   session_packets.cpp   control packets in and out, and the turn that every event ends with
//   session_keys.cpp      TLS, key method 2, soft resets, keys coming and going
//   session_messages.cpp  PUSH_REQUEST, PUSH_REPLY, AUTH_FAILED and the other texts
//   session_time.cpp      deadlines, pings, leaving
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "impl/base/drop_log.h"
#include "impl/openvpn/agreement.h"
#include "impl/openvpn/data_path.h"
#include "impl/openvpn/key_state.h"
#include "impl/openvpn/session.h"

namespace gatelab::openvpn {

struct Session::State {
    enum class Phase { Idle, Resetting, Handshaking, KeysExchanged, Authorizing, Established, Leaving, Closed };

    struct Key {
        std::unique_ptr<KeyState> negotiation;
        bool authorized = false;         // server: nothing about it waits for the owner
        bool installed = false;          // in the data path
        bool complete = false;           // both ends have it, and everything said has been acknowledged
        std::optional<Instant> dies_at;  // once a newer one has been begun
    };

    // How long the last message of a session is repeated to a peer that does not acknowledge it.
    static constexpr Duration kLastWords = std::chrono::seconds(10);
    // On the way out: something is still to be said, and acknowledged.
    struct Leaving {
        CloseReason reason;
        std::string detail;
        Instant until;
        std::string message;  // control message, not yet written
        int exits = 0;        // exit packets still to be sent in the data channel
        std::optional<Instant> next_exit;
    };

    // `first_engine`: of the first key, when one was made to see whether the options hold.
    State(Options, Random&, std::optional<tls::Engine> first_engine = {});

    // session.cpp
    void start(Instant now);
    bool seal(Instant now, ByteView inner, FunctionRef<void(ByteView)> each);
    ByteView open(Instant now, ByteView packet);
    SessionStatus status() const;

    // session_packets.cpp
    void handle_packet(Instant now, ByteView packet);
    Key* route(Instant now, const ControlPacket&, std::string& why_not);
    Key* greet(Instant now, const ControlPacket&, std::string& why_not);
    void settle(Instant now);  // the end of every turn: acts on what came of it, and sends
    void flush(Instant now);
    void transmit(Instant now, const ControlPacket&, bool repeated);
    void drop(Instant now, std::string why);
    void become(Phase, std::string_view why);
    void end(CloseReason, std::string detail);  // at the end of this turn
    void conclude();
    void trace(std::string event, Attributes attributes);

    // session_keys.cpp
    void begin_key(Instant now, std::optional<Opcode> reset, std::uint32_t peer_next_id = 0);
    void renegotiate(Instant now);
    bool may_renegotiate() const;
    void take_output(Instant now, Key&, KeyState::Output&);
    void take_tls_up(Instant now, Key&, tls::Engine::Established&);
    void take_key_method(Instant now, Key&, const KeyMethodMessage&);
    void take_client_key_method(Instant now, Key&, const KeyMethodMessage&);
    void send_key_method(Instant now, Key&);
    void advance(Instant now);
    void advance_first(Instant now, Key&);
    void advance_next(Instant now, Key&);
    void complete(Instant now, Key&);
    void install(Instant now, Key&);
    void open_tunnel(Instant now, PushReply push);
    void watch_usage(Instant now);
    void forget_dead_keys(Instant now);
    Instant send_from(const KeyState&) const;

    // session_messages.cpp
    void take_message(Instant now, const std::string& text);
    void take_push_reply(Instant now, const std::string& text);
    void take_server_message(Instant now, const ControlMessage&, const std::string& text);
    void take_client_message(Instant now, const ControlMessage&, const std::string& text);
    void say(Instant now, Key&, std::string_view message);
    void grant(Instant now, PushReply);
    void refuse(Instant now, CloseReason, std::string reason);
    void send_push(Instant now, Key&, const PushReply&);
    void request_push(Instant now);
    Credentials credentials_to_send() const;

    // session_time.cpp
    void handle_timeout(Instant now);
    std::optional<Instant> next_timeout() const;
    void keep_alive(Instant now);
    void ping(Instant now, FunctionRef<void(ByteView)> send);
    void close(Instant now);
    void leave(Instant now);
    void notify_exit(Instant now);
    std::optional<Instant> silence_deadline() const;

    bool is_client() const { return options.role == Role::Client; }
    bool is_up() const { return phase == Phase::Established; }
    Key* speaker();  // the newest key that is complete

    Options options;
    Random& random;
    Phase phase = Phase::Idle;
    SessionId own{};
    std::optional<SessionId> peer;
    ControlChannel channel;
    PeerInfo own_info;
    std::string own_options;
    std::vector<Key> keys;  // oldest first; the last is negotiating or the newest
    std::uint8_t next_key_id = 0;
    std::optional<tls::Engine> first_engine;
    DataPath data;

    // What is known of the peer.
    std::optional<crypto::Certificate> certificate;
    std::string certificate_name, username, peer_options, tls_version, tls_suite;
    PeerInfo peer_info;
    Abilities abilities;  // of the client
    std::optional<DataCipher> cipher;

    std::optional<PushReply> granted;  // server: until the tunnel opens
    bool push_wanted = false;          // server: the client has asked, or said beforehand that it would
    std::optional<Instant> push_sent;
    PushReader push_reader;
    std::optional<PushReply> pushed;
    std::optional<Credentials> auth_token;  // client: what takes the place of the credentials
    std::string next_auth_token;            // server: to be pushed once the renegotiation is complete

    // Deadlines; none of those that are not set.
    std::optional<Instant> deadline, next_push_request, renegotiate_at, unacknowledged_since;
    Instant last_sent{}, last_heard{};
    Duration ping_interval{}, ping_restart{}, renegotiate_after{};

    int renegotiations = 0;
    std::uint64_t past_repetitions = 0;  // of keys that are gone
    DropLog drops;
    std::optional<Leaving> leaving;
    std::optional<std::pair<CloseReason, std::string>> ending;
    std::vector<Output> outputs;
};

}  // namespace gatelab::openvpn
