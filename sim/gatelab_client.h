// A remote user played by our own client.
#pragma once

#include <memory>
#include <string>

#include "sim/players.h"

namespace gatelab::sim {

Result<std::unique_ptr<ClientPlayer>> make_gatelab_client(const Stage&, const std::string& name);

}  // namespace gatelab::sim
