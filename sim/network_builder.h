// A topology's nodes, links and routes, put into a network.
#pragma once

#include "sim/network/network.h"
#include "topologies/model/topology.h"

namespace gatelab::sim {

// Whether any node is played by a real program.
bool has_real_peers(const topologies::Topology&);
bool is_real_peer(const topologies::NodeKind&);

// Adds everything in the order of the topology, so that equal topologies give equal networks. See players.h for the
// nodes of real programs.
void build_network(Network&, const topologies::Topology&);

// Captures both ends of every link and the tunnel interfaces of our own clients and gateways, as
// <folder>/<node>-<interface>.pcap. Io when a file cannot be made.
Result<void> capture_all(Network&, const topologies::Topology&, const std::filesystem::path& folder);

}  // namespace gatelab::sim
