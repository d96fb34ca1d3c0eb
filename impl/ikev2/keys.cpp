#include "impl/ikev2/keys.h"

#include <cassert>

namespace gatelab::ikev2 {
namespace {

Bytes joined(ByteView a, ByteView b) {
    Bytes both = copy_of(a);
    append(both, b);
    return both;
}

// Section 2.14's order. Key sizes of the PRF are its output size (section 2.13).
IkeKeys expand(const IkeSuite& suite, const KeySeed& seed, ByteView skeyseed) {
    ByteWriter spread;
    spread.bytes(seed.nonce_i).bytes(seed.nonce_r).u64(seed.spi_i).u64(seed.spi_r);
    const auto prf_size = crypto::digest_size(hash_of(suite.prf));
    const auto integrity_size = integrity_key_size(suite);
    const auto encryption_size = encryption_key_size(suite);
    const Bytes material =
        prf_plus(suite.prf, skeyseed, spread.view(), 3 * prf_size + 2 * integrity_size + 2 * encryption_size);
    ByteReader reader{material};
    IkeKeys keys;
    keys.sk_d = copy_of(reader.bytes(prf_size));
    keys.sk_ai = copy_of(reader.bytes(integrity_size));
    keys.sk_ar = copy_of(reader.bytes(integrity_size));
    keys.sk_ei = copy_of(reader.bytes(encryption_size));
    keys.sk_er = copy_of(reader.bytes(encryption_size));
    keys.sk_pi = copy_of(reader.bytes(prf_size));
    keys.sk_pr = copy_of(reader.bytes(prf_size));
    return keys;
}

}  // namespace

crypto::Hash hash_of(Prf prf) {
    switch (prf) {
        case Prf::HmacSha1: return crypto::Hash::Sha1;
        case Prf::HmacSha256: return crypto::Hash::Sha256;
        case Prf::HmacSha384: return crypto::Hash::Sha384;
        case Prf::HmacSha512: return crypto::Hash::Sha512;
    }
    return crypto::Hash::Sha256;
}

Bytes prf(Prf algorithm, ByteView key, ByteView message) { return crypto::hmac(hash_of(algorithm), key, message); }

Bytes prf_plus(Prf algorithm, ByteView key, ByteView seed, std::size_t size) {
    assert(size <= 255 * crypto::digest_size(hash_of(algorithm)));
    Bytes output;
    Bytes block;
    for (std::uint8_t counter = 1; output.size() < size; ++counter) {
        Bytes input = joined(block, seed);
        input.push_back(counter);
        block = prf(algorithm, key, input);
        append(output, block);
    }
    output.resize(size);
    return output;
}

std::size_t encryption_key_size(const IkeSuite& suite) {
    const std::size_t key = static_cast<std::size_t>(suite.key_bits) / 8;
    return suite.encryption == Encryption::AesGcm16 ? key + 4 : key;  // RFC 5282 section 7.1: a 4-octet salt
}

std::size_t integrity_key_size(const IkeSuite& suite) {
    switch (suite.integrity) {
        case Integrity::None: return 0;
        case Integrity::HmacSha1_96: return 20;
        case Integrity::HmacSha256_128: return 32;
        case Integrity::HmacSha384_192: return 48;
        case Integrity::HmacSha512_256: return 64;
    }
    return 0;
}

IkeKeys derive_ike_keys(const IkeSuite& suite, const KeySeed& seed) {
    return expand(suite, seed, prf(suite.prf, joined(seed.nonce_i, seed.nonce_r), seed.shared_secret));
}

IkeKeys derive_rekeyed_ike_keys(const IkeSuite& suite, const KeySeed& seed, Prf old_prf, ByteView old_sk_d) {
    const Bytes message = joined(joined(seed.shared_secret, seed.nonce_i), seed.nonce_r);
    return expand(suite, seed, prf(old_prf, old_sk_d, message));
}

ChildKeys derive_child_keys(const esp::Suite& suite, Prf algorithm, ByteView sk_d, const KeySeed& seed) {
    const auto encryption_size = esp::encryption_key_size(suite);
    const auto integrity_size = esp::integrity_key_size(suite);
    const Bytes spread = joined(joined(seed.shared_secret, seed.nonce_i), seed.nonce_r);
    const Bytes material = prf_plus(algorithm, sk_d, spread, 2 * (encryption_size + integrity_size));
    ByteReader reader{material};
    ChildKeys keys;
    keys.encryption_i = copy_of(reader.bytes(encryption_size));
    keys.integrity_i = copy_of(reader.bytes(integrity_size));
    keys.encryption_r = copy_of(reader.bytes(encryption_size));
    keys.integrity_r = copy_of(reader.bytes(integrity_size));
    return keys;
}

}  // namespace gatelab::ikev2
