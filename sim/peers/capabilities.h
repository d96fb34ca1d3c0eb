// What this machine can run of the outside world, and why not.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "impl/base/result.h"
#include "topologies/model/topology.h"

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

// What an implementation needs of these to take part in real or in virtual time.
std::vector<std::string> needs_of(topologies::Implementation, bool real_time);
// Unavailable, with the first reason, unless it can take part here.
Result<void> can_run(topologies::Implementation, bool real_time);
// In real time.
inline Result<void> can_run_strongswan() { return can_run(topologies::Implementation::StrongSwan, true); }

}  // namespace gatelab::sim::peers
