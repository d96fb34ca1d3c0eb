// A program that runs in a guest.
#pragma once

#include <functional>

#include "sim/peers/machine.h"
#include "sim/peers/uml/control_channel.h"

namespace gatelab::sim::peers::uml {

// `output` is its path in the guest. See Machine::run().
std::unique_ptr<Program> run_in_guest(ControlChannel&, const ProgramSpec&, const std::string& output,
                                      std::function<void(Result<int>)> ended);

}  // namespace gatelab::sim::peers::uml
