#include <fmt/format.h>

#include "impl/mschap/mschapv2.h"

namespace gatelab::mschap {
namespace {

struct Lead {
    std::size_t more;     // octets that follow
    std::uint32_t bits;   // that the lead holds itself
    std::uint32_t least;  // code point for which this length is the shortest
};

// RFC 3629 section 3. Nothing for an octet that begins no character.
std::optional<Lead> lead_of(std::uint8_t octet) {
    if (octet < 0x80) return Lead{0, octet, 0};
    if (octet >= 0xc2 && octet < 0xe0) return Lead{1, octet & 0x1fu, 0x80};
    if (octet >= 0xe0 && octet < 0xf0) return Lead{2, octet & 0x0fu, 0x800};
    if (octet >= 0xf0 && octet < 0xf5) return Lead{3, octet & 0x07u, 0x10000};
    return {};
}

// Takes the character at `at` and moves on; nothing when there is none.
std::optional<std::uint32_t> take_code_point(ByteView text, std::size_t& at) {
    const auto lead = lead_of(text[at]);
    if (!lead || text.size() - at <= lead->more) return {};
    auto code_point = lead->bits;
    for (std::size_t i = 1; i <= lead->more; ++i) {
        const std::uint8_t octet = text[at + i];
        if ((octet & 0xc0) != 0x80) return {};
        code_point = code_point << 6 | (octet & 0x3fu);
    }
    const bool is_surrogate = code_point >= 0xd800 && code_point < 0xe000;
    if (code_point < lead->least || code_point > 0x10ffff || is_surrogate) return {};
    at += lead->more + 1;
    return code_point;
}

void append_unit(Bytes& text, std::uint32_t unit) {
    text.push_back(static_cast<std::uint8_t>(unit));
    text.push_back(static_cast<std::uint8_t>(unit >> 8));
}

}  // namespace

Result<Bytes> utf16le(std::string_view utf8) {
    const auto text = as_bytes(utf8);
    Bytes result;
    result.reserve(2 * text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto code_point = take_code_point(text, at);
        if (!code_point) return fail(Fault::Malformed, fmt::format("no UTF-8 at octet {}", at));
        if (*code_point < 0x10000) {
            append_unit(result, *code_point);
        } else {
            append_unit(result, 0xd800 | (*code_point - 0x10000) >> 10);
            append_unit(result, 0xdc00 | ((*code_point - 0x10000) & 0x3ff));
        }
    }
    return result;
}

}  // namespace gatelab::mschap
