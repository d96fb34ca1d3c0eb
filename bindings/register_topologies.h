#pragma once

#include <pybind11/pybind11.h>

namespace gatelab::bindings {

// Topology files: read, checked and looked into.
void register_topologies(pybind11::module_&);

}  // namespace gatelab::bindings
