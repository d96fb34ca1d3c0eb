// Programs of Debian that are used without being installed: unpacked into the user's cache folder.
//
// libreswan is one because Debian lets it not be installed beside strongSwan, and SoftEther because its package would
// make this computer a VPN server.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "impl/base/result.h"

namespace gatelab::sim::peers {

struct PackageSpec {
    std::string name;                   // "libreswan": of the folder, and of the verb that fetches it
    std::vector<std::string> packages;  // Debian's; libraries that are missing here come along
    std::string variable;               // of the environment; names the folder of an unpacked package instead
    std::string program;                // "usr/libexec/ipsec/pluto", within the folder
    // The version of the program in a folder; "" when it does not run.
    std::function<std::string(const std::filesystem::path& root)> version;
};

struct UnpackedPackage {
    std::filesystem::path root;  // "" when it is installed
    std::string version;
};

// Unavailable, naming the command, when there is none.
Result<UnpackedPackage> find_package(const PackageSpec&);

// Fetches Debian's packages as an ordinary user, and unpacks them, unless that was done; `progress` is told each step.
// Unavailable with what apt said when it cannot get them; Io when the disk is full.
Result<UnpackedPackage> fetch_package(const PackageSpec&, const std::function<void(const std::string& step)>& progress);

// The folders of libraries in it, for LD_LIBRARY_PATH.
std::filesystem::path libraries_of(const std::filesystem::path& root);

}  // namespace gatelab::sim::peers
