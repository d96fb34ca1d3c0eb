#include "impl/crypto/algorithms.h"

#include <openssl/evp.h>

#include "impl/crypto/openssl.h"

namespace gatelab::crypto {

Bytes digest(Hash hash, ByteView message) {
    Bytes result(digest_size(hash));
    must(EVP_Digest(message.data(), message.size(), result.data(), nullptr, md_of(hash), nullptr) == 1, "a digest");
    return result;
}

}  // namespace gatelab::crypto
