// The keys of a strongSwan run, out of charon's private log (groups "ike" and "chd" at level 4, "cfg" and "enc" at 1).
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "impl/esp/security_association.h"
#include "impl/ikev2/engine.h"

namespace gatelab::sim::peers {

struct LoggedKeys {
    std::vector<ikev2::SaKeys> ike;
    std::vector<esp::Parameters> esp;
};

struct IkeSpis {
    std::uint64_t initiator = 0, responder = 0;
};
using SpisByNumber = std::map<std::uint32_t, IkeSpis>;  // of the IKE SAs that charon listed, by its own number

// The log has the SPIs of a first IKE SA, but not those of one that a rekeying made: `listed` tells them. In the order
// of the log. What is cut off or not of ours (an algorithm that no gatelab row has) is left out.
LoggedKeys keys_in(std::string_view private_log, const SpisByNumber& listed);

}  // namespace gatelab::sim::peers
