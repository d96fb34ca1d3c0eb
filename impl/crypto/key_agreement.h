// Diffie-Hellman over the groups that IKEv2 negotiates.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "impl/base/bytes.h"
#include "impl/base/result.h"

namespace gatelab::crypto {

// The numbers are those of IANA's "Transform Type 4 - Key Exchange Method Transform IDs".
enum class Group : std::uint16_t {
    Modp1024 = 2,        // RFC 7296 appendix B
    Modp2048 = 14,       // RFC 3526
    Ecp256 = 19,         // RFC 5903
    Ecp384 = 20,         // RFC 5903
    Modp2048Sub256 = 24  // RFC 5114 section 2.3
};

std::string_view name_of(Group);  // "modp2048", "ecp256"

// One private value, used once (RFC 7296 section 2.12).
class KeyAgreement {
public:
    static KeyAgreement generate(Group);  // draws from OpenSSL's random source, see random_source.h
    // With a private value from elsewhere, as in published vectors: big-endian, from 1 to below the group's order.
    static Result<KeyAgreement> from_private_value(Group, ByteView);
    ~KeyAgreement();
    KeyAgreement(KeyAgreement&&) noexcept;
    KeyAgreement& operator=(KeyAgreement&&) noexcept;

    Group group() const;
    // As it stands in a KE payload: the MODP value padded to the prime's length, or x then y of an ECP point
    // without the format octet (RFC 5903 section 7).
    const Bytes& public_value() const;
    // g^ir, or the x coordinate. Malformed when the peer's value has the wrong length or fails RFC 6989's checks.
    Result<Bytes> derive(ByteView peer_public_value) const;

    struct State;

private:
    explicit KeyAgreement(std::unique_ptr<State>);
    std::unique_ptr<State> state_;
};

}  // namespace gatelab::crypto
