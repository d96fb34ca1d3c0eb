#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <optional>

#include "impl/crypto/key_state.h"
#include "impl/crypto/unobserved_draws.h"

namespace gatelab::crypto {
namespace {

KeyType type_of(const EVP_PKEY* key) { return EVP_PKEY_is_a(key, "RSA") ? KeyType::Rsa : KeyType::Ecdsa; }

bool fits(Signature signature, const EVP_PKEY* key) {
    return (type_of(key) == KeyType::Rsa) == (signature != Signature::Ecdsa);
}

// PSS as RFC 4055 and RFC 7427 section 3 have it by default: MGF1 with the same hash, salt as long as the digest.
bool set_padding(Signature signature, EVP_PKEY_CTX* context) {
    if (signature != Signature::RsaPss) return true;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

Owned<EVP_MD_CTX> digest_context() { return Owned<EVP_MD_CTX>{must(EVP_MD_CTX_new(), "a digest context")}; }

// Refuses to ask a terminal for a passphrase.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

Result<Owned<EVP_PKEY>> supported(Owned<EVP_PKEY> key) {
    const bool is_rsa = EVP_PKEY_is_a(key.get(), "RSA") == 1;
    if (!is_rsa && EVP_PKEY_is_a(key.get(), "EC") != 1)
        return fail(Fault::Unsupported, "key is neither RSA nor of an elliptic curve");
    const int bits = EVP_PKEY_get_bits(key.get());
    if (is_rsa && (bits < 1024 || bits > 16384))
        return fail(Fault::Unsupported, "RSA key of " + std::to_string(bits) + " bits, expected 1024 to 16384");
    if (!is_rsa && bits < 256)
        return fail(Fault::Unsupported, "elliptic curve of " + std::to_string(bits) + " bits, expected 256 or more");
    return key;
}

EVP_PKEY* raw(const PublicKey& key) { return key.state().key.get(); }
EVP_PKEY* raw(const PrivateKey& key) { return key.state().key.get(); }

PublicKey::PublicKey(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Result<PublicKey> PublicKey::from_der(ByteView der) {
    const auto* at = der.data();
    Owned<EVP_PKEY> key{d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size()))};
    if (!key) return fail(Fault::Malformed, "SubjectPublicKeyInfo: " + take_openssl_error());
    if (at != der.data() + der.size()) return fail(Fault::Malformed, "SubjectPublicKeyInfo: bytes after its end");
    auto usable = supported(std::move(key));
    if (!usable) return pass(usable);
    return PublicKey{std::make_shared<const State>(State{std::move(*usable)})};
}

KeyType PublicKey::type() const { return type_of(state_->key.get()); }
int PublicKey::bits() const { return EVP_PKEY_get_bits(state_->key.get()); }

Bytes PublicKey::to_der() const {
    Bytes result(static_cast<std::size_t>(i2d_PUBKEY(state_->key.get(), nullptr)));
    auto* at = result.data();
    must(i2d_PUBKEY(state_->key.get(), &at) > 0, "to write a public key");
    return result;
}

bool PublicKey::verify(Signature scheme, Hash hash, ByteView message, ByteView signature) const {
    auto* key = state_->key.get();
    if (!fits(scheme, key)) return false;
    const auto context = digest_context();
    EVP_PKEY_CTX* details = nullptr;
    const bool holds =
        EVP_DigestVerifyInit(context.get(), &details, md_of(hash), nullptr, key) == 1 && set_padding(scheme, details) &&
        EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
    if (!holds) take_openssl_error();
    return holds;
}

PrivateKey::PrivateKey(std::shared_ptr<const State> state) : state_(std::move(state)) {}

PrivateKey PrivateKey::generate_rsa(int bits) {
    auto* made = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits));
    return PrivateKey{std::make_shared<const State>(State{Owned<EVP_PKEY>{must(made, "an RSA key")}})};
}

PrivateKey PrivateKey::generate_ecdsa(int bits) {
    must(bits == 256 || bits == 384, "a curve other than P-256 and P-384");
    auto* made = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", bits == 256 ? "P-256" : "P-384");
    return PrivateKey{std::make_shared<const State>(State{Owned<EVP_PKEY>{must(made, "an ECDSA key")}})};
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
    const Owned<BIO> bio{must(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), "a buffer")};
    Owned<EVP_PKEY> key{PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr)};
    if (!key)
        return fail(Fault::Malformed, "private key: " + take_openssl_error() + "; expected an unencrypted PEM key");
    auto usable = supported(std::move(key));
    if (!usable) return pass(usable);
    return PrivateKey{std::make_shared<const State>(State{std::move(*usable)})};
}

KeyType PrivateKey::type() const { return type_of(state_->key.get()); }
int PrivateKey::bits() const { return EVP_PKEY_get_bits(state_->key.get()); }

PublicKey PrivateKey::public_key() const {
    // By its encoding, so that the result holds no secret.
    auto* key = state_->key.get();
    Bytes der(static_cast<std::size_t>(i2d_PUBKEY(key, nullptr)));
    auto* at = der.data();
    must(i2d_PUBKEY(key, &at) > 0, "to write a public key");
    auto result = PublicKey::from_der(der);
    must(result.has_value(), "to read a public key back");
    return std::move(*result);
}

std::string PrivateKey::to_pem() const {
    const Owned<BIO> bio{must(BIO_new(BIO_s_mem()), "a buffer")};
    must(PEM_write_bio_PKCS8PrivateKey(bio.get(), state_->key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
         "to write a private key");
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

Bytes PrivateKey::sign(Signature scheme, Hash hash, ByteView message) const {
    auto* key = state_->key.get();
    must(fits(scheme, key), "a signature that the key cannot make");
    std::optional<UnobservedDraws> blinding;
    if (type() == KeyType::Rsa) blinding.emplace();
    const auto context = digest_context();
    EVP_PKEY_CTX* details = nullptr;
    must(EVP_DigestSignInit(context.get(), &details, md_of(hash), nullptr, key) == 1 && set_padding(scheme, details),
         "to prepare a signature");
    std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key));
    Bytes signature(size);
    must(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1, "to sign");
    signature.resize(size);
    return signature;
}

}  // namespace gatelab::crypto
