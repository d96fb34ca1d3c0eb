// What this machine can run of the outside world, and why not.
#pragma once

#include <string>
#include <vector>

#include "impl/base/result.h"

namespace gatelab::sim::peers {

struct Capability {
    std::string what;  // "user namespaces", "charon-systemd"
    bool available = false;
    std::string version;  // of a program, where it tells
    std::string reason;   // why not, and what to do
};

// Tries everything for real: makes namespaces and a network card, asks programs for their version. Takes a moment.
std::vector<Capability> capabilities();

// Unavailable, with the reasons, unless a strongSwan peer can run here.
Result<void> can_run_strongswan();

}  // namespace gatelab::sim::peers
