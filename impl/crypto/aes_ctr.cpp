#include "impl/crypto/aes_ctr.h"

#include <openssl/evp.h>

#include "impl/crypto/openssl.h"

namespace gatelab::crypto {
namespace {

const EVP_CIPHER* ctr_of(std::size_t key_size) {
    switch (key_size) {
        case 16: return EVP_aes_128_ctr();
        case 24: return EVP_aes_192_ctr();
        case 32: return EVP_aes_256_ctr();
        default: return nullptr;
    }
}

}  // namespace

struct AesCtr::State {
    Owned<EVP_CIPHER_CTX> context;
};

AesCtr::AesCtr(ByteView key)
    : state_(new State{Owned<EVP_CIPHER_CTX>{must(EVP_CIPHER_CTX_new(), "a cipher context")}}) {
    const auto* cipher = must(ctr_of(key.size()), "an AES key that is not of 16, 24 or 32 bytes");
    must(EVP_EncryptInit_ex(state_->context.get(), cipher, nullptr, key.data(), nullptr) == 1, "an AES key");
}
AesCtr::~AesCtr() = default;
AesCtr::AesCtr(AesCtr&&) noexcept = default;
AesCtr& AesCtr::operator=(AesCtr&&) noexcept = default;

void AesCtr::apply(ByteView iv, ByteView in, ByteSpan out) {
    must(iv.size() == kIvSize && in.size() == out.size(), "a CTR call of wrong sizes");
    auto* context = state_->context.get();
    must(EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, iv.data()) == 1, "an IV");
    int written = 0;
    if (in.empty()) return;
    must(EVP_EncryptUpdate(context, out.data(), &written, in.data(), static_cast<int>(in.size())) == 1,
         "to run a cipher");
}

}  // namespace gatelab::crypto
