#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "impl/crypto/algorithms.h"
#include "impl/crypto/openssl.h"

namespace gatelab::crypto {
namespace {

const EVP_CIPHER* gcm_of(std::size_t key_size) {
    switch (key_size) {
        case 16: return EVP_aes_128_gcm();
        case 24: return EVP_aes_192_gcm();
        case 32: return EVP_aes_256_gcm();
        default: return nullptr;
    }
}

const EVP_CIPHER* cbc_of(std::size_t key_size) {
    switch (key_size) {
        case 16: return EVP_aes_128_cbc();
        case 24: return EVP_aes_192_cbc();
        case 32: return EVP_aes_256_cbc();
        default: return nullptr;
    }
}

Owned<EVP_CIPHER_CTX> keyed(const EVP_CIPHER* cipher, ByteView key, bool encrypt) {
    must(cipher != nullptr, "an AES key that is not of 16, 24 or 32 bytes");
    Owned<EVP_CIPHER_CTX> context{must(EVP_CIPHER_CTX_new(), "a cipher context")};
    must(EVP_CipherInit_ex(context.get(), cipher, nullptr, key.data(), nullptr, encrypt ? 1 : 0) == 1, "an AES key");
    return context;
}

// Sets the IV and keeps the key: setting both again costs a third more per packet.
void set_iv(EVP_CIPHER_CTX* context, ByteView iv) {
    must(EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, iv.data(), -1) == 1, "an IV");
}

void update(EVP_CIPHER_CTX* context, std::uint8_t* out, ByteView in) {
    int written = 0;
    must(EVP_CipherUpdate(context, out, &written, in.data(), static_cast<int>(in.size())) == 1, "to run a cipher");
}

}  // namespace

struct AesGcm::State {
    Owned<EVP_CIPHER_CTX> context;
    bool seals;

    void start(ByteView nonce, ByteView associated_data) {
        must(nonce.size() == kNonceSize, "a GCM nonce that is not of 12 bytes");
        set_iv(context.get(), nonce);
        if (!associated_data.empty()) update(context.get(), nullptr, associated_data);
    }
};

AesGcm::AesGcm(Direction direction, ByteView key)
    : state_(new State{keyed(gcm_of(key.size()), key, direction == Direction::Seal), direction == Direction::Seal}) {}
AesGcm::~AesGcm() = default;
AesGcm::AesGcm(AesGcm&&) noexcept = default;
AesGcm& AesGcm::operator=(AesGcm&&) noexcept = default;

void AesGcm::seal(ByteView nonce, ByteView associated_data, ByteView plaintext, ByteSpan ciphertext, ByteSpan tag) {
    must(state_->seals && ciphertext.size() == plaintext.size() && tag.size() == kTagSize, "a GCM call of wrong sizes");
    auto* context = state_->context.get();
    state_->start(nonce, associated_data);
    if (!plaintext.empty()) update(context, ciphertext.data(), plaintext);
    int written = 0;
    must(EVP_EncryptFinal_ex(context, tag.data(), &written) == 1, "to end GCM");
    must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagSize, tag.data()) == 1, "a GCM tag");
}

bool AesGcm::open(ByteView nonce, ByteView associated_data, ByteView ciphertext, ByteView tag, ByteSpan plaintext) {
    must(!state_->seals && ciphertext.size() == plaintext.size(), "a GCM call of wrong sizes");
    if (tag.size() != kTagSize) {
        OPENSSL_cleanse(plaintext.data(), plaintext.size());
        return false;
    }
    auto* context = state_->context.get();
    // Before the data: the tag may lie in the buffer that in-place decryption writes to.
    state_->start(nonce, associated_data);
    must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagSize, const_cast<std::uint8_t*>(tag.data())) == 1,
         "to set a GCM tag");
    if (!ciphertext.empty()) update(context, plaintext.data(), ciphertext);
    int written = 0;
    std::uint8_t none[AesGcm::kTagSize];
    if (EVP_DecryptFinal_ex(context, none, &written) == 1) return true;
    OPENSSL_cleanse(plaintext.data(), plaintext.size());
    return false;
}

struct AesCbc::State {
    Owned<EVP_CIPHER_CTX> context;
};

AesCbc::AesCbc(Direction direction, ByteView key)
    : state_(new State{keyed(cbc_of(key.size()), key, direction == Direction::Encrypt)}) {
    must(EVP_CIPHER_CTX_set_padding(state_->context.get(), 0) == 1, "CBC without padding");
}
AesCbc::~AesCbc() = default;
AesCbc::AesCbc(AesCbc&&) noexcept = default;
AesCbc& AesCbc::operator=(AesCbc&&) noexcept = default;

void AesCbc::apply(ByteView iv, ByteView in, ByteSpan out) {
    must(iv.size() == kBlockSize && in.size() == out.size() && in.size() % kBlockSize == 0,
         "a CBC call of wrong sizes");
    set_iv(state_->context.get(), iv);
    if (!in.empty()) update(state_->context.get(), out.data(), in);
}

}  // namespace gatelab::crypto
