// Who can reach whom over the links, before any packet is sent.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "topologies/model/topology.h"

namespace gatelab::topologies {

// Which nodes a path may pass through. Its ends may be of any kind; clients and virtual machines never forward.
enum class Through {
    Underlay,    // routers, firewalls and NATs: what carries a tunnel's outer packets
    Everything,  // gateways and virtual networks too: what a packet sees on its way into a virtual network
};

// The vertices from `from` to `to`, both included, over the fewest links; among equals the one whose links come first
// in the topology. Empty when there is none.
std::vector<Vertex> shortest_path(const Topology&, Vertex from, Vertex to, Through);

// "alice > isp > gateway".
std::string to_string(const Topology&, const std::vector<Vertex>& path);

// How one endpoint (client or virtual machine) gets to another when every tunnel is up.
struct Reach {
    std::string from, to;
    std::vector<Vertex> path;          // empty: not reachable
    std::vector<std::string> tunnels;  // the clients whose tunnels it uses, in order
    std::string why_not;               // when not reachable
};

// Between two endpoints (clients or virtual machines).
Reach reach(const Topology&, Vertex from, Vertex to);

// All ordered pairs of different endpoints, in the order of the topology.
std::vector<Reach> reachability(const Topology&);

}  // namespace gatelab::topologies
