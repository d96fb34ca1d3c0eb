// One SSTP tunnel on one TCP connection, either role: bytes and time in; bytes, news and IPv4 packets out ([MS-SSTP]).
//
//   TLS --> HTTPS (SSTP_DUPLEX_POST and its 200) --> Call Connect Request / Ack --> PPP authenticates
//       --> Call Connected with the crypto binding --> IPCP --> Open --> Disconnecting or Aborting --> Closed
//
// TLS (impl/tls) and PPP (impl/ppp) are inside. Everything but inner packets comes out of drain(); inner packets go
// through seal() and handle_bytes(), which take nothing from the heap (but see tls::Engine::seal()).
//
// A server that gets HTTP without TLS, or another request inside TLS, gives an HTTP answer and closes. A client holds
// the server's certificate to the host that it dialled (server_name.h).
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
#include "impl/ppp/session.h"
#include "impl/sstp/packet.h"
#include "impl/tls/engine.h"

namespace gatelab::sstp {

enum class Role { Client, Server };

struct Options {
    Role role = Role::Client;
    tls::Options tls;  // role is set from ours; a server's identity is what the crypto binding hashes
    ppp::Options ppp;  // role is set from ours
    std::string host;  // client: of the Host field, and what the server's certificate must be for
    std::uint8_t hashes = kSha1 | kSha256;  // server: offered; client: known. The best of both is taken (SSTP-44)

    Duration http_within = std::chrono::seconds(60);  // client: for the 200; server: from the connection to the
                                                      // whole request, TLS included
    Duration negotiation = std::chrono::seconds(60);  // SSTP-25; a server's also from its 200 to a good Request
    Duration hello = std::chrono::seconds(60);        // SSTP-26; 0: never
    Duration abort_initiator = std::chrono::seconds(3), abort_responder = std::chrono::seconds(1);            // SSTP-27
    Duration disconnect_initiator = std::chrono::seconds(5), disconnect_responder = std::chrono::seconds(1);  // SSTP-28
    int max_requests = 3;                  // client: Call Connect Requests, the first included (SSTP-24)
    std::size_t largest_head = 16 * 1024;  // octets of an HTTP head
};

enum class CloseReason {
    Requested,
    PeerDisconnected,  // Call Disconnect, or the connection was closed in order
    PeerAborted,       // Call Abort, with the status in the detail
    PeerSilent,        // the hello timer, or PPP's echo
    NegotiationTimeout,
    TlsFailed,            // with TLS's reason in the detail
    HttpRefused,          // client: another answer than 200; server: another request than SSTP's, which was answered
    CryptoBindingFailed,  // server: with the part in the detail
    AuthenticationFailed,
    NoAgreement,  // PPP could not agree, or the Call Connect Request was refused too often
    ProtocolError,
    ConnectionLost,  // the connection broke, with why in the detail
};
std::string_view name_of(CloseReason);  // "peer-aborted", "crypto-binding-failed"

struct SessionStatus {
    bool up = false;                     // packets flow
    std::string_view state;              // [MS-SSTP]'s CurrentState: "server-call-connected-pending"; "https" before it
    std::string peer_name;               // server: the user; client: common name of the server's certificate
    std::string tls_version, tls_suite;  // "TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
    std::uint8_t binding_hash = 0;       // of the crypto binding that was sent or verified; 0: none yet
    std::string correlation;             // SSTPCORRELATIONID
    ppp::Status ppp;
    std::uint64_t hellos = 0;                                                  // echo requests that we sent
    std::uint64_t data_in = 0, data_out = 0, control_in = 0, control_out = 0;  // packets; data: with PPP's own frames
    std::uint64_t dropped = 0;  // data packets that came when there was no use for them
};

class Session {
public:
    struct Send {
        Bytes bytes;
    };
    struct SignInAsked {
        ppp::SignIn sign_in;
    };  // server: answer with grant() or refuse(), at once or later
    struct Opened {
        ppp::Agreed agreed;
    };  // packets flow: PPP is open, and on a server the crypto binding has been verified
    struct Secret {
        std::string line;
    };  // of an SSLKEYLOGFILE
    struct Closed {
        CloseReason reason;
        std::string detail;
    };  // the last output; Sends that say so come before it. Close the connection after what waits has gone out
    using Output = std::variant<Send, SignInAsked, Opened, Secret, Closed, Trace>;

    // Refused for options that contradict each other. `random` outlives the session.
    static Result<Session> create(Options, Random& random);
    ~Session();
    Session(Session&&) noexcept;
    Session& operator=(Session&&) noexcept;

    void start(Instant now);  // the connection is up (a client's: to the server, or through a proxy)
    void handle_bytes(Instant now, ByteView bytes, FunctionRef<void(ByteView inner)> deliver);
    void handle_closed(Instant now, std::string why);  // the connection ended: "" in order
    void handle_timeout(Instant now);
    std::optional<Instant> next_timeout() const;
    std::vector<Output> drain();

    void grant(Instant now, ppp::Grant);
    void refuse(Instant now, std::string reason);
    void close(Instant now);  // ends PPP, and then the call with a Call Disconnect
    void hello(Instant now);  // an echo request at once: is the peer there?

    // An inner packet to send; `send` is told what goes out, Sends that wait in drain() first. False, and nothing sent,
    // while packets do not flow or when it is larger than a packet of SSTP.
    bool seal(Instant now, ByteView inner, FunctionRef<void(ByteView bytes)> send);

    SessionStatus status() const;
    const Options& options() const;

private:
    struct State;
    explicit Session(std::unique_ptr<State>);
    std::unique_ptr<State> state_;
};

}  // namespace gatelab::sstp
