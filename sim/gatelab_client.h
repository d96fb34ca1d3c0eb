// A remote user played by our own client.
#pragma once

#include <memory>
#include <string>

#include "impl/client/personality.h"
#include "sim/players.h"

namespace gatelab::sim {

// Whose habits our client takes on where a topology says so.
client::Personality personality_of(topologies::Personality);

Result<std::unique_ptr<ClientPlayer>> make_gatelab_client(const Stage&, const std::string& name);

}  // namespace gatelab::sim
