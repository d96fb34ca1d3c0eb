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

// The destinations to route into a tunnel, merged. A selector for some protocol
// or ports counts with all its addresses: the security association still refuses the rest.
std::vector<Prefix> destinations(const esp::TrafficSelectors&);

}  // namespace gatelab::client
