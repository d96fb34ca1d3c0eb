// A VPN gateway played by our own.
#pragma once

#include <memory>
#include <string>

#include "sim/players.h"

namespace gatelab::sim {

Result<std::unique_ptr<GatewayPlayer>> make_gatelab_gateway(const Stage&, const std::string& name);

}  // namespace gatelab::sim
