// Whether a certificate is for a host ([MS-SSTP] section 3.2.4.1, RFC 6125 section 6).
#pragma once

#include <string_view>

#include "impl/crypto/certificates.h"

namespace gatelab::sstp {

// `host` is a name or an IPv4 address. A name is looked for among the certificate's DNS names, where a leftmost label
// may be "*", and is its common name where it has none; an address among its addresses. Case does not matter.
bool is_for(const crypto::Certificate&, std::string_view host);

}  // namespace gatelab::sstp
