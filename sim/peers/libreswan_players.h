// Real libreswan as a client or a gateway of a scenario, in virtual time.
#pragma once

#include <memory>
#include <string>

#include "sim/players.h"

namespace gatelab::sim::peers {

// The node's port must be in the network. Errors name the node: Unavailable when this computer has no libreswan or runs
// no guests; Unsupported for what libreswan 4.10 does not have: algorithms (libreswan_proposal.h), and more than one
// traffic selector a side. So its gateway grants the first network only, without the pool; and its client, where the
// topology says everything, asks for the first network: of several that a gateway narrows it to, it would keep one.
//
// check_liveness() has no effect: libreswan probes by itself once a peer has been silent for the topology's `liveness`.
Result<std::unique_ptr<ClientPlayer>> make_libreswan_client(const Stage&, const std::string& name);
Result<std::unique_ptr<GatewayPlayer>> make_libreswan_gateway(const Stage&, const std::string& name);

}  // namespace gatelab::sim::peers
