// Real OpenVPN 2.6 as a client or a gateway of a scenario.
#pragma once

#include <memory>
#include <string>

#include "sim/players.h"

namespace gatelab::sim::peers {

// The node's port must be in the network, which must run in real time unless the stage has guests. They begin to start
// when they are made. Errors name the node: Unavailable when this computer lacks openvpn or a permission; Refused for a
// node whose tunnel is not OpenVPN.
//
// A client dials again by itself when its tunnel breaks, as the program does, until disconnect() or until the server
// refuses it. rekey_child(), rekey_ike() and check_liveness() have no effect: nothing can ask OpenVPN to renegotiate or
// to probe; its own timers do (`renegotiate`, `ping`).
Result<std::unique_ptr<ClientPlayer>> make_openvpn_client(const Stage&, const std::string& name);
// One program for each port. Packets of a session are told while it is the only one at its port.
Result<std::unique_ptr<GatewayPlayer>> make_openvpn_gateway(const Stage&, const std::string& name);

}  // namespace gatelab::sim::peers
