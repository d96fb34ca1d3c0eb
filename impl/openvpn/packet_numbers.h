// Numbers of control packets: given to those that we send, remembered of those that came (replay protection).
//
// A number is a packet id and the time, in seconds since 1970, at which the sender's ids began.
#pragma once

#include <cstdint>
#include <optional>

#include "impl/base/time.h"

namespace gatelab::openvpn {

struct PacketNumber {
    std::uint32_t id = 0;
    std::uint32_t time = 0;
};

class NumberSource {
public:
    explicit NumberSource(std::uint32_t first = 1) : next_(first) {}
    // Ids ascend by one; when they are used up they start again at 1 with a new time.
    PacketNumber next(Instant now);

private:
    std::uint32_t next_;
    std::optional<std::uint32_t> time_;
};

// The newest time that came, and which of its 64 newest ids.
class NumberMemory {
public:
    // Whether `number` is new, and remembers it. Id 0 never is.
    bool add(PacketNumber number);

private:
    std::uint32_t time_ = 0, newest_ = 0;  // newest_ 0: nothing has come yet
    std::uint64_t seen_ = 0;               // bit i: newest_ - i has come
};

}  // namespace gatelab::openvpn
