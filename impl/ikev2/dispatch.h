// Which exchange a message, a task or a deadline belongs to, and the message-id window (RFC 7296 sections 2.1 to 2.3).
#pragma once

#include "impl/ikev2/core.h"

namespace gatelab::ikev2::dispatch {

void start(Core&, Instant now, Sa&);            // the initiator's first message
void start_next_task(Core&, Instant now, Sa&);  // unless a request is out already
void close(Core&, Instant now, Sa&);            // as the owner wishes
// Something authentic came from the peer over `path`.
void heard(Core&, Instant now, Sa&, const Path& path);
void handle_datagram(Core&, Instant now, const Path&, ByteView datagram);
void handle_timeout(Core&, Instant now, Sa&);

}  // namespace gatelab::ikev2::dispatch
