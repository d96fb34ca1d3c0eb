// Integers that cannot be mistaken for one another.
#pragma once

#include <compare>

namespace gatelab {

// A value of `Rep` that only converts when asked: `using Spi = Strong<struct SpiTag, std::uint32_t>;`
template <class Tag, class Rep>
class Strong {
public:
    constexpr Strong() = default;
    constexpr explicit Strong(Rep value) : value_(value) {}
    constexpr Rep value() const { return value_; }
    friend constexpr auto operator<=>(const Strong&, const Strong&) = default;

private:
    Rep value_{};
};

}  // namespace gatelab
