// The static routes of a topology, read off its graph.
#pragma once

#include <vector>

#include "impl/base/address.h"
#include "topologies/model/topology.h"

namespace gatelab::sim {

struct StaticRoute {
    topologies::Vertex node;  // a client, gateway, virtual network, virtual machine or router
    Prefix destination;
    topologies::Vertex neighbour;  // the next hop, over the link between the two
    friend bool operator==(const StaticRoute&, const StaticRoute&) = default;
};

// Each node's next hop on a shortest path to every address of the network, in the order of the topology.
//
// There are two realms, and gateways join them. The underlay carries the outer packets between clients, gateways and
// NATs; the inside carries virtual machines, the gateways' inside addresses and their client address pools. A NAT hides
// the addresses behind it. A machine with one link gets a default route; where a node reaches a whole prefix and
// addresses in it over one neighbour, the prefix alone is listed, and so it is where it reaches both halves of it so.
std::vector<StaticRoute> plan_routes(const topologies::Topology&);

// Whether a gateway's link to `neighbour` leads into its virtual network, and so carries its inside address.
bool leads_inside(const topologies::Topology&, topologies::Vertex gateway, topologies::Vertex neighbour);

}  // namespace gatelab::sim
