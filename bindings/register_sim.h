#pragma once

#include <pybind11/pybind11.h>

namespace gatelab::bindings {

// Runs of topologies.
void register_sim(pybind11::module_&);

}  // namespace gatelab::bindings
