// A split virtqueue in a guest's memory, seen from the device (virtio 1.2, section 2.7). Whatever the guest has put
// there is checked: an index, an address or a chain that cannot be is an error, never a wild read.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "impl/base/bytes.h"
#include "impl/base/result.h"
#include "sim/peers/file_descriptor.h"

namespace gatelab::sim::peers::uml {

// The parts of a guest's memory that it shares with its devices.
class GuestMemory {
public:
    GuestMemory() = default;
    ~GuestMemory() { clear(); }
    GuestMemory(const GuestMemory&) = delete;
    GuestMemory& operator=(const GuestMemory&) = delete;

    struct Region {
        std::uint64_t guest_address, size, user_address, offset;
    };
    // Maps a part of a file. Malformed when the file does not reach that far; Io when it cannot be mapped.
    Result<void> add(const Region&, const FileDescriptor&);
    void clear();
    // Null unless the whole range lies in one region.
    std::uint8_t* at(std::uint64_t guest_address, std::uint64_t size) const;
    bool empty() const { return regions_.empty(); }

private:
    struct Mapping {
        std::uint64_t guest_address, size;
        std::uint8_t* memory;
    };
    std::vector<Mapping> regions_;
};

class Virtqueue {
public:
    static constexpr std::uint32_t kLargest = 32768;

    Result<void> set_size(std::uint32_t entries);  // a power of two
    void set_next(std::uint16_t index) { next_ = index; }
    Result<void> set_addresses(const GuestMemory&, std::uint64_t descriptors, std::uint64_t used,
                               std::uint64_t available);
    void enable(bool on) { enabled_ = on; }
    void reset() { *this = {}; }
    bool ready() const { return enabled_ && descriptors_; }

    // The head of the next chain that the guest has made available, and takes it; none when there is none.
    struct Head {
        bool there = false;
        std::uint16_t index = 0;
    };
    Result<Head> take();
    // Copies what the chain holds into `out`: its length, which may be larger than `out`, whose rest is left out.
    Result<std::size_t> read(const GuestMemory&, std::uint16_t head, ByteSpan out) const;
    // Copies two pieces, one after the other, into the chain: how many octets it took.
    Result<std::size_t> write(const GuestMemory&, std::uint16_t head, ByteView first, ByteView second) const;
    // Gives the chain back.
    void put_back(std::uint16_t head, std::uint32_t written);
    bool wants_interrupt() const;

private:
    template <class Piece>
    Result<void> walk(const GuestMemory&, std::uint16_t head, bool writable, Piece) const;

    std::uint32_t size_ = 0;
    std::uint16_t next_ = 0;
    bool enabled_ = false;
    const std::uint8_t* descriptors_ = nullptr;
    const std::uint8_t* available_ = nullptr;
    std::uint8_t* used_ = nullptr;
};

}  // namespace gatelab::sim::peers::uml
