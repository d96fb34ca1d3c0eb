// What this machine can run of the outside world, and why not.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "impl/base/result.h"

namespace gatelab::sim::peers {

struct Capability {
    std::string what;     // "user namespaces", "charon-systemd"
    std::string purpose;  // what it is for
    bool available = false;
    std::string version;  // of a program, where it tells; of the rest, what was found
    std::string reason;   // why not, and what to do
};

// Tries everything for real: makes namespaces and a network card, boots the kernel for virtual time, asks programs for
// their version. Takes a moment.
std::vector<Capability> capabilities();

// One of them, tried alone; nothing when there is none of that name.
std::optional<Capability> capability(std::string_view what);

// Unavailable, with the reasons, unless a strongSwan peer can run here in real time. In virtual time see uml/ground.h.
Result<void> can_run_strongswan();

}  // namespace gatelab::sim::peers
