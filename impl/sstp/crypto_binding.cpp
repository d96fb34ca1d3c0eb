#include "impl/sstp/crypto_binding.h"

#include <algorithm>

#include "impl/crypto/algorithms.h"

namespace gatelab::sstp {
namespace {

constexpr std::size_t kMacOffset = 80;  // of the compound MAC in a Call Connected
constexpr std::size_t kCallConnectedSize = 112;

crypto::Hash hash_of(std::uint8_t hash) { return hash == kSha1 ? crypto::Hash::Sha1 : crypto::Hash::Sha256; }

Digest padded(ByteView bytes) {
    Digest digest{};
    std::copy(bytes.begin(), bytes.end(), digest.begin());
    return digest;
}

}  // namespace

HigherLayerKey higher_layer_key(const std::optional<mschap::MasterKeys>& keys) {
    HigherLayerKey key{};
    if (!keys) return key;
    std::copy(keys->send.begin(), keys->send.end(), key.begin());
    std::copy(keys->receive.begin(), keys->receive.end(), key.begin() + keys->send.size());
    return key;
}

std::uint8_t best_hash(std::uint8_t offered, std::uint8_t known) {
    const auto both = offered & known;
    return (both & kSha256) != 0 ? kSha256 : (both & kSha1) != 0 ? kSha1 : 0;
}

Digest certificate_hash(std::uint8_t hash, ByteView certificate_der) {
    return padded(crypto::digest(hash_of(hash), certificate_der));
}

// [MS-SSTP] section 3.2.5.2.2: HMAC(HLAK, label | length of the digest, little endian | 1).
Digest compound_mac_key(std::uint8_t hash, const HigherLayerKey& key) {
    auto seed = copy_of(as_bytes("SSTP inner method derived CMK"));
    append(seed, Bytes{static_cast<std::uint8_t>(crypto::digest_size(hash_of(hash))), 0, 1});
    return padded(crypto::hmac(hash_of(hash), key, seed));
}

// [MS-SSTP] section 3.2.5.2.3.
Digest compound_mac(std::uint8_t hash, const HigherLayerKey& key, ByteView call_connected_without_mac) {
    const auto cmk = compound_mac_key(hash, key);
    return padded(crypto::hmac(hash_of(hash), ByteView{cmk}.first(crypto::digest_size(hash_of(hash))),
                               call_connected_without_mac));
}

Bytes call_connected(std::uint8_t hash, const Nonce& nonce, const HigherLayerKey& key, ByteView certificate_der) {
    CryptoBinding binding{
        .hash = hash, .nonce = nonce, .certificate_hash = certificate_hash(hash, certificate_der), .compound_mac = {}};
    auto packet = encode({MessageType::CallConnected, {binding}});
    const auto mac = compound_mac(hash, key, packet);
    std::copy(mac.begin(), mac.end(), packet.begin() + kMacOffset);
    return packet;
}

std::string_view broken_part(ByteView packet, const CryptoBinding& binding, std::uint8_t offered_hashes,
                             const Nonce& nonce, const HigherLayerKey& key, ByteView certificate_der) {
    const bool one_hash = binding.hash == kSha1 || binding.hash == kSha256;
    if (!one_hash || (binding.hash & offered_hashes) == 0) return "hash-protocol";
    if (!equal_in_constant_time(binding.nonce, nonce)) return "nonce";
    if (!equal_in_constant_time(binding.certificate_hash, certificate_hash(binding.hash, certificate_der)))
        return "certificate-hash";
    if (packet.size() != kCallConnectedSize) return "compound-mac";
    auto unsigned_packet = copy_of(packet);
    std::fill(unsigned_packet.begin() + kMacOffset, unsigned_packet.end(), std::uint8_t{0});
    return equal_in_constant_time(binding.compound_mac, compound_mac(binding.hash, key, unsigned_packet))
               ? ""
               : "compound-mac";
}

}  // namespace gatelab::sstp
