// For what only a bug of ours can break.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace gatelab::esp {

inline void require(bool held, const char* what) {
    if (held) return;
    std::fprintf(stderr, "gatelab: ESP was called with %s\n", what);
    std::abort();
}

}  // namespace gatelab::esp
