// What `gatelab topology show` says of the network in between, a line each.
#pragma once

#include <string>

#include "topologies/model/topology.h"

namespace gatelab::cli {

std::string describe(
    const topologies::FilterRule&);                  // "reject outbound udp to port 500, 4500 of any flow from 10 s on"
std::string describe(const topologies::LinkFault&);  // "drop ike-auth from alice, number 1, from 0 s on"
// "duplicate 1 %, black hole above 1300": what a link does beside losing packets; "" for nothing.
std::string impairments(const topologies::Link&);

}  // namespace gatelab::cli
