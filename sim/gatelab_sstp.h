// What our own SSTP ends are made from.
#pragma once

#include "impl/client/config.h"
#include "impl/gateway/config.h"
#include "sim/players.h"

namespace gatelab::sim {

// A client of its gateway as a Windows profile has it: the gateway's name and root, and the routes that the gateway
// grants, because SSTP has no way to hand them out. Errors do not name the client.
Result<client::Sstp> sstp_client_of(const Stage&, const topologies::Client&);

// Adds the SSTP half of a gateway's configuration. Unsupported names the word that is none. Errors do not name the
// gateway.
Result<void> offer_sstp(gateway::Config&, const topologies::Gateway&);

}  // namespace gatelab::sim
