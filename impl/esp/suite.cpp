#include "impl/esp/suite.h"

#include <string_view>

namespace gatelab::esp {
namespace {

std::string_view name_of(Integrity integrity) {
    switch (integrity) {
        case Integrity::None: return "NONE";
        case Integrity::HmacSha1_96: return "HMAC_SHA1_96";
        case Integrity::HmacSha256_128: return "HMAC_SHA2_256_128";
        case Integrity::HmacSha384_192: return "HMAC_SHA2_384_192";
    }
    return "?";
}

}  // namespace

std::size_t encryption_key_size(const Suite& suite) {
    constexpr std::size_t kSalt = 4;  // RFC 4106 section 8.1
    return static_cast<std::size_t>(suite.key_bits) / 8 + (suite.cipher == Cipher::AesGcm16 ? kSalt : 0);
}

std::size_t integrity_key_size(const Suite& suite) {
    switch (suite.integrity) {
        case Integrity::None: return 0;
        case Integrity::HmacSha1_96: return 20;
        case Integrity::HmacSha256_128: return 32;
        case Integrity::HmacSha384_192: return 48;
    }
    return 0;
}

std::string to_string(const Suite& suite) {
    std::string text = suite.cipher == Cipher::AesGcm16 ? "AES_GCM_16-" : "AES_CBC-";
    text += std::to_string(suite.key_bits);
    if (suite.integrity != Integrity::None) text.append("/").append(name_of(suite.integrity));
    if (suite.extended_sequence_numbers) text += "/ESN";
    return text;
}

}  // namespace gatelab::esp
