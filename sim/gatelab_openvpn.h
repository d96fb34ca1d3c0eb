// What our own OpenVPN ends are made from.
#pragma once

#include "impl/client/config.h"
#include "impl/gateway/config.h"
#include "sim/players.h"

namespace gatelab::sim {

// A client as the profile has it that its gateway hands out, read from the very text that `gatelab profile` prints.
// Names are resolved to the topology's gateways. Errors do not name the client.
Result<client::OpenVpn> openvpn_client_of(const Stage&, const std::string& name);

// Adds the OpenVPN half of a gateway's configuration. Errors do not name the gateway.
Result<void> offer_openvpn(gateway::Config&, const Stage&, const std::string& name, const topologies::Gateway&);

}  // namespace gatelab::sim
