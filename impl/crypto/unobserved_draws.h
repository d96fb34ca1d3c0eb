// Random numbers that no result depends on.
#pragma once

#include "impl/base/random.h"

namespace gatelab::crypto {

// While one lives under a ScopedRandomSource, OpenSSL draws from a stream of its own. RSA blinding is cached in a key
// and renewed now and then: drawn from the simulation's stream, it would make a run depend on what its keys did before.
// Without a ScopedRandomSource it changes nothing.
class UnobservedDraws {
public:
    UnobservedDraws();
    ~UnobservedDraws();
    UnobservedDraws(const UnobservedDraws&) = delete;
    UnobservedDraws& operator=(const UnobservedDraws&) = delete;

private:
    SeededRandom random_{0, "rsa-blinding"};
};

}  // namespace gatelab::crypto
