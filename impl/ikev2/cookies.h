// Stateless cookies against floods of forged IKE_SA_INIT requests (RFC 7296 section 2.6).
#pragma once

#include <optional>

#include "impl/base/address.h"
#include "impl/base/random.h"
#include "impl/base/time.h"

namespace gatelab::ikev2 {

class Cookies {
public:
    explicit Cookies(Random& random) : random_(random) {}

    // What a request from that peer must bring back: a MAC under a secret that changes every minute.
    Bytes make(Instant now, Ipv4Address peer, std::uint64_t spi_i, ByteView nonce_i);
    // Made by us within the last minute or two, for this very request.
    bool holds(Instant now, ByteView cookie, Ipv4Address peer, std::uint64_t spi_i, ByteView nonce_i);

private:
    struct Secret {
        std::uint8_t version = 0;
        Bytes key;
    };
    void rotate(Instant now);
    static Bytes make_with(const Secret&, Ipv4Address peer, std::uint64_t spi_i, ByteView nonce_i);

    Random& random_;
    Secret current_, previous_;
    std::optional<Instant> rotate_at_;
};

}  // namespace gatelab::ikev2
