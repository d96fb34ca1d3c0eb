// SoftEther VPN Server as an OpenVPN gateway, in real time.
//
//   Starting  the server comes up and is configured
//   Ready     it serves; its sessions are asked for again and again
//   Failed, Ending, Ended
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/network/network.h"
#include "sim/peers/machine.h"
#include "sim/peers/softether_config.h"
#include "sim/players.h"

namespace gatelab::sim::peers {

// Errors name the node. Unavailable when this computer has no SoftEther (see softether_package.h) or gives no
// namespaces, and in virtual time: it lives by the machine's clock. Unsupported for what it does not have: tls-auth and
// tls-crypt, a certificate other than of RSA.
//
// Users are the clients that dial it, by certificate, and the gateway's own list. Of a session, user and addresses are
// told. rekey_child(), rekey_ike() and check_liveness() have no effect.
Result<std::unique_ptr<GatewayPlayer>> make_softether_gateway(const Stage&, const std::string& name);

}  // namespace gatelab::sim::peers
