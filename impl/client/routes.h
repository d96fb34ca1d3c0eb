// What traffic selectors mean for a host's routes.
#pragma once

#include <vector>

#include "impl/base/address.h"
#include "impl/esp/traffic_selector.h"

namespace gatelab::client {

// The fewest prefixes that hold exactly the addresses `first` to `last`, ascending.
std::vector<Prefix> prefixes_between(Ipv4Address first, Ipv4Address last);

// Ascending, each once and none inside another.
std::vector<Prefix> merged(std::vector<Prefix>);

// The network that an address was in before there were prefix lengths (RFC 791 section 3.2): of 10.60.0.2 10.0.0.0/8,
// of 172.16.201.2 172.16.0.0/16, of 192.168.7.2 192.168.7.0/24; of any other class the address alone.
Prefix class_based_network(Ipv4Address);

// The destinations to route into a tunnel, merged. A selector for some protocol
// or ports counts with all its addresses: the security association still refuses the rest.
std::vector<Prefix> destinations(const esp::TrafficSelectors&);

}  // namespace gatelab::client
