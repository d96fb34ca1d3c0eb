// The shape that every protocol engine shares.
#pragma once

#include <concepts>
#include <optional>
#include <vector>

#include "impl/base/bytes.h"
#include "impl/base/time.h"

namespace gatelab {

// Time and outputs, common to all engines: the owner calls drain() after every call that may produce something,
// and handle_timeout() no later than next_timeout() (early calls are harmless).
template <class E>
concept Engine = requires(E engine, const E constant, Instant now) {
    typename E::Output;
    engine.handle_timeout(now);
    { constant.next_timeout() } -> std::same_as<std::optional<Instant>>;
    { engine.drain() } -> std::same_as<std::vector<typename E::Output>>;
};

}  // namespace gatelab
