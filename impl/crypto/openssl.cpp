#include "impl/crypto/openssl.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdio>
#include <cstdlib>

#include "impl/crypto/algorithms.h"

namespace gatelab::crypto {

void Free::operator()(BN_CTX* context) const { BN_CTX_free(context); }
void Free::operator()(BIGNUM* number) const { BN_clear_free(number); }
void Free::operator()(BIO* bio) const { BIO_free_all(bio); }
void Free::operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
void Free::operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
void Free::operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
void Free::operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
void Free::operator()(X509* certificate) const { X509_free(certificate); }

std::string take_openssl_error() {
    const auto code = ERR_peek_last_error();
    ERR_clear_error();
    const char* reason = ERR_reason_error_string(code);
    return reason ? reason : "unknown";
}

void must(bool held, const char* what) {
    if (held) return;
    std::fprintf(stderr, "gatelab: OpenSSL refused %s: %s\n", what, take_openssl_error().c_str());
    std::abort();
}

const EVP_MD* md_of(Hash hash) {
    switch (hash) {
        case Hash::Sha1: return EVP_sha1();
        case Hash::Sha256: return EVP_sha256();
        case Hash::Sha384: return EVP_sha384();
        case Hash::Sha512: return EVP_sha512();
    }
    return nullptr;
}

}  // namespace gatelab::crypto
