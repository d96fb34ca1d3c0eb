// Running a program on a machine and reading what it said.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "impl/base/result.h"
#include "sim/peers/machine.h"

namespace gatelab::sim::peers::programs {

// What every program here is started with.
inline const std::vector<std::string> kEnvironment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/run", "LC_ALL=C"};

// `output` names a file of the machine's folder that no other running program writes to; it holds stdout and stderr.
// `ended` is told what is in it; Refused with its last words when the program did not end well.
std::unique_ptr<Program> run_and_read(Machine&, std::vector<std::string> arguments, const std::string& output,
                                      std::function<void(Result<std::string>)> ended);

}  // namespace gatelab::sim::peers::programs
