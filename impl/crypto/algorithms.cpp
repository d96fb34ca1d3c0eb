#include "impl/crypto/algorithms.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "impl/crypto/openssl.h"

namespace gatelab::crypto {

Bytes digest(Hash hash, ByteView message) {
    Bytes result(digest_size(hash));
    must(EVP_Digest(message.data(), message.size(), result.data(), nullptr, md_of(hash), nullptr) == 1, "a digest");
    return result;
}

// Built from plain digests, because OpenSSL 3.0's EVP_MAC duplicates (and so allocates) a digest context twice per tag.
struct Hmac::State {
    static constexpr std::size_t kMaxBlock = 128;

    std::size_t size;
    std::size_t block;
    std::array<std::uint8_t, kMaxBlock> inner_pad{};
    std::array<std::uint8_t, kMaxBlock> outer_pad{};
    Owned<EVP_MD_CTX> context{must(EVP_MD_CTX_new(), "a digest context")};

    ~State() {
        OPENSSL_cleanse(inner_pad.data(), inner_pad.size());
        OPENSSL_cleanse(outer_pad.data(), outer_pad.size());
    }

    void start(const std::array<std::uint8_t, kMaxBlock>& pad) {
        must(EVP_DigestInit_ex(context.get(), nullptr, nullptr) == 1, "to start a digest");
        update({pad.data(), block});
    }

    void update(ByteView message) {
        must(EVP_DigestUpdate(context.get(), message.data(), message.size()) == 1, "to digest");
    }

    void finish(std::uint8_t* out) { must(EVP_DigestFinal_ex(context.get(), out, nullptr) == 1, "to end a digest"); }
};

Hmac::Hmac(Hash hash, ByteView key) : state_(std::make_unique<State>()) {
    const EVP_MD* md = md_of(hash);
    state_->size = digest_size(hash);
    state_->block = static_cast<std::size_t>(EVP_MD_get_block_size(md));
    must(EVP_DigestInit_ex(state_->context.get(), md, nullptr) == 1, "a digest");

    const Bytes shortened = key.size() > state_->block ? digest(hash, key) : copy_of(key);
    for (std::size_t i = 0; i < state_->block; ++i) {
        const std::uint8_t octet = i < shortened.size() ? shortened[i] : 0;
        state_->inner_pad[i] = octet ^ 0x36;
        state_->outer_pad[i] = octet ^ 0x5c;
    }
    state_->start(state_->inner_pad);
}

Hmac::~Hmac() = default;
Hmac::Hmac(Hmac&&) noexcept = default;
Hmac& Hmac::operator=(Hmac&&) noexcept = default;

std::size_t Hmac::size() const { return state_->size; }

Hmac& Hmac::update(ByteView message) {
    state_->update(message);
    return *this;
}

void Hmac::finish(ByteSpan tag) {
    must(tag.size() <= state_->size, "a tag longer than its digest");
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> full;
    state_->finish(full.data());
    state_->start(state_->outer_pad);
    state_->update({full.data(), state_->size});
    state_->finish(full.data());
    std::copy_n(full.begin(), tag.size(), tag.begin());
    state_->start(state_->inner_pad);
}

Bytes hmac(Hash hash, ByteView key, ByteView message) {
    Bytes tag(digest_size(hash));
    Hmac{hash, key}.update(message).finish(tag);
    return tag;
}

}  // namespace gatelab::crypto
