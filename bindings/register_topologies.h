#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "topologies/model/topology.h"

namespace gatelab::bindings {

// A topology and what it was read from.
struct LoadedTopology {
    topologies::Topology topology;
    std::string text;                    // of the file
    std::vector<std::string> overrides;  // "PATH=VALUE"
};

// Topology files: read, checked and looked into.
void register_topologies(pybind11::module_&);

}  // namespace gatelab::bindings
