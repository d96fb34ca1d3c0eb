// What is wrong with a topology, found without running it.
#pragma once

#include <string>
#include <vector>

#include "topologies/model/topology.h"

namespace gatelab::topologies {

struct Problem {
    enum class Severity { Error, Warning } severity = Severity::Error;
    Mark mark;
    std::string message;  // what was found and what was expected; no trailing full stop
};

// "office.yaml:3:9: error: ..."
std::string to_string(const Problem&);

bool has_errors(const std::vector<Problem>&);

// Everything that would keep the topology from running as meant, in the order of the file: names that nothing bears,
// addresses outside their network or used twice, prefixes that overlap, clients that cannot get to their gateway,
// limits of Azure's documentation. A topology without errors can be simulated; warnings only inform.
std::vector<Problem> check(const Topology&);

}  // namespace gatelab::topologies
