// Real sstp-client as a client of a scenario.
#pragma once

#include <memory>
#include <string>

#include "sim/players.h"

namespace gatelab::sim::peers {

// The node's port must be in the network, which must run in real time unless the stage has guests. It begins to get
// ready when it is made. Errors name the node: Unavailable when this computer lacks sstp-client, ppp or a permission;
// Refused for a client without a user name or whose tunnel is not SSTP.
//
// rekey_child(), rekey_ike() and check_liveness() have no effect. It checks who issued the gateway's certificate, not
// whose name is in it.
Result<std::unique_ptr<ClientPlayer>> make_sstp_client(const Stage&, const std::string& name);

}  // namespace gatelab::sim::peers
