#include "impl/esp/transform.h"

#include <algorithm>
#include <array>

#include "impl/esp/require.h"

namespace gatelab::esp {
namespace {

void store_be32(std::uint8_t* out, std::uint32_t value) {
    for (int i = 0; i < 4; ++i) out[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

void store_be64(std::uint8_t* out, std::uint64_t value) {
    store_be32(out, static_cast<std::uint32_t>(value >> 32));
    store_be32(out + 4, static_cast<std::uint32_t>(value));
}

// RFC 4106 section 5: the SPI, then the sequence number with all the bits it has.
struct AssociatedData {
    AssociatedData(ByteView packet, std::uint64_t sequence_number, bool extended) : size(extended ? 12 : 8) {
        std::copy_n(packet.begin(), 4, octets.begin());
        if (extended)
            store_be64(octets.data() + 4, sequence_number);
        else
            store_be32(octets.data() + 4, static_cast<std::uint32_t>(sequence_number));
    }
    ByteView view() const { return {octets.data(), size}; }

    std::array<std::uint8_t, 12> octets;
    std::size_t size;
};

crypto::Hash hash_of(Integrity integrity) {
    require(integrity != Integrity::None, "AES-CBC without integrity");
    if (integrity == Integrity::HmacSha1_96) return crypto::Hash::Sha1;
    return integrity == Integrity::HmacSha256_128 ? crypto::Hash::Sha256 : crypto::Hash::Sha384;
}

std::size_t icv_size_of(Integrity integrity) {
    if (integrity == Integrity::HmacSha1_96) return 12;
    return integrity == Integrity::HmacSha256_128 ? 16 : 24;
}

std::variant<GcmTransform, CbcTransform> make(Direction direction, const Suite& suite, ByteView encryption_key,
                                              ByteView integrity_key) {
    require(encryption_key.size() == encryption_key_size(suite), "an encryption key of the wrong size");
    require(integrity_key.size() == integrity_key_size(suite), "an integrity key of the wrong size");
    if (suite.cipher == Cipher::AesCbc) return CbcTransform{direction, suite, encryption_key, integrity_key};
    require(suite.integrity == Integrity::None, "AES-GCM with a separate integrity algorithm");
    return GcmTransform{direction, suite, encryption_key};
}

}  // namespace

GcmTransform::GcmTransform(Direction direction, const Suite& suite, ByteView key_and_salt)
    : cipher_(direction == Direction::Seal ? crypto::AesGcm::Direction::Seal : crypto::AesGcm::Direction::Open,
              key_and_salt.first(key_and_salt.size() - 4)),
      extended_(suite.extended_sequence_numbers) {
    std::copy_n(key_and_salt.last(4).begin(), 4, nonce_);
}

void GcmTransform::seal(ByteSpan packet, std::uint64_t sequence_number) {
    const AssociatedData data{packet, sequence_number, extended_};
    std::uint8_t* iv = packet.data() + kHeaderSize;
    store_be64(iv, sequence_number);
    std::copy_n(iv, kIvSize, nonce_ + 4);
    const auto text = packet.subspan(kHeaderSize + kIvSize, packet.size() - kHeaderSize - kIvSize - icv_size());
    cipher_.seal(nonce_, data.view(), text, text, packet.last(icv_size()));
}

bool GcmTransform::open(ByteView packet, std::uint64_t sequence_number, ByteSpan plaintext) {
    const AssociatedData data{packet, sequence_number, extended_};
    std::copy_n(packet.data() + kHeaderSize, kIvSize, nonce_ + 4);
    return cipher_.open(nonce_, data.view(), packet.subspan(kHeaderSize + kIvSize, plaintext.size()),
                        packet.last(icv_size()), plaintext);
}

CbcTransform::CbcTransform(Direction direction, const Suite& suite, ByteView encryption_key, ByteView integrity_key)
    : cipher_(direction == Direction::Seal ? crypto::AesCbc::Direction::Encrypt : crypto::AesCbc::Direction::Decrypt,
              encryption_key),
      hmac_(hash_of(suite.integrity), integrity_key),
      icv_size_(icv_size_of(suite.integrity)),
      extended_(suite.extended_sequence_numbers) {}

void CbcTransform::authenticate(ByteView covered, std::uint64_t sequence_number, ByteSpan icv) {
    hmac_.update(covered);
    if (extended_) {  // the high half is not sent, and covered after all that is (RFC 4303 section 2.2.1)
        std::uint8_t high[4];
        store_be32(high, static_cast<std::uint32_t>(sequence_number >> 32));
        hmac_.update(high);
    }
    hmac_.finish(icv);
}

void CbcTransform::seal(ByteSpan packet, std::uint64_t sequence_number) {
    // With the sequence number as one block ahead of the plaintext and an IV of zeros, the first block that comes out
    // is that number encrypted, and CBC goes on from there as if it had been the IV. One pass makes both.
    const std::uint8_t zeros[kIvSize] = {};
    std::uint8_t* iv = packet.data() + kHeaderSize;
    store_be64(iv, 0);
    store_be64(iv + 8, sequence_number);
    const auto covered = packet.first(packet.size() - icv_size_);
    const auto text = covered.subspan(kHeaderSize);
    cipher_.apply(zeros, text, text);
    authenticate(covered, sequence_number, packet.last(icv_size_));
}

bool CbcTransform::open(ByteView packet, std::uint64_t sequence_number, ByteSpan plaintext) {
    std::array<std::uint8_t, 24> icv;
    const auto covered = packet.first(packet.size() - icv_size_);
    authenticate(covered, sequence_number, ByteSpan{icv}.first(icv_size_));
    if (!equal_in_constant_time(ByteView{icv}.first(icv_size_), packet.last(icv_size_))) return false;
    cipher_.apply(packet.subspan(kHeaderSize, kIvSize), covered.subspan(kHeaderSize + kIvSize), plaintext);
    return true;
}

Transform::Transform(Direction direction, const Suite& suite, ByteView encryption_key, ByteView integrity_key)
    : transform_(make(direction, suite, encryption_key, integrity_key)) {
    std::visit(
        [this]<class T>(const T& transform) {
            iv_size_ = T::kIvSize;
            alignment_ = T::kAlignment;
            icv_size_ = transform.icv_size();
        },
        transform_);
}

void Transform::seal(ByteSpan packet, std::uint64_t sequence_number) {
    std::visit([&](auto& transform) { transform.seal(packet, sequence_number); }, transform_);
}

bool Transform::open(ByteView packet, std::uint64_t sequence_number, ByteSpan plaintext) {
    return std::visit([&](auto& transform) { return transform.open(packet, sequence_number, plaintext); }, transform_);
}

std::optional<std::size_t> Transform::plaintext_size(ByteView packet) const {
    const std::size_t around = kHeaderSize + iv_size_ + icv_size_;
    if (packet.size() < around + alignment_ || (packet.size() - around) % alignment_ != 0) return std::nullopt;
    return packet.size() - around;
}

}  // namespace gatelab::esp
