// The two processes on the far side of a Warden. Each runs single-threaded and never returns.
#pragma once

#include <filesystem>

namespace gatelab::sim::peers {

struct WardenInside {
    int requests, endings;          // sockets, see warden_protocol.h
    std::filesystem::path scratch;  // removed at the end
    bool user_namespace;
};

// Enters new namespaces, forks the warden, waits for its end and cleans up.
[[noreturn]] void be_caretaker(const WardenInside&);

}  // namespace gatelab::sim::peers
