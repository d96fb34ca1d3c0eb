// Many clients of one gateway, as a topology made rather than written.
#pragma once

#include <cstddef>
#include <string>

#include "topologies/model/topology.h"

namespace gatelab::topologies {

// Clients client-1, client-2, ... on access routers access-1, access-2, ..., and those on further routers where they
// are many. Every address is the one after that of the client before it, so each access router holds a block that
// routes to it can be merged into.
struct AccessTree {
    std::size_t clients = 1;  // 1 or more
    // What hangs on one router at most, 2 or more. A simulated node looks through all its interfaces for some packets,
    // so that a star of thousands is slow.
    std::size_t fan_out = 32;
    std::string name = "client";
    Ipv4Address first_address{100, 64, 0, 1};
    Client like;  // every client's settings but its address, its certificate and when it connects
    // Each client's certificate, with its name; used where it proves itself by one.
    CertificateSpec certificate;
    Duration connect_from{}, connect_every = std::chrono::milliseconds(10);  // one client after another
    Link access{}, trunk{};  // between client and router, and above; their names are made
};

// Adds the tree below `root`, a router. The names must be free and the addresses unused.
void add_access_tree(Topology&, Vertex root, const AccessTree&);

}  // namespace gatelab::topologies
