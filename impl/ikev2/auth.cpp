#include "impl/ikev2/auth.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "impl/ikev2/keys.h"
#include "impl/ikev2/signature_encoding.h"

namespace gatelab::ikev2 {
namespace {

using crypto::Hash;
using crypto::KeyType;

struct HashNumber {
    Hash hash;
    std::uint16_t number;
};
// SHA-1 is left out: RFC 8247 section 3.3 retires it for these signatures.
constexpr std::array kHashNumbers = {HashNumber{Hash::Sha256, 2}, HashNumber{Hash::Sha384, 3},
                                     HashNumber{Hash::Sha512, 4}};

constexpr std::array kRsaHashes = {Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512};

Bytes octets_to_sign(const SignedOctets& octets) {
    Bytes all = copy_of(octets.first_message);
    append(all, octets.peer_nonce);
    append(all, prf(octets.prf, octets.sk_p, octets.id_body));
    return all;
}

Bytes shared_key_mac(const PreSharedKey& key, const SignedOctets& octets) {
    const Bytes padded = prf(octets.prf, key.secret, as_bytes("Key Pad for IKEv2"));
    return prf(octets.prf, padded, octets_to_sign(octets));
}

Hash hash_for(const crypto::PrivateKey& key) {
    return key.type() == KeyType::Ecdsa && key.bits() > 256 ? Hash::Sha384 : Hash::Sha256;
}

Proof sign_digitally(const crypto::PrivateKey& key, const Bytes& octets, const SignatureHashes& peer_hashes) {
    Hash hash = hash_for(key);
    if (!peer_hashes.has(hash)) {
        for (const auto& candidate : kHashNumbers)
            if (peer_hashes.has(candidate.hash)) hash = candidate.hash;
    }
    const auto scheme = key.type() == KeyType::Rsa ? crypto::Signature::RsaPkcs1 : crypto::Signature::Ecdsa;
    const Bytes algorithm = algorithm_identifier(scheme, hash);
    ByteWriter data;
    data.u8(static_cast<std::uint8_t>(algorithm.size())).bytes(algorithm).bytes(key.sign(scheme, hash, octets));
    return {AuthMethod::DigitalSignature, data.take()};
}

Proof sign_classically(const crypto::PrivateKey& key, const Bytes& octets) {
    // RFC 7296 section 3.8: SHA-1 is the hash that every peer knows for method 1.
    if (key.type() == KeyType::Rsa)
        return {AuthMethod::RsaSignature, key.sign(crypto::Signature::RsaPkcs1, Hash::Sha1, octets)};
    const bool wide = key.bits() > 256;
    const Bytes der = key.sign(crypto::Signature::Ecdsa, wide ? Hash::Sha384 : Hash::Sha256, octets);
    return {wide ? AuthMethod::EcdsaSha384 : AuthMethod::EcdsaSha256,
            concatenated_ecdsa_signature(der, wide ? 48 : 32).value_or(Bytes{})};
}

bool verify_digital(const crypto::PublicKey& key, const Bytes& octets, ByteView data) {
    ByteReader reader{data};
    const auto algorithm = reader.bytes(reader.u8());
    const auto signature = reader.rest();
    const auto scheme = parse_algorithm_identifier(algorithm);
    return scheme && key.verify(scheme->signature, scheme->hash, octets, signature);
}

bool verify_signature(const crypto::PublicKey& key, const Bytes& octets, const Authentication& authentication) {
    const auto verify_concatenated = [&](Hash hash, std::size_t half) {
        if (key.type() != KeyType::Ecdsa || authentication.data.size() != 2 * half) return false;
        return key.verify(crypto::Signature::Ecdsa, hash, octets, der_ecdsa_signature(authentication.data));
    };
    switch (static_cast<AuthMethod>(authentication.method)) {
        case AuthMethod::RsaSignature:
            // RFC 7296 section 3.8: the hash is in the signature; SHA-1 is only the default.
            return key.type() == KeyType::Rsa && std::any_of(kRsaHashes.begin(), kRsaHashes.end(), [&](Hash hash) {
                       return key.verify(crypto::Signature::RsaPkcs1, hash, octets, authentication.data);
                   });
        case AuthMethod::EcdsaSha256: return verify_concatenated(Hash::Sha256, 32);
        case AuthMethod::EcdsaSha384: return verify_concatenated(Hash::Sha384, 48);
        case AuthMethod::DigitalSignature: return verify_digital(key, octets, authentication.data);
        case AuthMethod::SharedKey: break;
    }
    return false;
}

bool same_text(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool any_same(const std::vector<std::string>& names, std::string_view wanted) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return same_text(name, wanted); });
}

