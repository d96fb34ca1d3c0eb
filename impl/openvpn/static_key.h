// The key files of OpenVPN's control channel.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "impl/base/bytes.h"
#include "impl/base/random.h"
#include "impl/base/result.h"

namespace gatelab::openvpn {

// "OpenVPN Static key V1", 2048 bits: two directions of a cipher key and an HMAC key of 64 octets each. For --tls-auth
// and --tls-crypt.
struct StaticKey {
    std::array<std::uint8_t, 256> bytes{};
    static StaticKey generate(Random&);
    static Result<StaticKey> from_pem(std::string_view);  // comment lines around it are skipped
    std::string to_pem() const;
    friend bool operator==(const StaticKey&, const StaticKey&) = default;
};

// "OpenVPN tls-crypt-v2 server key": what a server wraps its clients' keys with, 128 octets.
struct TlsCryptV2ServerKey {
    std::array<std::uint8_t, 128> bytes{};
    static TlsCryptV2ServerKey generate(Random&);
    static Result<TlsCryptV2ServerKey> from_pem(std::string_view);
    std::string to_pem() const;
};

// "OpenVPN tls-crypt-v2 client key": a client's own key, and the same wrapped for the server (WKc).
struct TlsCryptV2ClientKey {
    StaticKey key;
    Bytes wrapped;  // tag, ciphertext of key and metadata, length: at most 1024 octets
    // `metadata`: at most 734 octets, a type and content; what the server's policy may look at.
    static Result<TlsCryptV2ClientKey> make(const TlsCryptV2ServerKey&, Random&, ByteView metadata = {});
    static Result<TlsCryptV2ClientKey> from_pem(std::string_view);
    std::string to_pem() const;
};

}  // namespace gatelab::openvpn
