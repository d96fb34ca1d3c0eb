// The versions of what is not ours and yet decides a run.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "conformance/runner.h"

namespace gatelab::conformance {

// Of the real programs that jobs have to run, and of the kernel that some run on; by name, see Report::inputs. What
// cannot be found out is left out.
std::map<std::string, std::string> inputs_of(const std::vector<const Job*>&);

}  // namespace gatelab::conformance
