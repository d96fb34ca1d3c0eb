// TLS 1.2 and 1.3 as an engine: records in, records out. OpenSSL over memory buffers underneath.
//
//   Idle --start()--> Handshaking --> Established --close() or the peer's close_notify--> Closed
//                         |                |
//                         +----------------+--> Closed (with the reason)
//
// OpenSSL draws its random numbers from crypto::ScopedRandomSource in a simulation, so a handshake repeats byte for
// byte; certificates are judged at the time that handle_bytes() was told. There is no timer: an owner limits a
// handshake.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "impl/base/engine.h"
#include "impl/base/function_ref.h"
#include "impl/crypto/certificates.h"
#include "impl/tls/policy.h"

namespace gatelab::tls {

enum class Role { Client, Server };

struct Options {
    Role role = Role::Client;
    Policy policy;
    std::optional<crypto::Identity> identity;  // required of a server
    std::vector<crypto::Certificate> intermediates;
    // Where the peer's chain must end; for the other role's purpose (serverAuth or clientAuth). A server asks for a
    // certificate only when this is set. A client without roots accepts no server.
    std::optional<crypto::TrustStore> roots;
    bool peer_certificate_optional = false;  // server: a client without one passes too
    // Judges the peer's leaf certificate once its chain holds, during the handshake; an error ends it with an alert.
    std::function<Result<void>(const crypto::Certificate&)> judge;
    std::string server_name;        // client: SNI (RFC 6066 section 3); "" sends none
    std::vector<std::string> alpn;  // RFC 7301; empty: none
    // Client: the session of an earlier connection is never resumed, and servers offer none.
};

enum class CloseReason {
    Requested,      // by close()
    PeerClosed,     // close_notify
    PeerAlert,      // a fatal alert from the peer
    Unauthentic,    // the peer's certificate, or what judge() said
    NoCommonSuite,  // no version or cipher suite that both allow
    Protocol,       // anything else that breaks TLS
};
std::string_view name_of(CloseReason);  // "no-common-suite"

class Engine {
public:
    struct Send {
        Bytes records;
    };  // for the peer, in order
    struct Established {
        Version version;
        std::string cipher_suite;  // IANA name: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
        std::optional<crypto::Certificate> peer;
        std::string alpn;  // agreed on; "" for none
    };
    struct Received {
        Bytes plaintext;
    };
    struct Secret {
        std::string line;
    };  // of an SSLKEYLOGFILE, without newline
    struct Closed {
        CloseReason reason;
        std::string detail;
    };  // the last output; a Send with the alert comes before it
    using Output = std::variant<Send, Established, Received, Secret, Closed>;

    // Unsupported or Refused for options that OpenSSL cannot do: an unknown suite, a server without identity.
    static Result<Engine> create(Options);
    ~Engine();
    Engine(Engine&&) noexcept;
    Engine& operator=(Engine&&) noexcept;

    void start(Instant now);                           // a client's first flight; a server only listens
    void handle_bytes(Instant now, ByteView records);  // in any cut
    void write(Instant now, ByteView plaintext);       // before Established it is kept, at most 64 KiB, and then sent
    void close(Instant now);                           // sends close_notify
    void handle_timeout(Instant) {}
    std::optional<Instant> next_timeout() const { return {}; }
    std::vector<Output> drain();

    // The path of packets, once established. It takes nothing from the heap but what OpenSSL does itself: with TLS 1.2
    // two structures of 40 octets for a record that it writes. What it hands over is there for the length of the call.
    // Everything else comes out of drain() as ever; a Send that waits there must go out before what seal() makes, so
    // drain first.
    //
    // handle_bytes() whose plaintext goes to `deliver` instead of Received.
    void open(Instant now, ByteView records, FunctionRef<void(ByteView plaintext)> deliver);
    // write() whose records go to `send` instead of Send. False, and nothing sent, unless established.
    bool seal(Instant now, ByteView plaintext, FunctionRef<void(ByteView records)> send);

    bool is_established() const;
    // Keying material of an established connection (RFC 5705, RFC 8446 section 7.5); without a context value.
    Bytes export_keying_material(std::string_view label, std::size_t size) const;

private:
    struct State;
    explicit Engine(std::unique_ptr<State>);
    std::unique_ptr<State> state_;
};

}  // namespace gatelab::tls
