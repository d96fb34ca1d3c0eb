#include "impl/ikev2/cookies.h"

#include "impl/crypto/algorithms.h"

namespace gatelab::ikev2 {
namespace {
constexpr Duration kSecretLife = std::chrono::minutes(1);
}

Bytes Cookies::make(Instant now, Ipv4Address peer, std::uint64_t spi_i, ByteView nonce_i) {
    rotate(now);
    return make_with(current_, peer, spi_i, nonce_i);
}

bool Cookies::holds(Instant now, ByteView cookie, Ipv4Address peer, std::uint64_t spi_i, ByteView nonce_i) {
    rotate(now);
    if (cookie.empty()) return false;
    const Secret& secret = cookie[0] == current_.version ? current_ : previous_;
    if (secret.key.empty()) return false;
    return equal_in_constant_time(make_with(secret, peer, spi_i, nonce_i), cookie);
}

void Cookies::rotate(Instant now) {
    if (rotate_at_ && now < *rotate_at_) return;
    // After a long silence the previous secret is as old as the current one: forget both.
    previous_ = rotate_at_ && now < *rotate_at_ + kSecretLife ? current_ : Secret{};
    current_ = Secret{static_cast<std::uint8_t>(current_.version + 1), random_.bytes(32)};
    rotate_at_ = now + kSecretLife;
}

Bytes Cookies::make_with(const Secret& secret, Ipv4Address peer, std::uint64_t spi_i, ByteView nonce_i) {
    const Bytes message = ByteWriter{}.bytes(nonce_i).u32(peer.number()).u64(spi_i).take();
    return ByteWriter{}.u8(secret.version).bytes(crypto::hmac(crypto::Hash::Sha256, secret.key, message)).take();
}

}  // namespace gatelab::ikev2
