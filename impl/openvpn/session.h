// One OpenVPN tunnel, either role: packets and time in, packets, inner packets and news out.
//
//   Idle --start()--> Resetting --> Handshaking --> KeysExchanged --> Authorizing --> Established <--> Renegotiating
//     any of them --> Closed (with the reason)
//
// Resetting: hard resets go to and fro. Handshaking: TLS over the reliability layer. KeysExchanged: key method 2 both
// ways. Authorizing: the server waits for grant() or refuse(), the client for its PUSH_REPLY. Renegotiating: a soft
// reset makes a new key while the old one carries data; for the transition window the old one still opens packets.
//
// Packets are whole, without the length that TCP puts before them. Control packets come out of drain(); data packets go
// through seal() and open(), which allocate nothing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "impl/base/engine.h"
#include "impl/base/events.h"
#include "impl/base/function_ref.h"
#include "impl/base/random.h"
#include "impl/openvpn/data_channel.h"
#include "impl/openvpn/key_method.h"
#include "impl/openvpn/options.h"
#include "impl/openvpn/push.h"

namespace gatelab::openvpn {

enum class CloseReason {
    Requested,
    PeerExit,              // explicit-exit-notify, EXIT, or the peer's RESTART or HALT
    PeerSilent,            // ping-restart, or the reliability layer gave up
    HandshakeTimeout,      // hand-window
    TlsFailed,             // with TLS's reason in the detail
    AuthenticationFailed,  // AUTH_FAILED, sent or received
    OptionsMismatch,       // no common cipher, a refused option (compression), the strict options string
    ProtocolError,         // a peer that broke the protocol after it had proved who it is
    KeysExhausted,
};
std::string_view name_of(CloseReason);  // "peer-silent", "handshake-timeout", "authentication-failed"

// What a tunnel looks like at one moment.
struct SessionStatus {
    bool up = false;
    std::string peer_name;               // common name of the peer's certificate, or the user name
    std::string tls_version, tls_suite;  // "TLSv1.3", "TLS_AES_256_GCM_SHA384"
    std::optional<DataCipher> cipher;
    bool key_derivation_ekm = false;
    std::optional<std::uint32_t> peer_id;
    std::uint8_t key_id = 0;  // of the key that is used for sending
    int renegotiations = 0;   // completed
    std::uint64_t control_retransmissions = 0;
    DataCounters data;                // over all keys
    std::optional<PushReply> pushed;  // received, or sent
    PeerInfo peer_info;               // of the client, at the server
};

class Session {
public:
    struct Send {
        Bytes packet;
    };
    // Server: TLS and key method 2 are through; answer with grant() or refuse(), at once or later. Also after a
    // renegotiation, when the client sent credentials.
    struct PeerAuthenticated {
        std::optional<crypto::Certificate> certificate;
        std::optional<Credentials> credentials;
        PeerInfo peer_info;
        std::string options_string;
        bool renegotiation = false;
    };
    struct Opened {
        PushReply pushed;
    };  // data flows; of the server what it granted
    struct Renegotiated {
        std::uint8_t key_id;
    };
    struct Secret {
        std::string line;
    };  // of an SSLKEYLOGFILE
    struct KeyInstalled {
        std::uint8_t key_id;
        DataCipher cipher;
        DataKeys keys;
    };
    struct Closed {
        CloseReason reason;
        std::string detail;
    };  // the last output; Sends that say so come before it
    using Output = std::variant<Send, PeerAuthenticated, Opened, Renegotiated, Secret, KeyInstalled, Closed, Trace>;

    // Refused for options that contradict each other. `random` outlives the session.
    static Result<Session> create(Options, Random& random);
    // A server's, after a listener has answered the client's hard reset without a state (HMAC cookie): the session ids
    // are known, and `next` is the packet id that the client will use next.
    struct Resumption {
        SessionId own, peer;
        std::uint32_t next_packet_id = 1;
        ControlChannel channel;
    };
    static Result<Session> resume(Options, Random& random, Resumption, Instant now);
    ~Session();
    Session(Session&&) noexcept;
    Session& operator=(Session&&) noexcept;

    void start(Instant now);                           // client: dials. Server: waits for a hard reset
    void handle_packet(Instant now, ByteView packet);  // a control packet; data packets belong to open()
    void handle_timeout(Instant now);
    std::optional<Instant> next_timeout() const;
    std::vector<Output> drain();

    // Server: the session adds the cipher and the flags that were negotiated. `peer_id` is the owner's choice; it is
    // pushed only to a client that can do P_DATA_V2.
    void grant(Instant now, PushReply);
    void refuse(Instant now, std::string reason);  // AUTH_FAILED,reason
    void renegotiate(Instant now);                 // soft reset; no effect while one is under way
    void ping(Instant now, FunctionRef<void(ByteView packet)> send);
    void close(Instant now);  // exit notifications first, as configured

    // An inner packet to send: `each` is told every packet that goes out (one, or several with --fragment). False, and
    // counted, when there is no key.
    bool seal(Instant now, ByteView inner, FunctionRef<void(ByteView packet)> each);
    // A data packet that came in. Empty when nothing is to be passed on: dropped, a ping, a part. Pings and exits are
    // acted upon: drain() afterwards. The view holds until the next call.
    ByteView open(Instant now, ByteView packet);
    // Whether `packet` is authentic under one of our keys; changes nothing. For a client whose address has changed.
    bool is_genuine(ByteView packet) const;
    // Leaves out packet ids of the newest key up to this one, as if so many packets had been sent: nobody waits for
    // four thousand million of them to see what happens at their end.
    void advance_packet_ids(std::uint32_t last);

    SessionStatus status() const;
    const Options& options() const;

    struct State;  // session_state.h

private:
    explicit Session(std::unique_ptr<State>);
    std::unique_ptr<State> state_;
};

}  // namespace gatelab::openvpn
