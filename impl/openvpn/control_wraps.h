// The two constructions that protect a control packet, each with one key for either way.
#pragma once

#include "impl/crypto/aes_ctr.h"
#include "impl/crypto/algorithms.h"
#include "impl/openvpn/control_protection.h"
#include "impl/openvpn/packet_numbers.h"

namespace gatelab::openvpn {

inline constexpr std::size_t kNumberSize = 8;       // packet id and time
inline constexpr std::size_t kControlHead = 1 + 8;  // opcode with key id, session id: always in the clear
inline constexpr std::size_t kTlsCryptTag = 32;

// What stood in a protected packet.
struct Unwrapped {
    Bytes plain;
    PacketNumber number;
};

// --tls-auth: opcode, session id | HMAC | number | rest; the HMAC covers number, opcode, session id, rest.
class AuthWrap {
public:
    explicit AuthWrap(const TlsAuth&);
    Bytes wrap(ByteView plain, PacketNumber);
    Result<Unwrapped> unwrap(ByteView wire);
    std::size_t overhead() const { return out_.size() + kNumberSize; }

private:
    crypto::Hmac out_, in_;
};

// --tls-crypt: opcode, session id | number | tag | ciphertext of the rest; the tag is an HMAC over all of it in plain,
// and the cipher's IV.
class CryptWrap {
public:
    CryptWrap(const StaticKey&, Role);
    Bytes wrap(ByteView plain, PacketNumber);
    Result<Unwrapped> unwrap(ByteView wire);
    static constexpr std::size_t overhead() { return kNumberSize + kTlsCryptTag; }

private:
    struct Way {
        Way(const StaticKey&, std::size_t half);
        crypto::AesCtr cipher;
        crypto::Hmac mac;
    };
    Way out_, in_;
};

}  // namespace gatelab::openvpn
