// The pseudo-random function of TLS 1.0 and 1.1 (RFC 2246 section 5): P_MD5 and P_SHA-1 of the secret's halves, XORed.
#pragma once

#include <cstddef>

#include "impl/base/bytes.h"

namespace gatelab::crypto {

// `seed` is the label and what follows it. `size` octets; any size.
Bytes tls1_prf(ByteView secret, ByteView seed, std::size_t size);

}  // namespace gatelab::crypto
