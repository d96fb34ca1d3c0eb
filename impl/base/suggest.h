// What a misspelt name was probably meant to be.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gatelab {

// The name among `known` that takes the fewest edits from `name` (at most a third of its letters), or "".
std::string closest(std::string_view name, const std::vector<std::string>& known);

}  // namespace gatelab
