#include "impl/crypto/tls1_prf.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <array>

#include "impl/crypto/openssl.h"

namespace gatelab::crypto {
namespace {

struct FreeKdf {
    void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
    void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

OSSL_PARAM octets(const char* name, ByteView value) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(value.data()), value.size());
}

}  // namespace

Bytes tls1_prf(ByteView secret, ByteView seed, std::size_t size) {
    const std::unique_ptr<EVP_KDF, FreeKdf> kdf{
        must(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_PRF, nullptr), "the PRF of TLS 1.0")};
    const std::unique_ptr<EVP_KDF_CTX, FreeKdf> context{must(EVP_KDF_CTX_new(kdf.get()), "a PRF context")};
    char digest[] = "MD5-SHA1";
    const std::array parameters{OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                                octets(OSSL_KDF_PARAM_SECRET, secret), octets(OSSL_KDF_PARAM_SEED, seed),
                                OSSL_PARAM_construct_end()};
    Bytes result(size);
    must(EVP_KDF_derive(context.get(), result.data(), result.size(), parameters.data()) == 1, "the PRF of TLS 1.0");
    return result;
}

}  // namespace gatelab::crypto
