#include "cli/machine.h"

#include "sim/peers/capabilities.h"

namespace gatelab::cli {

std::string why_not(topologies::Implementation implementation) {
    if (!topologies::is_program(implementation)) return {};
    const auto able = sim::peers::can_run_strongswan();
    return able ? std::string{} : able.error().detail;
}

}  // namespace gatelab::cli
