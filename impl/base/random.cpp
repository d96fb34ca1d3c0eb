#include "impl/base/random.h"

namespace gatelab {
namespace {

// FNV-1a: any fixed mixing of the label will do, as long as it never changes.
std::uint64_t hash_of(std::string_view label) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const auto byte : as_bytes(label)) hash = (hash ^ byte) * 0x100000001b3;
    return hash;
}

}  // namespace

Bytes Random::bytes(std::size_t count) {
    Bytes result(count);
    fill(result);
    return result;
}

std::uint32_t Random::u32() { return static_cast<std::uint32_t>(u64() >> 32); }

std::uint64_t Random::u64() {
    std::uint8_t raw[8];
    fill(raw);
    return ByteReader{raw}.u64();
}

std::uint64_t Random::below(std::uint64_t bound) {
    // Values from the incomplete last multiple of `bound` would be too likely: draw again.
    const std::uint64_t limit = ~std::uint64_t{0} - (~std::uint64_t{0} % bound + 1) % bound;
    std::uint64_t value = u64();
    while (value > limit) value = u64();
    return value % bound;
}

double Random::unit() { return static_cast<double>(u64() >> 11) * 0x1p-53; }

SeededRandom::SeededRandom(std::uint64_t seed, std::string_view label) {
    const auto hash = hash_of(label);
    std::seed_seq mixed{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                        static_cast<std::uint32_t>(hash), static_cast<std::uint32_t>(hash >> 32)};
    engine_.seed(mixed);
}

void SeededRandom::fill(ByteSpan out) {
    for (std::size_t i = 0; i < out.size(); i += 8) {
        const std::uint64_t word = engine_();
        for (std::size_t j = i; j < out.size() && j < i + 8; ++j)
            out[j] = static_cast<std::uint8_t>(word >> 8 * (j - i));
    }
}

}  // namespace gatelab
