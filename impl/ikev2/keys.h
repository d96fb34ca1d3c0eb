// Key material of an IKE SA and of its children (RFC 7296 sections 2.13, 2.14, 2.17 and 2.18).
#pragma once

#include <cstddef>
#include <optional>

#include "impl/base/bytes.h"
#include "impl/ikev2/policy.h"

namespace gatelab::ikev2 {

crypto::Hash hash_of(Prf);

Bytes prf(Prf, ByteView key, ByteView message);
// The first `size` bytes of prf+ (section 2.13); at most 255 times the PRF's output.
Bytes prf_plus(Prf, ByteView key, ByteView seed, std::size_t size);

struct IkeKeys {
    Bytes sk_d, sk_ai, sk_ar, sk_ei, sk_er, sk_pi, sk_pr;
};

// What both sides threw in, in the roles of the exchange that made the keys.
struct KeySeed {
    ByteView nonce_i, nonce_r;
    std::uint64_t spi_i = 0, spi_r = 0;
    ByteView shared_secret;
};

std::size_t encryption_key_size(const IkeSuite&);  // octets, salt included
std::size_t integrity_key_size(const IkeSuite&);   // octets; 0 for AES-GCM

// Section 2.14.
IkeKeys derive_ike_keys(const IkeSuite&, const KeySeed&);
// Section 2.18: the old SA's PRF and SK_d seed the new SA.
IkeKeys derive_rekeyed_ike_keys(const IkeSuite&, const KeySeed&, Prf old_prf, ByteView old_sk_d);

struct ChildKeys {
    Bytes encryption_i, integrity_i;  // from the exchange's initiator to its responder
    Bytes encryption_r, integrity_r;  // the other way
};

// Section 2.17; without a fresh key exchange `seed.shared_secret` is empty.
ChildKeys derive_child_keys(const esp::Suite&, Prf, ByteView sk_d, const KeySeed& seed);

}  // namespace gatelab::ikev2
