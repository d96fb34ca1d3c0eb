// OpenSSL's own MD4 and DES functions. They are deprecated in favour of EVP, but EVP has both only in the "legacy"
// provider, a module file that may not be installed, and loading it would change what the whole process offers.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "impl/crypto/legacy.h"

#include <openssl/crypto.h>
#include <openssl/des.h>
#include <openssl/md4.h>

#include <algorithm>
#include <bit>

#include "impl/crypto/openssl.h"

namespace gatelab::crypto {

std::array<std::uint8_t, 16> md4(ByteView message) {
    MD4_CTX context;
    std::array<std::uint8_t, 16> result;
    must(MD4_Init(&context) == 1 && MD4_Update(&context, message.data(), message.size()) == 1 &&
             MD4_Final(result.data(), &context) == 1,
         "an MD4 digest");
    OPENSSL_cleanse(&context, sizeof context);
    return result;
}

DesKey des_key(std::span<const std::uint8_t, 7> bits) {
    std::uint64_t all = 0;
    for (const auto octet : bits) all = all << 8 | octet;
    DesKey key;
    for (std::size_t i = 0; i < key.size(); ++i) {
        const auto seven = static_cast<unsigned>(all >> (49 - 7 * i)) & 0x7f;
        const unsigned parity = std::popcount(seven) % 2 == 0 ? 1 : 0;
        key[i] = static_cast<std::uint8_t>(seven << 1 | parity);
    }
    return key;
}

DesBlock des_encrypt(const DesKey& key, const DesBlock& block) {
    DES_cblock key_octets, in, out;
    std::copy(key.begin(), key.end(), key_octets);
    std::copy(block.begin(), block.end(), in);
    DES_key_schedule schedule;
    DES_set_key_unchecked(&key_octets, &schedule);
    DES_ecb_encrypt(&in, &out, &schedule, DES_ENCRYPT);
    OPENSSL_cleanse(&schedule, sizeof schedule);
    OPENSSL_cleanse(&key_octets, sizeof key_octets);
    DesBlock result;
    std::copy_n(out, result.size(), result.begin());
    return result;
}

}  // namespace gatelab::crypto
