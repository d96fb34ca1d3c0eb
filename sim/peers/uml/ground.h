// What guests need of this machine, and whether it gives it.
#pragma once

#include <filesystem>

#include "impl/base/result.h"
#include "impl/base/time.h"
#include "sim/peers/uml/kernel.h"

namespace gatelab::sim::peers::uml {

// The folder for guests' memory, which is a file that a kernel maps: a tmpfs with room, or else the one for temporary
// files. Unavailable when neither has room for a guest and lets a program of a file run.
Result<std::filesystem::path> guest_memory_folder();

// Unavailable, with what to do, unless there is a kernel and this machine lets it trace processes, choose its own
// addresses and keep its memory. Takes about a millisecond; boots nothing.
Result<void> can_run_guests();

// Boots the kernel up to its first program, without networks and without a calendar, and ends it. Wall time that the
// boot took; Unavailable with the end of its console when it does not get there.
Result<Duration> try_kernel(const Kernel&);

}  // namespace gatelab::sim::peers::uml
