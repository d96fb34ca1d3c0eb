// IPv4 addresses, prefixes and endpoints.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "impl/base/result.h"

namespace gatelab {

// An IPv4 address, held as the number that its four octets spell in network order.
class Ipv4Address {
public:
    constexpr Ipv4Address() = default;
    constexpr explicit Ipv4Address(std::uint32_t number) : number_(number) {}
    constexpr Ipv4Address(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d)
        : number_(std::uint32_t{a} << 24 | std::uint32_t{b} << 16 | std::uint32_t{c} << 8 | d) {}

    constexpr std::uint32_t number() const { return number_; }
    constexpr bool is_unspecified() const { return number_ == 0; }
    friend constexpr auto operator<=>(Ipv4Address, Ipv4Address) = default;

private:
    std::uint32_t number_ = 0;
};

// A block of addresses in CIDR notation. The host bits are always zero.
class Prefix {
public:
    constexpr Prefix() = default;  // 0.0.0.0/0
    // Clears the host bits of `address`; `length` is 0 to 32.
    constexpr Prefix(Ipv4Address address, std::uint8_t length)
        : network_(address.number() & mask_of(length)), length_(length) {}

    constexpr Ipv4Address network() const { return network_; }
    constexpr std::uint8_t length() const { return length_; }
    constexpr std::uint32_t mask() const { return mask_of(length_); }
    constexpr Ipv4Address first() const { return network_; }
    constexpr Ipv4Address last() const { return Ipv4Address{network_.number() | ~mask()}; }
    constexpr bool contains(Ipv4Address address) const { return (address.number() & mask()) == network_.number(); }
    constexpr bool contains(Prefix inner) const { return inner.length_ >= length_ && contains(inner.network_); }
    constexpr bool overlaps(Prefix other) const { return contains(other) || other.contains(*this); }
    constexpr std::uint64_t size() const { return std::uint64_t{1} << (32 - length_); }  // addresses in it
    friend constexpr auto operator<=>(const Prefix&, const Prefix&) = default;

private:
    static constexpr std::uint32_t mask_of(std::uint8_t length) {
        return length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
    }
    Ipv4Address network_;
    std::uint8_t length_ = 0;
};

// An address and a UDP or TCP port.
struct Endpoint {
    Ipv4Address address;
    std::uint16_t port = 0;
    friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// IP protocol numbers that we meet (IANA "Protocol Numbers").
enum class IpProtocol : std::uint8_t { Icmp = 1, Tcp = 6, Udp = 17, Esp = 50 };

std::string to_string(Ipv4Address);      // "10.1.0.4"
std::string to_string(Prefix);           // "10.1.0.0/16"
std::string to_string(const Endpoint&);  // "10.1.0.4:500"

// Dotted quad only: no octal, no missing parts. Malformed otherwise.
Result<Ipv4Address> parse_address(std::string_view);

// "10.1.0.0/16". Malformed when the length is missing or host bits are set.
Result<Prefix> parse_prefix(std::string_view);

}  // namespace gatelab
