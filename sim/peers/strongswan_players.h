// Real strongSwan as a client or a gateway of a scenario.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/peers/strongswan_config.h"
#include "sim/players.h"

namespace gatelab::sim::peers {

// The node's port must be in the network, which must run in real time unless the stage has guests. They begin to start
// when they are made. Errors name the node: Unavailable when this computer lacks strongSwan or a permission.
//
// check_liveness() has no effect: strongSwan probes by itself once a peer has been silent for the topology's
// `liveness`, and cannot be told to.
Result<std::unique_ptr<ClientPlayer>> make_strongswan_client(const Stage&, const std::string& name);
Result<std::unique_ptr<GatewayPlayer>> make_strongswan_gateway(const Stage&, const std::string& name);

// One end of a site-to-site tunnel, with the networks behind it. Either end may dial.
struct StrongSwanSiteNode {
    std::string node, port;
    std::vector<Ipv4Address> addresses;  // of the networks behind it, where it answers
    StrongSwanSiteSettings settings;
};
Result<std::unique_ptr<ClientPlayer>> make_strongswan_site(const Stage&, StrongSwanSiteNode);

}  // namespace gatelab::sim::peers
