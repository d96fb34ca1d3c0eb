// Encryption and integrity of one ESP packet, for one key and one direction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "impl/base/bytes.h"
#include "impl/crypto/algorithms.h"
#include "impl/esp/suite.h"

namespace gatelab::esp {

constexpr std::size_t kHeaderSize = 8;  // SPI and sequence number

enum class Direction { Seal, Open };

// AES-GCM (RFC 4106): the nonce is the salt and the IV, and the IV is the sequence number, which never repeats under
// one key (section 3.1 asks for no more).
class GcmTransform {
public:
    static constexpr std::size_t kIvSize = 8, kAlignment = 4;  // RFC 4303 section 2.4

    GcmTransform(Direction, const Suite&, ByteView key_and_salt);
    std::size_t icv_size() const { return crypto::AesGcm::kTagSize; }
    void seal(ByteSpan packet, std::uint64_t sequence_number);
    bool open(ByteView packet, std::uint64_t sequence_number, ByteSpan plaintext);

private:
    crypto::AesGcm cipher_;
    std::uint8_t nonce_[crypto::AesGcm::kNonceSize];
    bool extended_;
};

// AES-CBC (RFC 3602) then HMAC. The IV is the encrypted sequence number, the first method of NIST SP 800-38A appendix
// C: nobody without the key can foretell it (RFC 3602 section 3), and it takes neither a system call nor a second key.
class CbcTransform {
public:
    static constexpr std::size_t kIvSize = 16, kAlignment = 16;

    CbcTransform(Direction, const Suite&, ByteView encryption_key, ByteView integrity_key);
    std::size_t icv_size() const { return icv_size_; }
    void seal(ByteSpan packet, std::uint64_t sequence_number);
    bool open(ByteView packet, std::uint64_t sequence_number, ByteSpan plaintext);

private:
    void authenticate(ByteView covered, std::uint64_t sequence_number, ByteSpan icv);

    crypto::AesCbc cipher_;
    crypto::Hmac hmac_;
    std::size_t icv_size_;
    bool extended_;
};

class Transform {
public:
    // Requires keys of the sizes that the suite asks for.
    Transform(Direction, const Suite&, ByteView encryption_key, ByteView integrity_key);

    std::size_t iv_size() const { return iv_size_; }
    std::size_t icv_size() const { return icv_size_; }
    std::size_t alignment() const { return alignment_; }  // of what is encrypted, in octets

    // `packet` holds the header, room for the IV, the aligned plaintext (encrypted in place), and room for the ICV.
    void seal(ByteSpan packet, std::uint64_t sequence_number);
    // False, with nothing of use in `plaintext`, when the ICV does not hold. `plaintext` has plaintext_size(packet)
    // octets.
    [[nodiscard]] bool open(ByteView packet, std::uint64_t sequence_number, ByteSpan plaintext);
    // Nothing when the packet has no room for a header, an IV, one aligned block and an ICV, or is not aligned.
    std::optional<std::size_t> plaintext_size(ByteView packet) const;

private:
    std::variant<GcmTransform, CbcTransform> transform_;
    std::size_t iv_size_, icv_size_, alignment_;
};

}  // namespace gatelab::esp
