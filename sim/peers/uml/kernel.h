// The kernel of virtual-time peers: Debian's, built as a user program (ARCH=um) with gatelab's configuration and four
// small changes. It is built once, and kept in the user's cache folder under a hash of all that went into it.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "impl/base/result.h"

namespace gatelab::sim::peers::uml {

struct Kernel {
    std::filesystem::path path;
    std::string version;  // Debian's, of the source package: "6.1.192-2"
    // Of source version, configuration, changes and recipe; 16 hexadecimal digits.
    std::string hash;
};

// The newest one that was built by this version's recipe. Unavailable, naming the command, when there is none.
// GATELAB_KERNEL in the environment names another file, whose hash is that of its contents.
Result<Kernel> find_kernel();

struct KernelProgress {
    std::string step;  // "unpacking", "compiling"
    double share = 0;  // 0 to 1 of the whole, as far as can be known
};

// Builds it unless it is there. Unavailable with the line to run when build packages are missing; Io when the disk is
// full; errors of the build carry the last lines of its log and the log's path.
Result<Kernel> build_kernel(const std::function<void(const KernelProgress&)>& progress);

}  // namespace gatelab::sim::peers::uml
