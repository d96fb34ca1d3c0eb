// --fragment: a header of 4 octets before each inner packet, and large packets in parts.
//
//   from the lowest bit: kind, 2 (0 whole, 1 a part, 2 the last part) | packet's number, 8 | part's number, 5 |
//   size of the other parts in units of 4 octets, 14, in last parts only
//
// All parts but the last are of one size, a multiple of 4; there are at most 32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "impl/base/bytes.h"
#include "impl/base/function_ref.h"
#include "impl/base/result.h"
#include "impl/base/time.h"

namespace gatelab::openvpn {

class Fragmenter {
public:
    // Octets of an inner part with its header, 12 or more.
    explicit Fragmenter(std::uint16_t largest);
    ~Fragmenter();
    Fragmenter(Fragmenter&&) noexcept;
    Fragmenter& operator=(Fragmenter&&) noexcept;

    // Calls `each` with every part of the packet, header first, in order. False, with nothing told, for a packet that
    // is empty or takes more than 32 parts.
    bool cut(ByteView inner, FunctionRef<void(ByteView part)> each);
    // The whole inner packet once its last part has come; nothing until then. Parts may come out of order; what is
    // older than 10 s, or than the 25 newest packets, is forgotten. Malformed for headers that cannot be. The view
    // holds until the next call.
    Result<std::optional<ByteView>> join(Instant now, ByteView part);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace gatelab::openvpn
