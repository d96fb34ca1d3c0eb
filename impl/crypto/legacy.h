// MD4 and single DES, for the one protocol that still wants them: MS-CHAPv2 (RFC 2759). Neither protects anything
// today.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "impl/base/bytes.h"

namespace gatelab::crypto {

std::array<std::uint8_t, 16> md4(ByteView message);  // RFC 1320

using DesKey = std::array<std::uint8_t, 8>;
using DesBlock = std::array<std::uint8_t, 8>;

// Spreads 56 bits over eight octets, seven in each, with odd parity in the lowest bit.
DesKey des_key(std::span<const std::uint8_t, 7> bits);

DesBlock des_encrypt(const DesKey&, const DesBlock&);  // FIPS 46-3; parity is not looked at, weak keys are taken

}  // namespace gatelab::crypto
