// What stands around control packets so that strangers cannot talk to TLS: nothing, tls-auth, tls-crypt, tls-crypt-v2.
//
// One object serves one session: it numbers what it protects, and remembers the numbers that it has seen (a window of
// 64 within the newest second of time; the pair of packet id and time must not go back further).
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <variant>

#include "impl/base/time.h"
#include "impl/crypto/algorithms.h"
#include "impl/openvpn/packet.h"
#include "impl/openvpn/static_key.h"

namespace gatelab::openvpn {

enum class Role { Client, Server };

// --key-direction: which half of the static key is for sending. Bidirectional uses the first half for both.
enum class KeyDirection { Normal = 0, Inverse = 1, Bidirectional = 2 };

struct Unprotected {};
struct TlsAuth {
    StaticKey key;
    KeyDirection direction = KeyDirection::Bidirectional;  // by custom 0 at the server, 1 at the client
    crypto::Hash hash = crypto::Hash::Sha1;                // --auth
};
struct TlsCrypt {
    StaticKey key;
};                   // the role gives the direction
struct TlsCryptV2 {  // of a client its own key, of a server the one that unwraps
    std::variant<TlsCryptV2ClientKey, TlsCryptV2ServerKey> key;
};
using ControlProtection = std::variant<Unprotected, TlsAuth, TlsCrypt, TlsCryptV2>;
std::string_view name_of(const ControlProtection&);  // "none", "tls-auth", "tls-crypt", "tls-crypt-v2"

class ControlChannel {
public:
    ControlChannel(ControlProtection, Role);
    ~ControlChannel();
    ControlChannel(ControlChannel&&) noexcept;
    ControlChannel& operator=(ControlChannel&&) noexcept;

    // From the form of packet.h to the wire's. A client's P_CONTROL_HARD_RESET_CLIENT_V3 and P_CONTROL_WKC_V1 get the
    // wrapped key behind them.
    Bytes protect(Instant now, ByteView plain);
    // And back. Unauthentic, Malformed or Refused (a number seen before). Of tls-crypt-v2, a server learns the client's
    // key from the first packet that brings it; the metadata is then known.
    Result<Bytes> unprotect(Instant now, ByteView wire);

    std::size_t overhead() const;  // octets that protect() adds, without a wrapped key
    ByteView client_metadata() const;
    bool knows_client_key() const;  // always, except at a tls-crypt-v2 server before the first packet

    // The first packet id that protect() uses; 1 unless set. 0x0f000001 says "early negotiation" to a 2.6 server.
    void start_at(std::uint32_t packet_id);

    // A copy without the memory of numbers, for judging a first packet without keeping state.
    ControlChannel fresh() const;

private:
    struct State;
    explicit ControlChannel(std::unique_ptr<State>);
    std::unique_ptr<State> state_;
};

}  // namespace gatelab::openvpn
