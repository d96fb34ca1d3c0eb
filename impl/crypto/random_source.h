// Where OpenSSL takes its random numbers from.
#pragma once

#include "impl/base/random.h"

namespace gatelab::crypto {

// While one of these lives, all of OpenSSL in this process (key generation, ECDSA nonces, TLS) draws from `random`, so
// that a simulation repeats byte for byte. At most one at a time.
class ScopedRandomSource {
public:
    explicit ScopedRandomSource(Random& random);
    ~ScopedRandomSource();
    ScopedRandomSource(const ScopedRandomSource&) = delete;
    ScopedRandomSource& operator=(const ScopedRandomSource&) = delete;
};

// The system's random numbers, for live machines.
class SystemRandom final : public Random {
public:
    void fill(ByteSpan) override;
};

}  // namespace gatelab::crypto
