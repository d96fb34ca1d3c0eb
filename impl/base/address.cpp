#include "impl/base/address.h"

#include <fmt/format.h>

#include <charconv>

namespace gatelab {
namespace {

// A decimal number without sign or leading zero, up to `limit`; moves `text` past it.
bool take_number(std::string_view& text, unsigned limit, unsigned& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const auto digits = static_cast<std::size_t>(end - text.data());
    if (error != std::errc{} || value > limit || (digits > 1 && text.front() == '0')) return false;
    text.remove_prefix(digits);
    return true;
}

bool take(std::string_view& text, char expected) {
    if (text.empty() || text.front() != expected) return false;
    text.remove_prefix(1);
    return true;
}

bool take_address(std::string_view& text, Ipv4Address& address) {
    std::uint32_t number = 0;
    for (int octet = 0; octet < 4; ++octet) {
        unsigned value = 0;
        if ((octet > 0 && !take(text, '.')) || !take_number(text, 255, value)) return false;
        number = number << 8 | value;
    }
    address = Ipv4Address{number};
    return true;
}

}  // namespace

std::string to_string(Ipv4Address address) {
    const auto n = address.number();
    return fmt::format("{}.{}.{}.{}", n >> 24, n >> 16 & 255, n >> 8 & 255, n & 255);
}

std::string to_string(Prefix prefix) { return fmt::format("{}/{}", to_string(prefix.network()), prefix.length()); }

std::string to_string(const Endpoint& endpoint) {
    return fmt::format("{}:{}", to_string(endpoint.address), endpoint.port);
}

Result<Ipv4Address> parse_address(std::string_view text) {
    Ipv4Address address;
    auto rest = text;
    if (!take_address(rest, address) || !rest.empty())
        return fail(Fault::Malformed, fmt::format("'{}' is not an IPv4 address such as 10.1.0.4", text));
    return address;
}

Result<Prefix> parse_prefix(std::string_view text) {
    Ipv4Address address;
    unsigned length = 0;
    auto rest = text;
    if (!take_address(rest, address) || !take(rest, '/') || !take_number(rest, 32, length) || !rest.empty())
        return fail(Fault::Malformed, fmt::format("'{}' is not an IPv4 prefix such as 10.1.0.0/16", text));
    const Prefix prefix{address, static_cast<std::uint8_t>(length)};
    if (prefix.network() != address)
        return fail(Fault::Malformed,
                    fmt::format("'{}' has bits set beyond its length; the prefix is {}", text, to_string(prefix)));
    return prefix;
}

}  // namespace gatelab
