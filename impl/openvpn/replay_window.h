// Which packet ids have arrived on the data channel, as --replay-window says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "impl/base/time.h"

namespace gatelab::openvpn {

// Remembers the last `packets` ids up to the highest one. Ids lie close together in time as well: once an id has been
// there for more than `back`, no lower one is taken any more. Whole seconds count, as in the real program; 0: no limit.
// With `packets` of 0, as over TCP, ids must ascend. The manual would allow no gap there, but a sender whose queue is
// full drops packets that have their id already, and 2.6 takes what follows.
//
// An id is first looked at, and marked only when its packet proved authentic: otherwise anyone could move the window.
class ReplayWindow {
public:
    static constexpr std::size_t kLargest = 65536;  // packets
    static constexpr Duration kLongest = std::chrono::minutes(10);
    // Larger values are cut to these limits.
    ReplayWindow(std::size_t packets, Duration back);

    bool is_fresh(Instant now, std::uint32_t id) const;
    bool is_unseen(std::uint32_t id) const;  // the same, however late it comes
    void mark(Instant now, std::uint32_t id);
    std::uint32_t highest() const { return highest_; }

private:
    bool is_marked(std::uint32_t id) const;
    std::uint32_t highest_at_the_limit(Instant now) const;

    std::size_t packets_;
    std::int64_t back_;  // seconds
    // A ring with one word more than the window fills, so that moving clears whole words (the idea of RFC 6479).
    std::vector<std::uint64_t> words_;
    // The highest id at the end of each of the last seconds, up to `newest_second_`. An id is too old exactly when it
    // is not above the one that was the highest `back` ago.
    std::vector<std::uint32_t> highest_by_second_;
    std::int64_t newest_second_ = 0;
    std::uint32_t highest_ = 0;
};

}  // namespace gatelab::openvpn
