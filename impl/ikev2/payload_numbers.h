// Numbers inside payloads that reading and writing share.
#pragma once

#include <cstdint>

namespace gatelab::ikev2 {

inline constexpr std::uint16_t kKeyLengthAttribute = 14;  // RFC 7296 section 3.3.5
inline constexpr std::uint16_t kShortAttribute = 0x8000;  // the value stands in place of a length
inline constexpr std::uint8_t kX509Signature = 4;         // section 3.6, the certificate encoding
inline constexpr std::uint8_t kTsIpv4AddressRange = 7;    // section 3.13.1
enum ConfigurationAttribute : std::uint16_t {             // section 3.15.1
    kInternalAddress = 1,
    kInternalDns = 3,
    kInternalSubnet = 13
};

}  // namespace gatelab::ikev2
