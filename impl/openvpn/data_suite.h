// Encryption and integrity of one data packet, for one key and one direction. What stands before the packet id or the
// HMAC (opcode, key id, peer id) is the head; the rest is the body.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "impl/base/bytes.h"
#include "impl/base/random.h"
#include "impl/crypto/algorithms.h"
#include "impl/openvpn/key_method.h"

namespace gatelab::openvpn {

inline constexpr std::size_t kPacketIdSize = 4;

// What an authentic body holds.
struct OpenedBody {
    std::uint32_t packet_id;
    ByteView inner;
};

// packet id | tag | ciphertext. The nonce is the packet id and an implicit part from the HMAC key; head and packet id
// are the associated data, the head only if it is one with a peer id.
class AeadSuite {
public:
    AeadSuite(crypto::AesGcm::Direction, ByteView cipher_key, ByteView implicit_iv);
    static constexpr std::size_t kOverhead = kPacketIdSize + crypto::AesGcm::kTagSize;

    std::size_t sealed_size(std::size_t inner) const { return inner + kOverhead; }
    bool may_be_whole(std::size_t body) const { return body > kOverhead; }
    // `packet` is head and body in their final size; the head is there already.
    void seal(ByteSpan packet, std::size_t head, std::uint32_t packet_id, ByteView inner, Random&);
    // Nothing when the tag does not hold. `out` takes the inner packet.
    std::optional<OpenedBody> open(ByteView packet, std::size_t head, ByteSpan out);

private:
    ByteView nonce_for(ByteView packet_id);
    crypto::AesGcm cipher_;
    std::array<std::uint8_t, crypto::AesGcm::kNonceSize> nonce_{};
};

// HMAC | IV | ciphertext of packet id, inner packet and padding (PKCS #7). The HMAC covers IV and ciphertext, and not
// the head.
class CbcSuite {
public:
    CbcSuite(crypto::AesCbc::Direction, ByteView cipher_key, crypto::Hash, ByteView hmac_key);

    std::size_t sealed_size(std::size_t inner) const;
    bool may_be_whole(std::size_t body) const;
    void seal(ByteSpan packet, std::size_t head, std::uint32_t packet_id, ByteView inner, Random&);
    // Nothing when the HMAC does not hold. The packet id is 0, which none has, when the text cannot be one.
    std::optional<OpenedBody> open(ByteView packet, std::size_t head, ByteSpan out);

private:
    crypto::AesCbc cipher_;
    crypto::Hmac hmac_;
    std::size_t hmac_size_;
};

using DataSuite = std::variant<AeadSuite, CbcSuite>;

enum class DataDirection { Seal, Open };
// For what `sender` sends: a client uses the first half of the key material, a server the second.
DataSuite make_data_suite(DataDirection, DataCipher, crypto::Hash auth, const DataKeys&, Role sender);

}  // namespace gatelab::openvpn
