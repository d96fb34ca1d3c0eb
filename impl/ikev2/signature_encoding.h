// How signatures and their algorithms are spelled in AUTH payloads.
#pragma once

#include <optional>

#include "impl/crypto/certificates.h"

namespace gatelab::ikev2 {

// The DER AlgorithmIdentifier of a signature scheme (RFC 7427 appendix A); for RSASSA-PSS with a salt as long as the
// digest and the same hash in MGF1.
Bytes algorithm_identifier(crypto::Signature, crypto::Hash);

struct SignatureScheme {
    crypto::Signature signature;
    crypto::Hash hash;
};
// The reverse, for the identifiers that we verify: all of RFC 7427 appendix A but those with SHA-1.
std::optional<SignatureScheme> parse_algorithm_identifier(ByteView der);

// An ECDSA signature as r and s side by side, `half` octets each (RFC 4754 section 7), from DER. Nothing when the DER
// is not two such integers.
std::optional<Bytes> concatenated_ecdsa_signature(ByteView der, std::size_t half);
// The reverse; `concatenated` has an even size below 256.
Bytes der_ecdsa_signature(ByteView concatenated);

}  // namespace gatelab::ikev2
