// What our own products say about a tunnel, in the words of roles.h.
#pragma once

#include "impl/tunnel/status.h"
#include "sim/keys.h"
#include "sim/roles.h"

namespace gatelab::sim {

TunnelStatus to_status(const tunnel::Status&);

// Puts every key that comes into use into the log.
tunnel::KeyObserver observer_for(KeyLog&);

}  // namespace gatelab::sim
