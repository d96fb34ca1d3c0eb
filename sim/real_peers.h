// How real programs take part where that is left open, and what to tell the user about it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "impl/base/result.h"
#include "sim/scenario.h"

namespace gatelab::sim {

struct RealPeersChoice {
    RealPeers real_peers = RealPeers::RealTime;
    std::string hint;  // how to get virtual time; "" where there is it, or real time was asked for
};

// "virtual" and "realtime"; nothing for another word.
std::optional<RealPeers> real_peers_named(std::string_view);

// Virtual time where this machine can run guests (see peers/uml/ground.h), unless asked otherwise. Unavailable, with
// the command that makes one, when virtual time was asked for and there is none.
Result<RealPeersChoice> choose_real_peers(std::optional<RealPeers> asked);

}  // namespace gatelab::sim
