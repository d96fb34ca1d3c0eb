#include "cli/machine.h"

#include "sim/peers/capabilities.h"

namespace gatelab::cli {

std::string why_not(topologies::Implementation implementation) {
    if (implementation == topologies::Implementation::Gatelab) return {};
    const auto able = sim::peers::can_run_strongswan();
    return able ? std::string{} : able.error().detail;
}

}  // namespace gatelab::cli
