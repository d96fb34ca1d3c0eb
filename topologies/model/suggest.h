// What a misspelt name was probably meant to be.
#pragma once

#include "impl/base/suggest.h"

namespace gatelab::topologies {

using gatelab::closest;

}  // namespace gatelab::topologies
