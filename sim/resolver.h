// Names of a topology: those of its gateways, as every machine of the run resolves them.
#pragma once

#include <functional>
#include <string>

#include "impl/base/address.h"
#include "impl/base/result.h"
#include "sim/pki.h"
#include "topologies/model/topology.h"

namespace gatelab::sim {

// A gateway's server name to its public address; NotFound for any other name.
std::function<Result<Ipv4Address>(const std::string& name)> resolver_of(const topologies::Topology&, const Pki&);

}  // namespace gatelab::sim
