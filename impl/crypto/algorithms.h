// Hashes, MACs and ciphers under our names; OpenSSL 3 underneath.
//
// Objects keep their OpenSSL context: make one per key, not per packet. None of them is safe to share between threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "impl/base/bytes.h"
#include "impl/base/result.h"

namespace gatelab::crypto {

enum class Hash { Sha1, Sha256, Sha384, Sha512 };

constexpr std::size_t digest_size(Hash hash) {
    switch (hash) {
        case Hash::Sha1: return 20;
        case Hash::Sha256: return 32;
        case Hash::Sha384: return 48;
        case Hash::Sha512: return 64;
    }
    return 0;
}

Bytes digest(Hash, ByteView message);

// HMAC (RFC 2104) with one key. Allocates nothing after construction.
class Hmac {
public:
    Hmac(Hash, ByteView key);
    ~Hmac();
    Hmac(Hmac&&) noexcept;
    Hmac& operator=(Hmac&&) noexcept;

    std::size_t size() const;  // of the full tag, in bytes
    Hmac& update(ByteView);
    void finish(ByteSpan tag);  // writes the leading tag.size() <= size() bytes and starts over

private:
    struct State;
    std::unique_ptr<State> state_;
};

Bytes hmac(Hash, ByteView key, ByteView message);

// AES-GCM with a 16-byte tag and a 12-byte nonce, one key of 16, 24 or 32 bytes and one direction.
// Allocates nothing after construction.
class AesGcm {
public:
    static constexpr std::size_t kTagSize = 16;
    static constexpr std::size_t kNonceSize = 12;
    enum class Direction { Seal, Open };

    AesGcm(Direction, ByteView key);
    ~AesGcm();
    AesGcm(AesGcm&&) noexcept;
    AesGcm& operator=(AesGcm&&) noexcept;

    // Writes plaintext.size() bytes of ciphertext and then the tag; in-place is allowed.
    void seal(ByteView nonce, ByteView associated_data, ByteView plaintext, ByteSpan ciphertext, ByteSpan tag);
    // False, with `plaintext` zeroed, when the tag does not hold; in-place is allowed.
    [[nodiscard]] bool open(ByteView nonce, ByteView associated_data, ByteView ciphertext, ByteView tag,
                            ByteSpan plaintext);

private:
    struct State;
    std::unique_ptr<State> state_;
};

// AES-CBC without padding: whole 16-byte blocks, one key of 16, 24 or 32 bytes and one direction.
class AesCbc {
public:
    static constexpr std::size_t kBlockSize = 16;
    enum class Direction { Encrypt, Decrypt };

    AesCbc(Direction, ByteView key);
    ~AesCbc();
    AesCbc(AesCbc&&) noexcept;
    AesCbc& operator=(AesCbc&&) noexcept;

    void apply(ByteView iv, ByteView in, ByteSpan out);  // in.size() == out.size(), a multiple of 16; in-place allowed

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace gatelab::crypto
