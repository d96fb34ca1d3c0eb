// INFORMATIONAL: liveness checks, Deletes and error reports (RFC 7296 sections 1.4 and 2.4).
#pragma once

#include "impl/ikev2/core.h"

namespace gatelab::ikev2::informational {

void start_liveness(Core&, Instant now, Sa&);
void start_delete_child(Core&, Instant now, Sa&, ChildId);
void start_delete_ike(Core&, Instant now, Sa&, DeleteIkeTask);
void handle_request(Core&, Instant now, Sa&, const Path&, const Header&, const Message&);
void handle_delete_child_response(Core&, Sa&, const DeleteChildExchange&);

}  // namespace gatelab::ikev2::informational
