// The wrapped client key (WKc) of tls-crypt-v2: how a server without a list of clients learns a client's key.
//
//   tag, 32 octets | AES-256-CTR of: client key, 256 octets, metadata | length of all of it, 2 octets
//   tag = HMAC-SHA256 over length, client key, metadata; the first half of the tag is the cipher's IV
#pragma once

#include "impl/openvpn/static_key.h"

namespace gatelab::openvpn {

inline constexpr std::size_t kMaxWrappedKey = 1024;
inline constexpr std::size_t kMaxMetadata = kMaxWrappedKey - 32 - 256 - 2;

Bytes wrap_client_key(const TlsCryptV2ServerKey&, const StaticKey&, ByteView metadata);

struct UnwrappedKey {
    StaticKey key;
    Bytes metadata;
};
// Malformed for a length that cannot be, Unauthentic when the tag does not hold.
Result<UnwrappedKey> unwrap_client_key(const TlsCryptV2ServerKey&, ByteView wrapped);

// The wrapped key at the end of `bytes`, by the length in its last two octets; empty when that cannot be one.
ByteView wrapped_key_in(ByteView bytes);

}  // namespace gatelab::openvpn
