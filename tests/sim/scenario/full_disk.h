// A disk without room, for this process alone.
#pragma once

#include <signal.h>
#include <sys/resource.h>

namespace gatelab::sim {

// While one lives, no file of this process may grow beyond `bytes`: what a full disk looks like to a writer.
class FullDisk {
public:
    explicit FullDisk(rlim_t bytes) {
        ::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

private:
    rlimit before_{};
};

}  // namespace gatelab::sim
