#include "impl/ikev2/protection.h"

#include "impl/crypto/algorithms.h"

namespace gatelab::ikev2 {
namespace {

using crypto::AesCbc;
using crypto::AesGcm;

constexpr std::size_t kGenericHeaderSize = 4;
constexpr std::size_t kGcmIvSize = 8;
constexpr std::size_t kSaltSize = 4;

crypto::Hash hash_of_integrity(Integrity integrity) {
    switch (integrity) {
        case Integrity::HmacSha1_96: return crypto::Hash::Sha1;
        case Integrity::None:
        case Integrity::HmacSha256_128: return crypto::Hash::Sha256;
        case Integrity::HmacSha384_192: return crypto::Hash::Sha384;
        case Integrity::HmacSha512_256: return crypto::Hash::Sha512;
    }
    return crypto::Hash::Sha256;
}

ByteView key_without_salt(const Bytes& key) { return ByteView{key}.first(key.size() - kSaltSize); }

Bytes gcm_nonce(const Bytes& key, ByteView iv) {
    Bytes nonce = copy_of(ByteView{key}.last(kSaltSize));
    append(nonce, iv);
    return nonce;
}

// Appends Padding and Pad Length (section 3.14): to whole blocks for AES-CBC, none for AES-GCM.
void pad(Bytes& plaintext, std::size_t block_size) {
    std::size_t padding = 0;
    while ((plaintext.size() + padding + 1) % block_size != 0) ++padding;
    plaintext.insert(plaintext.end(), padding, 0);
    plaintext.push_back(static_cast<std::uint8_t>(padding));
}

}  // namespace

Protection::Protection(const IkeSuite& suite, const IkeKeys& keys, bool initiator)
    : suite_(suite),
      encryption_out_(initiator ? keys.sk_ei : keys.sk_er),
      integrity_out_(initiator ? keys.sk_ai : keys.sk_ar),
      encryption_in_(initiator ? keys.sk_er : keys.sk_ei),
      integrity_in_(initiator ? keys.sk_ar : keys.sk_ai) {}

std::size_t Protection::iv_size() const {
    return suite_.encryption == Encryption::AesGcm16 ? kGcmIvSize : AesCbc::kBlockSize;
}

std::size_t Protection::icv_size() const {
    switch (suite_.integrity) {
        case Integrity::None: return AesGcm::kTagSize;
        case Integrity::HmacSha1_96: return 12;
        case Integrity::HmacSha256_128: return 16;
        case Integrity::HmacSha384_192: return 24;
        case Integrity::HmacSha512_256: return 32;
    }
    return 0;
}

Bytes Protection::seal(Header header, const OutgoingPayloads& payloads, Random& random) {
    Bytes plaintext = encode_payloads(payloads);
    pad(plaintext, suite_.encryption == Encryption::AesGcm16 ? 1 : AesCbc::kBlockSize);

    const auto payload_size = kGenericHeaderSize + iv_size() + plaintext.size() + icv_size();
    header.next = PayloadType::Encrypted;
    header.length = static_cast<std::uint32_t>(Header::kSize + payload_size);
    ByteWriter writer;
    encode_header(writer, header);
    writer.u8(static_cast<std::uint8_t>(payloads.empty() ? PayloadType::None : payloads.front().type)).u8(0);
    writer.u16(static_cast<std::uint16_t>(payload_size));
    const Bytes head = copy_of(writer.view());
    encrypt(head, plaintext, writer, random);
    ++sealed_;
    return writer.take();
}

void Protection::encrypt(ByteView head, ByteView plaintext, ByteWriter& writer, Random& random) {
    Bytes ciphertext(plaintext.size());
    Bytes icv(icv_size());
    if (suite_.encryption == Encryption::AesGcm16) {
        const Bytes iv = ByteWriter{}.u64(sealed_).take();
        AesGcm cipher{AesGcm::Direction::Seal, key_without_salt(encryption_out_)};
        cipher.seal(gcm_nonce(encryption_out_, iv), head, plaintext, ciphertext, icv);
        writer.bytes(iv).bytes(ciphertext).bytes(icv);
        return;
    }
    const Bytes iv = random.bytes(AesCbc::kBlockSize);
    AesCbc{AesCbc::Direction::Encrypt, encryption_out_}.apply(iv, plaintext, ciphertext);
    writer.bytes(iv).bytes(ciphertext);
    crypto::Hmac{hash_of_integrity(suite_.integrity), integrity_out_}.update(writer.view()).finish(icv);
    writer.bytes(icv);
}

Result<Protection::Opened> Protection::open(const Header& header, ByteView message) const {
    const auto chain = parse_payloads(header.next, message.subspan(Header::kSize));
    if (!chain) return pass(chain);
    if (chain->size() != 1 || chain->front().type != PayloadType::Encrypted)
        return fail(Fault::Malformed, "not one Encrypted payload");  // all else would be unprotected
    const auto& payload = chain->front();
    auto plaintext = decrypt(message.first(Header::kSize + kGenericHeaderSize), payload.body);
    if (!plaintext) return pass(plaintext);
    const std::size_t padding = plaintext->back();
    if (padding + 1 > plaintext->size()) return fail(Fault::Malformed, "more padding than plaintext");
    plaintext->resize(plaintext->size() - padding - 1);
    return Opened{payload.next, std::move(*plaintext)};
}

Result<Bytes> Protection::decrypt(ByteView head, ByteView body) const {
    if (body.size() < iv_size() + icv_size() + 1) return fail(Fault::Truncated, "Encrypted payload cut short");
    const auto iv = body.first(iv_size());
    const auto icv = body.last(icv_size());
    const auto ciphertext = body.subspan(iv_size(), body.size() - iv_size() - icv_size());
    Bytes plaintext(ciphertext.size());
    if (suite_.encryption == Encryption::AesGcm16) {
        AesGcm cipher{AesGcm::Direction::Open, key_without_salt(encryption_in_)};
        if (!cipher.open(gcm_nonce(encryption_in_, iv), head, ciphertext, icv, plaintext))
            return fail(Fault::Unauthentic, "integrity check failed");
        return plaintext;
    }
    Bytes expected(icv_size());
    crypto::Hmac{hash_of_integrity(suite_.integrity), integrity_in_}
        .update(head)
        .update(body.first(body.size() - icv_size()))
        .finish(expected);
    if (!equal_in_constant_time(expected, icv)) return fail(Fault::Unauthentic, "integrity check failed");
    if (ciphertext.size() % AesCbc::kBlockSize != 0) return fail(Fault::Malformed, "ciphertext is not whole blocks");
    AesCbc{AesCbc::Direction::Decrypt, encryption_in_}.apply(iv, ciphertext, plaintext);
    return plaintext;
}

}  // namespace gatelab::ikev2