// Checks all but the list of accepted identifications.
Result<void> check_certificate_claim(const Claim& claim, const PeerAuthentication& accepted, const SignedOctets& octets,
                                     crypto::Purpose purpose, Instant now) {
    if (!accepted.roots) return fail(Fault::Unauthentic, "a signature came where only a pre-shared key is accepted");
    if (claim.certificates.empty()) return fail(Fault::Unauthentic, "a signature came without a certificate");
    const auto& leaf = claim.certificates.front();
    const std::vector<crypto::Certificate> intermediates(claim.certificates.begin() + 1, claim.certificates.end());
    if (const auto chain = accepted.roots->verify(leaf, intermediates, purpose, now); !chain) return chain;
    if (!bears(leaf, claim.identification))
        return fail(Fault::Unauthentic, "the certificate of " + leaf.subject() + " does not name the identity " +
                                            to_string(claim.identification));
    if (!verify_signature(leaf.public_key(), octets_to_sign(octets), claim.authentication))
        return fail(Fault::Unauthentic, "the signature by " + leaf.subject() + " does not hold");
    return {};
}

}  // namespace

Bytes SignatureHashes::encode_ours() {
    ByteWriter writer;
    for (const auto& known : kHashNumbers) writer.u16(known.number);
    return writer.take();
}

SignatureHashes SignatureHashes::parse(ByteView notify_data) {
    SignatureHashes hashes;
    ByteReader reader{notify_data};
    while (reader.remaining() >= 2) {
        const auto number = reader.u16();
        for (const auto& known : kHashNumbers)
            if (known.number == number && !hashes.has(known.hash)) hashes.known_.push_back(known.hash);
    }
    return hashes;
}

bool SignatureHashes::has(Hash hash) const { return std::find(known_.begin(), known_.end(), hash) != known_.end(); }

Proof make_proof(const Credential& credential, const SignedOctets& octets, const SignatureHashes& peer_hashes) {
    if (const auto* key = std::get_if<PreSharedKey>(&credential))
        return {AuthMethod::SharedKey, shared_key_mac(*key, octets)};
    const auto& key = std::get<CertificateCredential>(credential).identity.key;
    const Bytes to_sign = octets_to_sign(octets);
    return peer_hashes.empty() ? sign_classically(key, to_sign) : sign_digitally(key, to_sign, peer_hashes);
}

Result<void> check_claim(const Claim& claim, const PeerAuthentication& accepted, const SignedOctets& octets,
                         crypto::Purpose purpose, Instant now) {
    const auto& wanted = accepted.identifications;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), claim.identification) == wanted.end())
        return fail(Fault::Unauthentic, "the identity " + to_string(claim.identification) + " is not accepted here");
    if (static_cast<AuthMethod>(claim.authentication.method) != AuthMethod::SharedKey)
        return check_certificate_claim(claim, accepted, octets, purpose, now);
    if (!accepted.pre_shared_key)
        return fail(Fault::Unauthentic, "a pre-shared key came where only certificates are accepted");
    if (!equal_in_constant_time(shared_key_mac(*accepted.pre_shared_key, octets), claim.authentication.data))
        return fail(Fault::Unauthentic, "the pre-shared keys differ");
    return {};
}

bool bears(const crypto::Certificate& certificate, const Identification& identification) {
    const auto text = as_text(identification.data);
    switch (identification.type) {
        case Identification::Type::Fqdn: {
            const auto names = certificate.dns_names();
            return names.empty() ? same_text(certificate.subject(), "CN=" + text) : any_same(names, text);
        }
        case Identification::Type::Rfc822Address: return any_same(certificate.email_addresses(), text);
        case Identification::Type::Ipv4Address: {
            const auto addresses = certificate.ip_addresses();
            const Ipv4Address wanted{ByteReader{identification.data}.u32()};
            return std::find(addresses.begin(), addresses.end(), wanted) != addresses.end();
        }
        case Identification::Type::DerAsn1Dn: return certificate.subject_der() == identification.data;
        case Identification::Type::KeyId: break;
    }
    return false;
}

std::vector<Bytes> authority_hashes(const crypto::TrustStore& roots) {
    std::vector<Bytes> hashes;
    for (const auto& root : roots.roots()) hashes.push_back(crypto::digest(Hash::Sha1, root.public_key_info_der()));
    return hashes;
}

}  // namespace gatelab::ikev2
