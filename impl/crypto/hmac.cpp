// HMAC on OpenSSL's plain digest functions. They are deprecated in favour of EVP, but EVP takes a new digest context
// from the heap for each start of a digest, twice per tag, and ESP wants none per packet. Times are the same.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <variant>

#include "impl/crypto/algorithms.h"
#include "impl/crypto/openssl.h"

namespace gatelab::crypto {
namespace {

// The digest of one hash function, kept at the two points where a tag starts: behind either padded key.
template <class Context, std::size_t block, std::size_t size, int (*init)(Context*),
          int (*add)(Context*, const void*, std::size_t), int (*end)(unsigned char*, Context*)>
class Digests {
public:
    static constexpr std::size_t kBlock = block, kSize = size;

    explicit Digests(ByteView key) {
        start(inner_, key, 0x36);
        start(outer_, key, 0x5c);
        running_ = inner_;
    }
    Digests(const Digests&) = default;
    Digests& operator=(const Digests&) = default;
    ~Digests() {
        OPENSSL_cleanse(&inner_, sizeof inner_);
        OPENSSL_cleanse(&outer_, sizeof outer_);
    }

    void update(ByteView message) { add(&running_, message.data(), message.size()); }

    void finish(ByteSpan tag) {
        std::array<std::uint8_t, kSize> full;
        end(full.data(), &running_);
        running_ = outer_;
        update(full);
        end(full.data(), &running_);
        std::copy_n(full.begin(), tag.size(), tag.begin());
        running_ = inner_;
    }

private:
    static void start(Context& context, ByteView key, std::uint8_t filler) {
        std::array<std::uint8_t, kBlock> pad;
        pad.fill(filler);
        for (std::size_t i = 0; i < key.size(); ++i) pad[i] = static_cast<std::uint8_t>(pad[i] ^ key[i]);
        init(&context);
        add(&context, pad.data(), pad.size());
        OPENSSL_cleanse(pad.data(), pad.size());
    }

    Context inner_, outer_, running_;
};

using Sha1 = Digests<SHA_CTX, 64, 20, SHA1_Init, SHA1_Update, SHA1_Final>;
using Sha256 = Digests<SHA256_CTX, 64, 32, SHA256_Init, SHA256_Update, SHA256_Final>;
using Sha384 = Digests<SHA512_CTX, 128, 48, SHA384_Init, SHA384_Update, SHA384_Final>;
using Sha512 = Digests<SHA512_CTX, 128, 64, SHA512_Init, SHA512_Update, SHA512_Final>;
using AnyDigests = std::variant<Sha1, Sha256, Sha384, Sha512>;

template <class Kind>
AnyDigests keyed(Hash hash, ByteView key) {
    if (key.size() <= Kind::kBlock) return Kind{key};
    return Kind{digest(hash, key)};  // RFC 2104 section 2
}

AnyDigests keyed(Hash hash, ByteView key) {
    switch (hash) {
        case Hash::Sha1: return keyed<Sha1>(hash, key);
        case Hash::Sha256: return keyed<Sha256>(hash, key);
        case Hash::Sha384: return keyed<Sha384>(hash, key);
        case Hash::Sha512: break;
    }
    return keyed<Sha512>(hash, key);
}

}  // namespace

struct Hmac::State {
    AnyDigests digests;
};

Hmac::Hmac(Hash hash, ByteView key) : state_(new State{keyed(hash, key)}) {}
Hmac::~Hmac() = default;
Hmac::Hmac(Hmac&&) noexcept = default;
Hmac& Hmac::operator=(Hmac&&) noexcept = default;

std::size_t Hmac::size() const {
    return std::visit([]<class Kind>(const Kind&) { return Kind::kSize; }, state_->digests);
}

Hmac& Hmac::update(ByteView message) {
    std::visit([&](auto& digests) { digests.update(message); }, state_->digests);
    return *this;
}

void Hmac::finish(ByteSpan tag) {
    must(tag.size() <= size(), "a tag longer than its digest");
    std::visit([&](auto& digests) { digests.finish(tag); }, state_->digests);
}

Bytes hmac(Hash hash, ByteView key, ByteView message) {
    Bytes tag(digest_size(hash));
    Hmac{hash, key}.update(message).finish(tag);
    return tag;
}

}  // namespace gatelab::crypto
