// Where libreswan is on this computer.
//
// Debian lets libreswan and strongSwan not be installed side by side. So it is unpacked, without being installed, into
// the user's cache folder, and a guest lays it over its own view of the system (libreswan_config.h).
#pragma once

#include "sim/peers/unpacked_package.h"

namespace gatelab::sim::peers {

using LibreswanPackage = UnpackedPackage;  // its version is "4.10", as pluto tells

const PackageSpec& libreswan_package();
inline Result<LibreswanPackage> find_libreswan() { return find_package(libreswan_package()); }

}  // namespace gatelab::sim::peers
