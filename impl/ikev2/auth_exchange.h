// IKE_AUTH: proving who we are, and the first child (RFC 7296 sections 1.2, 2.15, 2.16, 2.19 and 2.21.2).
//
//   HDR, SK {IDi, [CERT,] [N(INITIAL_CONTACT),] [CERTREQ,] [IDr,] AUTH, [CP,] SAi2, TSi, TSr}  -->
//                                               <--  HDR, SK {IDr, [CERT,] AUTH, [CP,] SAr2, TSi, TSr}
#pragma once

#include "impl/ikev2/core.h"

namespace gatelab::ikev2::auth {

void start(Core&, Instant now, Sa&, InitRecord);
void handle_response(Core&, Instant now, Sa&, const Message&, AuthExchange);
// Ends in PeerAuthenticated, on which the owner decides, or in a refusal.
void handle_request(Core&, Instant now, Sa&, const Path&, const Header&, const Message&);
void grant(Core&, Instant now, Sa&, Configuration, esp::TrafficSelectors local);
void refuse(Core&, Instant now, Sa&, CloseReason);

}  // namespace gatelab::ikev2::auth
