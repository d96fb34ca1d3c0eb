// Rekeying the IKE SA by CREATE_CHILD_SA (RFC 7296 sections 1.3.2, 2.8 and 2.18).
//
//   HDR, SK {SA, Ni, KEi}  -->
//             <--  HDR, SK {SA, Nr, KEr}
//
// The new SA inherits the children; the old one is deleted by whoever rekeyed it.
#pragma once

#include "impl/ikev2/core.h"

namespace gatelab::ikev2::rekey {

void start(Core&, Instant now, Sa&);
void handle_response(Core&, Instant now, Sa&, const Message&, IkeRekeyExchange);
void handle_request(Core&, Instant now, Sa&, const Path&, const Header&, const Message&);

}  // namespace gatelab::ikev2::rekey
