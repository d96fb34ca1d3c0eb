// Where SoftEther VPN Server is on this computer: as a rule unpacked in the cache, since its package would install a
// server that runs.
#pragma once

#include "sim/peers/unpacked_package.h"

namespace gatelab::sim::peers {

const PackageSpec& softether_package();
inline Result<UnpackedPackage> find_softether() { return find_package(softether_package()); }  // "5.01 Build 9674"

}  // namespace gatelab::sim::peers
