#include "impl/openvpn/data_suite.h"

#include <algorithm>

namespace gatelab::openvpn {
namespace {

constexpr std::size_t kBlock = crypto::AesCbc::kBlockSize;
constexpr std::size_t kTag = crypto::AesGcm::kTagSize;
constexpr std::size_t kKeySlot = 64;  // octets of key material for each of the four keys
constexpr std::size_t kHeadWithPeerId = 4;

void store_be32(ByteSpan out, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) out[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

std::uint32_t load_be32(ByteView in) { return ByteReader{in}.u32(); }

std::size_t key_size_of(DataCipher cipher) { return cipher == DataCipher::Aes128Gcm ? 16 : 32; }

// The text without its padding; nothing when no encryptor writes such a padding.
std::optional<ByteView> unpadded(ByteView text) {
    const std::size_t padding = text.back();
    if (padding == 0 || padding > kBlock) return std::nullopt;
    const auto filler = text.last(padding);
    if (std::any_of(filler.begin(), filler.end(), [&](std::uint8_t octet) { return octet != padding; }))
        return std::nullopt;
    return text.first(text.size() - padding);
}

}  // namespace

AeadSuite::AeadSuite(crypto::AesGcm::Direction direction, ByteView cipher_key, ByteView implicit_iv)
    : cipher_(direction, cipher_key) {
    std::copy_n(implicit_iv.begin(), nonce_.size() - kPacketIdSize, nonce_.begin() + kPacketIdSize);
}

ByteView AeadSuite::nonce_for(ByteView packet_id) {
    std::copy_n(packet_id.begin(), kPacketIdSize, nonce_.begin());
    return nonce_;
}

void AeadSuite::seal(ByteSpan packet, std::size_t head, std::uint32_t packet_id, ByteView inner, Random&) {
    const auto id = packet.subspan(head, kPacketIdSize);
    store_be32(id, packet_id);
    // P_DATA_V1 was made before its opcode could be covered, and never was.
    const auto covered = head == kHeadWithPeerId ? packet.first(head + kPacketIdSize) : id;
    cipher_.seal(nonce_for(id), covered, inner, packet.subspan(head + kOverhead),
                 packet.subspan(head + kPacketIdSize, kTag));
}

std::optional<OpenedBody> AeadSuite::open(ByteView packet, std::size_t head, ByteSpan out) {
    const auto id = packet.subspan(head, kPacketIdSize);
    const auto covered = head == kHeadWithPeerId ? packet.first(head + kPacketIdSize) : id;
    const auto text = packet.subspan(head + kOverhead);
    const auto inner = out.first(text.size());
    if (!cipher_.open(nonce_for(id), covered, text, packet.subspan(head + kPacketIdSize, kTag), inner)) return {};
    return OpenedBody{load_be32(id), inner};
}

CbcSuite::CbcSuite(crypto::AesCbc::Direction direction, ByteView cipher_key, crypto::Hash hash, ByteView hmac_key)
    : cipher_(direction, cipher_key), hmac_(hash, hmac_key), hmac_size_(crypto::digest_size(hash)) {}

std::size_t CbcSuite::sealed_size(std::size_t inner) const {
    return hmac_size_ + kBlock + (kPacketIdSize + inner) / kBlock * kBlock + kBlock;
}

bool CbcSuite::may_be_whole(std::size_t body) const {
    return body >= hmac_size_ + 2 * kBlock && (body - hmac_size_) % kBlock == 0;
}

void CbcSuite::seal(ByteSpan packet, std::size_t head, std::uint32_t packet_id, ByteView inner, Random& random) {
    const auto body = packet.subspan(head);
    const auto iv = body.subspan(hmac_size_, kBlock), text = body.subspan(hmac_size_ + kBlock);
    random.fill(iv);
    store_be32(text, packet_id);
    std::copy(inner.begin(), inner.end(), text.begin() + kPacketIdSize);
    const auto padding = text.subspan(kPacketIdSize + inner.size());
    std::fill(padding.begin(), padding.end(), static_cast<std::uint8_t>(padding.size()));
    cipher_.apply(iv, text, text);
    hmac_.update(body.subspan(hmac_size_)).finish(body.first(hmac_size_));
}

std::optional<OpenedBody> CbcSuite::open(ByteView packet, std::size_t head, ByteSpan out) {
    const auto body = packet.subspan(head);
    std::array<std::uint8_t, 64> expected;
    hmac_.update(body.subspan(hmac_size_)).finish(ByteSpan{expected}.first(hmac_size_));
    if (!equal_in_constant_time(ByteView{expected}.first(hmac_size_), body.first(hmac_size_))) return {};
    const auto text = out.first(body.size() - hmac_size_ - kBlock);
    cipher_.apply(body.subspan(hmac_size_, kBlock), body.subspan(hmac_size_ + kBlock), text);
    const auto plain = unpadded(text);
    if (!plain || plain->size() <= kPacketIdSize) return OpenedBody{0, {}};
    return OpenedBody{load_be32(*plain), plain->subspan(kPacketIdSize)};
}

DataSuite make_data_suite(DataDirection direction, DataCipher cipher, crypto::Hash auth, const DataKeys& keys,
                          Role sender) {
    const auto half = ByteView{keys.bytes}.subspan(sender == Role::Client ? 0 : 2 * kKeySlot, 2 * kKeySlot);
    const auto cipher_key = half.first(key_size_of(cipher)), hmac_key = half.subspan(kKeySlot);
    const bool seals = direction == DataDirection::Seal;
    if (is_aead(cipher))
        return AeadSuite{seals ? crypto::AesGcm::Direction::Seal : crypto::AesGcm::Direction::Open, cipher_key,
                         hmac_key};
    return CbcSuite{seals ? crypto::AesCbc::Direction::Encrypt : crypto::AesCbc::Direction::Decrypt, cipher_key, auth,
                    hmac_key.first(crypto::digest_size(auth))};
}

}  // namespace gatelab::openvpn
