// Which sequence numbers have arrived (RFC 4303 section 3.4.3 and appendix A).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace gatelab::esp {

// Remembers the last `size` numbers up to the highest one. A number is first looked at, and marked only when its packet
// proved authentic: otherwise anyone could move the window.
class ReplayWindow {
public:
    static constexpr std::size_t kSmallest = 32, kLargest = 4096;
    explicit ReplayWindow(std::size_t size);

    // The 64 bits that a packet's 32 stand for, or nothing when they lie before the first or behind the last number
    // there is (RFC 4303 appendix A2.1).
    std::optional<std::uint64_t> extend(std::uint32_t low) const;

    bool is_fresh(std::uint64_t number) const;  // within or right of the window, and not marked
    void mark(std::uint64_t number);            // moves the window when the number is right of it
    void mark_all_up_to(std::uint64_t number);
    std::uint64_t highest() const { return highest_; }

private:
    std::uint64_t& word_of(std::uint64_t number) { return words_[number / 64 % words_.size()]; }
    const std::uint64_t& word_of(std::uint64_t number) const { return words_[number / 64 % words_.size()]; }

    std::size_t size_;
    // A ring with one word more than the window fills, so that moving clears whole words (the idea of RFC 6479).
    std::vector<std::uint64_t> words_;
    std::uint64_t highest_ = 0;
};

}  // namespace gatelab::esp
