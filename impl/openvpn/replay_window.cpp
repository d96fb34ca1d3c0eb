#include "impl/openvpn/replay_window.h"

#include <algorithm>
#include <bit>

namespace gatelab::openvpn {
namespace {

std::uint64_t bit_of(std::uint32_t id) { return std::uint64_t{1} << id % 64; }

std::int64_t whole_seconds(Duration time) { return std::chrono::ceil<std::chrono::seconds>(time).count(); }

}  // namespace

ReplayWindow::ReplayWindow(std::size_t packets, Duration back)
    : packets_(std::min(packets, kLargest)),
      back_(std::clamp<std::int64_t>(whole_seconds(back), 0, whole_seconds(kLongest))),
      words_(std::bit_ceil((packets_ + 63) / 64 + 1)),
      highest_by_second_(static_cast<std::size_t>(back_) + 2) {}

bool ReplayWindow::is_marked(std::uint32_t id) const { return (words_[id / 64 % words_.size()] & bit_of(id)) != 0; }

std::uint32_t ReplayWindow::highest_at_the_limit(Instant now) const {
    const std::int64_t second = unix_seconds(now) - back_ - 1;
    if (back_ == 0 || second < 0) return 0;
    if (second >= newest_second_) return highest_;
    const auto size = static_cast<std::int64_t>(highest_by_second_.size());
    return newest_second_ - second < size ? highest_by_second_[static_cast<std::size_t>(second % size)] : 0;
}

bool ReplayWindow::is_unseen(std::uint32_t id) const {
    if (id == 0) return false;
    return id > highest_ || (highest_ - id < packets_ && !is_marked(id));
}

bool ReplayWindow::is_fresh(Instant now, std::uint32_t id) const {
    return is_unseen(id) && (id > highest_ || id > highest_at_the_limit(now));
}

void ReplayWindow::mark(Instant now, std::uint32_t id) {
    const std::int64_t second = std::max<std::int64_t>(unix_seconds(now), newest_second_);
    const auto size = static_cast<std::int64_t>(highest_by_second_.size());
    for (auto passed = std::max(newest_second_ + 1, second - size + 1); passed <= second; ++passed)
        highest_by_second_[static_cast<std::size_t>(passed % size)] = highest_;
    newest_second_ = second;
    if (id > highest_) {
        const auto steps = std::min<std::size_t>(id / 64 - highest_ / 64, words_.size());
        for (std::size_t step = 0; step < steps; ++step) words_[(id / 64 - step) % words_.size()] = 0;
        highest_ = id;
        highest_by_second_[static_cast<std::size_t>(second % size)] = id;
    }
    words_[id / 64 % words_.size()] |= bit_of(id);
}

}  // namespace gatelab::openvpn
