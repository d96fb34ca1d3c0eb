#include "sim/peers/uml/virtqueue.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>

namespace gatelab::sim::peers::uml {
namespace {

static_assert(std::endian::native == std::endian::little, "virtio 1 is little-endian, and so are we");

// struct virtq_desc { le64 addr; le32 len; le16 flags; le16 next; }
struct Descriptor {
    std::uint64_t address;
    std::uint32_t length;
    std::uint16_t flags, next;
};
constexpr std::uint16_t kNext = 1, kWrite = 2, kIndirect = 4;
constexpr std::uint16_t kNoInterrupt = 1;  // in virtq_avail.flags

// The guest does not run meanwhile, but it is another process: each field is read once.
template <class T>
T load(const std::uint8_t* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

template <class T>
void store(std::uint8_t* to, T value) {
    std::memcpy(to, &value, sizeof value);
}

}  // namespace

Result<void> GuestMemory::add(const Region& region, const FileDescriptor& file) {
    struct stat state {};
    if (!file || ::fstat(file.get(), &state) != 0) return fail(Fault::Malformed, "memory without a file");
    const auto end = region.offset + region.size;
    if (region.size == 0 || end < region.size || end > static_cast<std::uint64_t>(state.st_size))
        return fail(Fault::Malformed, "memory beyond the end of its file");
    if (region.guest_address + region.size < region.size) return fail(Fault::Malformed, "memory that wraps around");
    void* memory =
        ::mmap(nullptr, region.size, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), static_cast<off_t>(region.offset));
    if (memory == MAP_FAILED) return fail(Fault::Io, fmt::format("memory: mmap: {}", std::strerror(errno)));
    regions_.push_back({region.guest_address, region.size, static_cast<std::uint8_t*>(memory)});
    return {};
}

void GuestMemory::clear() {
    for (const auto& region : regions_) ::munmap(region.memory, region.size);
    regions_.clear();
}

std::uint8_t* GuestMemory::at(std::uint64_t address, std::uint64_t size) const {
    for (const auto& region : regions_) {
        if (address < region.guest_address) continue;
        const auto offset = address - region.guest_address;
        if (offset <= region.size && size <= region.size - offset) return region.memory + offset;
    }
    return nullptr;
}

Result<void> Virtqueue::set_size(std::uint32_t entries) {
    if (entries == 0 || entries > kLargest || !std::has_single_bit(entries))
        return fail(Fault::Malformed, fmt::format("a queue of {} entries", entries));
    reset();
    size_ = entries;
    return {};
}

Result<void> Virtqueue::set_addresses(const GuestMemory& memory, std::uint64_t descriptors, std::uint64_t used,
                                      std::uint64_t available) {
    if (size_ == 0) return fail(Fault::Malformed, "the addresses of a queue without a size");
    if (descriptors % 16 || used % 4 || available % 2) return fail(Fault::Malformed, "a queue that is not aligned");
    descriptors_ = memory.at(descriptors, 16ull * size_);
    used_ = memory.at(used, 4 + 8ull * size_);
    available_ = memory.at(available, 4 + 2ull * size_);
    if (descriptors_ && used_ && available_) return {};
    descriptors_ = nullptr;
    return fail(Fault::Malformed, "a queue outside the guest's memory");
}

Result<Virtqueue::Head> Virtqueue::take() {
    const auto offered = load<std::uint16_t>(available_ + 2);
    if (offered == next_) return Head{};
    if (static_cast<std::uint16_t>(offered - next_) > size_)
        return fail(Fault::Malformed, "more buffers than the queue has entries");
    std::atomic_thread_fence(std::memory_order_acquire);
    const auto index = load<std::uint16_t>(available_ + 4 + 2 * (next_ % size_));
    if (index >= size_) return fail(Fault::Malformed, fmt::format("descriptor {} of {}", index, size_));
    ++next_;
    return Head{true, index};
}

// Calls `piece(memory, length)` for each buffer of a chain until it returns false.
template <class Piece>
Result<void> Virtqueue::walk(const GuestMemory& memory, std::uint16_t head, bool writable, Piece piece) const {
    std::uint16_t index = head;
    for (std::uint32_t steps = 0; steps < size_; ++steps) {
        const auto descriptor = load<Descriptor>(descriptors_ + 16 * index);
        if (descriptor.flags & kIndirect)
            return fail(Fault::Malformed, "an indirect descriptor, which was not offered");
        if (((descriptor.flags & kWrite) != 0) != writable)
            return fail(Fault::Malformed, "a buffer for the wrong direction");
        auto* at = memory.at(descriptor.address, descriptor.length);
        if (!at) return fail(Fault::Malformed, "a buffer outside the guest's memory");
        if (!piece(at, std::size_t{descriptor.length}) || !(descriptor.flags & kNext)) return {};
        index = descriptor.next;
        if (index >= size_) return fail(Fault::Malformed, fmt::format("descriptor {} of {}", index, size_));
    }
    return fail(Fault::Malformed, "a chain of descriptors that does not end");
}

Result<std::size_t> Virtqueue::read(const GuestMemory& memory, std::uint16_t head, ByteSpan out) const {
    std::size_t length = 0;
    auto walked = walk(memory, head, false, [&](const std::uint8_t* from, std::size_t size) {
        if (length < out.size()) std::memcpy(out.data() + length, from, std::min(size, out.size() - length));
        length += size;
        return true;
    });
    if (!walked) return pass(walked);
    return length;
}

Result<std::size_t> Virtqueue::write(const GuestMemory& memory, std::uint16_t head, ByteView first,
                                     ByteView second) const {
    std::size_t length = 0;
    auto walked = walk(memory, head, true, [&](std::uint8_t* to, std::size_t size) {
        for (auto* part : {&first, &second}) {
            const auto count = std::min(size, part->size());
            if (count) std::memcpy(to, part->data(), count);
            *part = part->subspan(count);
            to += count, size -= count, length += count;
        }
        return !first.empty() || !second.empty();
    });
    if (!walked) return pass(walked);
    return length;
}

void Virtqueue::put_back(std::uint16_t head, std::uint32_t written) {
    const auto index = load<std::uint16_t>(used_ + 2);
    auto* element = used_ + 4 + 8 * (index % size_);
    store<std::uint32_t>(element, head);
    store<std::uint32_t>(element + 4, written);
    std::atomic_thread_fence(std::memory_order_release);
    store<std::uint16_t>(used_ + 2, static_cast<std::uint16_t>(index + 1));
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

bool Virtqueue::wants_interrupt() const { return !(load<std::uint16_t>(available_) & kNoInterrupt); }

}  // namespace gatelab::sim::peers::uml
