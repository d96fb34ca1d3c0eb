// The algorithms of an ESP security association.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "impl/base/strong.h"

namespace gatelab::esp {

using Spi = Strong<struct SpiTag, std::uint32_t>;  // 256 and up; lower values are reserved (RFC 4303 section 2.1)

enum class Cipher {
    AesGcm16,  // RFC 4106, 16-octet ICV; the key material ends in a 4-octet salt
    AesCbc,    // RFC 3602
};

enum class Integrity {
    None,            // with AesGcm16 only
    HmacSha1_96,     // RFC 2404
    HmacSha256_128,  // RFC 4868
    HmacSha384_192,  // RFC 4868
};

struct Suite {
    Cipher cipher = Cipher::AesGcm16;
    int key_bits = 256;  // 128, 192 or 256
    Integrity integrity = Integrity::None;
    bool extended_sequence_numbers = false;
    friend constexpr bool operator==(const Suite&, const Suite&) = default;
};

std::size_t encryption_key_size(const Suite&);  // octets of key material, salt included
std::size_t integrity_key_size(const Suite&);   // octets; 0 for AesGcm16
std::string to_string(const Suite&);            // "AES_GCM_16-256", "AES_CBC-256/HMAC_SHA2_256_128/ESN"

}  // namespace gatelab::esp
