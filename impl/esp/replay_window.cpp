#include "impl/esp/replay_window.h"

#include <algorithm>
#include <bit>

#include "impl/esp/require.h"

namespace gatelab::esp {
namespace {

std::uint64_t bit_of(std::uint64_t number) { return std::uint64_t{1} << number % 64; }

}  // namespace

// A power of two, so that the ring stays whole where the numbers end at 2^64.
ReplayWindow::ReplayWindow(std::size_t size) : size_(size), words_(std::bit_ceil((size + 63) / 64 + 1)) {
    require(size >= kSmallest && size <= kLargest, "a replay window that is not of 32 to 4096 packets");
}

std::optional<std::uint64_t> ReplayWindow::extend(std::uint32_t low) const {
    const auto top_high = static_cast<std::uint32_t>(highest_ >> 32);
    const auto top_low = static_cast<std::uint32_t>(highest_);
    const auto below_top = static_cast<std::uint32_t>(size_ - 1);
    const std::uint32_t bottom_low = top_low - below_top;  // modulo 2^32
    std::uint64_t high = top_high;
    if (top_low >= below_top) {  // case A: the window lies within one block of 2^32 numbers
        if (low < bottom_low) {
            if (top_high == 0xffffffff) return std::nullopt;
            ++high;
        }
    } else if (low >= bottom_low) {  // case B: it began in the block before
        if (top_high == 0) return std::nullopt;
        --high;
    }
    return high << 32 | low;
}

bool ReplayWindow::is_fresh(std::uint64_t number) const {
    if (number == 0) return false;  // the first one is 1 (RFC 4303 section 2.2)
    if (number > highest_) return true;
    if (highest_ - number >= size_) return false;
    return (word_of(number) & bit_of(number)) == 0;
}

void ReplayWindow::mark(std::uint64_t number) {
    if (number > highest_) {
        const std::uint64_t steps = std::min<std::uint64_t>(number / 64 - highest_ / 64, words_.size());
        for (std::uint64_t step = 0; step < steps; ++step) word_of(number - step * 64) = 0;
        highest_ = number;
    }
    word_of(number) |= bit_of(number);
}

void ReplayWindow::mark_all_up_to(std::uint64_t number) {
    if (number <= highest_) return;
    std::fill(words_.begin(), words_.end(), ~std::uint64_t{0});
    word_of(number) = number % 64 == 63 ? ~std::uint64_t{0} : bit_of(number + 1) - 1;
    highest_ = number;
}

}  // namespace gatelab::esp
