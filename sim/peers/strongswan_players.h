// Real strongSwan as a client or a gateway of a scenario.
#pragma once

#include <memory>
#include <string>

#include "sim/players.h"

namespace gatelab::sim::peers {

// The node's port must be in the network, which must run in real time. Errors name the node: Unavailable when the
// machine lacks strongSwan or a permission.
//
// check_liveness() has no effect: strongSwan probes by itself once a peer has been silent for the topology's
// `liveness`, and cannot be told to.
Result<std::unique_ptr<ClientPlayer>> make_strongswan_client(const Stage&, const std::string& name);
Result<std::unique_ptr<GatewayPlayer>> make_strongswan_gateway(const Stage&, const std::string& name);

}  // namespace gatelab::sim::peers
