#include "impl/base/bytes.h"

#include <fmt/format.h>

namespace gatelab {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::string to_hex(ByteView bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const auto byte : bytes) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

Result<Bytes> from_hex(std::string_view text) {
    Bytes bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] == ' ' || text[i] == '\n') {
            ++i;
            continue;
        }
        const int high = hex_digit(text[i]);
        const int low = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
        if (high < 0 || low < 0)
            return fail(Fault::Malformed, fmt::format("expected two hexadecimal digits at offset {}", i));
        bytes.push_back(static_cast<std::uint8_t>(high << 4 | low));
        i += 2;
    }
    return bytes;
}

bool equal_in_constant_time(ByteView a, ByteView b) {
    if (a.size() != b.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
    return difference == 0;
}

ByteView ByteReader::bytes(std::size_t count) {
    if (!ok_ || count > remaining()) {
        ok_ = false;
        position_ = bytes_.size();
        return {};
    }
    const auto view = bytes_.subspan(position_, count);
    position_ += count;
    return view;
}

std::uint8_t ByteReader::u8() {
    const auto b = bytes(1);
    return b.empty() ? std::uint8_t{0} : b[0];
}

std::uint16_t ByteReader::u16() {
    const auto b = bytes(2);
    return b.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>(b[0] << 8 | b[1]);
}

std::uint32_t ByteReader::u24() {
    const auto b = bytes(3);
    return b.empty() ? 0 : std::uint32_t{b[0]} << 16 | std::uint32_t{b[1]} << 8 | b[2];
}

std::uint32_t ByteReader::u32() {
    const auto b = bytes(4);
    return b.empty() ? 0 : std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | b[3];
}

std::uint64_t ByteReader::u64() {
    const std::uint64_t high = u32();
    return high << 32 | u32();
}

ByteWriter& ByteWriter::u8(std::uint8_t value) {
    bytes_.push_back(value);
    return *this;
}

ByteWriter& ByteWriter::u16(std::uint16_t value) {
    return u8(static_cast<std::uint8_t>(value >> 8)).u8(static_cast<std::uint8_t>(value));
}

ByteWriter& ByteWriter::u24(std::uint32_t value) {
    return u8(static_cast<std::uint8_t>(value >> 16)).u16(static_cast<std::uint16_t>(value));
}

ByteWriter& ByteWriter::u32(std::uint32_t value) {
    return u16(static_cast<std::uint16_t>(value >> 16)).u16(static_cast<std::uint16_t>(value));
}

ByteWriter& ByteWriter::u64(std::uint64_t value) {
    return u32(static_cast<std::uint32_t>(value >> 32)).u32(static_cast<std::uint32_t>(value));
}

ByteWriter& ByteWriter::bytes(ByteView view) {
    append(bytes_, view);
    return *this;
}

ByteWriter& ByteWriter::zeros(std::size_t count) {
    bytes_.insert(bytes_.end(), count, 0);
    return *this;
}

std::size_t ByteWriter::reserve_u8() {
    u8(0);
    return size() - 1;
}

std::size_t ByteWriter::reserve_u16() {
    u16(0);
    return size() - 2;
}

std::size_t ByteWriter::reserve_u32() {
    u32(0);
    return size() - 4;
}

void ByteWriter::patch_u8(std::size_t at, std::uint8_t value) { bytes_.at(at) = value; }

void ByteWriter::patch_u16(std::size_t at, std::uint16_t value) {
    patch_u8(at, static_cast<std::uint8_t>(value >> 8));
    patch_u8(at + 1, static_cast<std::uint8_t>(value));
}

void ByteWriter::patch_u32(std::size_t at, std::uint32_t value) {
    patch_u16(at, static_cast<std::uint16_t>(value >> 16));
    patch_u16(at + 2, static_cast<std::uint16_t>(value));
}

}  // namespace gatelab
