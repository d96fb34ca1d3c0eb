// Bytes in wire order: owned, viewed, read and written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "impl/base/result.h"

namespace gatelab {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using ByteSpan = std::span<std::uint8_t>;

// "0a1b2c", lower case, no separators.
std::string to_hex(ByteView);

// The reverse of to_hex; upper case and blanks between bytes are accepted. Malformed on anything else.
Result<Bytes> from_hex(std::string_view);

// The bytes of a text, as they are.
inline ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// The text of bytes that are known to be text.
inline std::string as_text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

inline Bytes copy_of(ByteView view) { return {view.begin(), view.end()}; }

// Appends `tail` to `head`.
inline void append(Bytes& head, ByteView tail) { head.insert(head.end(), tail.begin(), tail.end()); }

// Whether two byte strings are equal, in a time that depends only on their lengths. For MACs and secrets.
bool equal_in_constant_time(ByteView, ByteView);

// Reads fields in wire (big-endian) order and never past the end: a short read yields zeros or an empty view,
// and leaves ok() false for good. Check ok() or finished() once, at the end.
class ByteReader {
public:
    explicit ByteReader(ByteView bytes) : bytes_(bytes) {}

    std::uint8_t u8();
    std::uint16_t u16();
    std::uint32_t u24();
    std::uint32_t u32();
    std::uint64_t u64();
    ByteView bytes(std::size_t count);
    ByteView rest() { return bytes(remaining()); }
    void skip(std::size_t count) { bytes(count); }
    ByteReader nested(std::size_t count) { return ByteReader{bytes(count)}; }  // of an inner structure

    std::size_t remaining() const { return bytes_.size() - position_; }
    std::size_t position() const { return position_; }
    bool ok() const { return ok_; }                             // no read went past the end
    bool finished() const { return ok_ && remaining() == 0; }  // and nothing is left over

private:
    ByteView bytes_;
    std::size_t position_ = 0;
    bool ok_ = true;
};

// Appends fields in wire (big-endian) order. For lengths: `at = reserve_u16()`, then `patch_u16(at, value)`.
class ByteWriter {
public:
    ByteWriter& u8(std::uint8_t);
    ByteWriter& u16(std::uint16_t);
    ByteWriter& u24(std::uint32_t);
    ByteWriter& u32(std::uint32_t);
    ByteWriter& u64(std::uint64_t);
    ByteWriter& bytes(ByteView);
    ByteWriter& zeros(std::size_t count);

    std::size_t reserve_u8();
    std::size_t reserve_u16();
    std::size_t reserve_u32();
    void patch_u8(std::size_t at, std::uint8_t value);
    void patch_u16(std::size_t at, std::uint16_t value);
    void patch_u32(std::size_t at, std::uint32_t value);

    std::size_t size() const { return bytes_.size(); }
    ByteView view() const { return bytes_; }
    Bytes take() { return std::move(bytes_); }

private:
    Bytes bytes_;
};

}  // namespace gatelab
