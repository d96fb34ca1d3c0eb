// What our own SSTP ends are made from.
#pragma once

#include "impl/gateway/config.h"
#include "sim/players.h"

namespace gatelab::sim {

// Adds the SSTP half of a gateway's configuration. Unsupported names the word that is none. Errors do not name the
// gateway.
Result<void> offer_sstp(gateway::Config&, const topologies::Gateway&);

}  // namespace gatelab::sim
