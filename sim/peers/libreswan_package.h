// Where libreswan is on this computer.
//
// Debian lets libreswan and strongSwan not be installed side by side. So it is unpacked, without being installed, into
// the user's cache folder, and a guest lays it over its own view of the system (libreswan_config.h).
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "impl/base/result.h"

namespace gatelab::sim::peers {

struct LibreswanPackage {
    std::filesystem::path root;  // of the unpacked package; "" when libreswan is installed
    std::string version;         // "4.10", as pluto tells
};

// Unavailable, naming the command, when there is none.
Result<LibreswanPackage> find_libreswan();

// Fetches Debian's package and the libraries that are missing here, as an ordinary user, and unpacks them, unless that
// was done; `progress` is told each step. Unavailable with what apt said when it cannot get them; Io when the disk is
// full.
Result<LibreswanPackage> fetch_libreswan(const std::function<void(const std::string& step)>& progress);

}  // namespace gatelab::sim::peers
