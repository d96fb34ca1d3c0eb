// A Machine that is a User-Mode Linux guest.
//
// It has two network cards: net0 at the port of the simulated network, without ARP, and ctl0, over which the harness
// talks with the agent (agent/protocol.h), the guest's first program: it starts programs, opens sockets and carries
// their bytes. Both cards' frames are events of the simulation, and so is everything that comes of them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "sim/network/network.h"
#include "sim/peers/machine.h"
#include "sim/peers/uml/guests.h"

namespace gatelab::sim::peers::uml {

struct GuestMachineSpec {
    std::string node;  // for messages, events and random numbers
    std::string port;  // of the network
    MachineSpec machine;
    std::uint64_t seed = 1;  // of the run
    Instant epoch{};         // what clocks show at the start
    // Folder that keeps what the guest leaves behind (console, the setup that it ran); "" when nothing is to be kept.
    std::filesystem::path evidence;
    unsigned memory_mib = 128;
};

// Powers the guest on at the current simulated time; programs may be run at once, and start when it has booted.
// Unavailable when there is no kernel (see kernel.h) or no permission.
Result<std::unique_ptr<Machine>> make_guest_machine(Guests&, Network&, GuestMachineSpec);

}  // namespace gatelab::sim::peers::uml
