// Who can play here.
#pragma once

#include <string>

#include "topologies/model/topology.h"

namespace gatelab::cli {

// Why this machine cannot run a player, a real program in real time, with what to do; "" when it can.
std::string why_not(topologies::Implementation);

}  // namespace gatelab::cli
