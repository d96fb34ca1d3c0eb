// What this machine can run.
#pragma once

#include <string>
#include <vector>

#include "topologies/model/topology.h"

namespace gatelab::cli {

// One thing that gatelab can use.
struct Finding {
    std::string name;     // "charon-systemd"
    std::string purpose;  // what it is for
    bool there = false;
    std::string detail;  // its version, or why it is not there
    std::string advice;  // what to do when it is not
};

// Programs and permissions, found by trying them. Takes up to a second or two.
std::vector<Finding> examine_machine();

// Why this machine cannot run a player, with what to do; "" when it can.
std::string why_not(topologies::Implementation);

}  // namespace gatelab::cli
