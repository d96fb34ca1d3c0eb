// IKE_SA_INIT: agreeing on algorithms and keys (RFC 7296 section 1.2, 2.6, 2.7 and 2.14).
//
//   HDR, [N(COOKIE)], SAi1, KEi, Ni, N(NAT...), N(SIGNATURE_HASH_ALGORITHMS)  -->
//                                          <--  HDR, SAr1, KEr, Nr, [CERTREQ], N(NAT...), N(SIGNATURE_HASH_ALGORITHMS)
#pragma once

#include "impl/ikev2/core.h"

namespace gatelab::ikev2::init {

void start(Core&, Instant now, Sa&);
// All in it is unauthenticated: what makes no sense is dropped and the exchange goes on.
void handle_response(Core&, Instant now, Sa&, const Path&, const Header&, ByteView bytes);
// A request that no SA knows yet. Answers, or creates a half-open SA, or drops it.
void handle_request(Core&, Instant now, const Path&, const Header&, ByteView bytes);

}  // namespace gatelab::ikev2::init
