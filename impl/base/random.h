// Random numbers, handed to whoever needs them.
#pragma once

#include <cstdint>
#include <random>
#include <string_view>

#include "impl/base/bytes.h"

namespace gatelab {

// A source of random bytes. In a simulation it is seeded; on a real machine it is the system's.
class Random {
public:
    virtual ~Random() = default;
    virtual void fill(ByteSpan) = 0;

    Bytes bytes(std::size_t count);
    std::uint32_t u32();
    std::uint64_t u64();
    std::uint64_t below(std::uint64_t bound);  // uniform in [0, bound); bound > 0
    double unit();                             // uniform in [0, 1), 53 bits
};

// The same stream on every machine for the same seed and label. Not for secrets outside a simulation.
class SeededRandom final : public Random {
public:
    // `label` names the stream ("node/alice"): two labels of one seed give unrelated streams.
    explicit SeededRandom(std::uint64_t seed, std::string_view label = {});
    void fill(ByteSpan) override;

private:
    std::mt19937_64 engine_;
};

}  // namespace gatelab
