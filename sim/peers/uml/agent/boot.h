// A guest's way from its first program to a machine that programs can run on.
#pragma once

#include <string>

#include "sim/peers/file_descriptor.h"
#include "sim/peers/uml/agent/protocol.h"

namespace gatelab::sim::peers::uml::agent {

// All of these return "" or the step that failed, with its reason.

// The file systems. The root stays read-only: /run, /tmp and /dev/shm are in memory; /etc and /var show the host's, and
// what is written there goes to memory.
std::string mount_file_systems();

// Settings of the kernel that hold for every guest.
std::string settle_kernel();

// Programs may take a monotonic clock below one second for one that was never set (iputils ping does).
void wait_for_clock();

// Brings up the control card (the guest's eth0, from now on ctl0), and a socket for its frames.
std::string open_control_card(FileDescriptor& wire);

// The card in the simulated network (eth1, from now on net0).
std::string configure(const Configure&);

std::string kernel_version();

}  // namespace gatelab::sim::peers::uml::agent
