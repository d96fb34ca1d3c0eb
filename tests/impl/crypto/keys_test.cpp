#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "impl/crypto/certificates.h"

namespace gatelab::crypto {
namespace {

const Bytes kMessage = copy_of(as_bytes("<InitiatorSignedOctets>"));

struct Scheme {
    PrivateKey key;
    Signature signature;
    Hash hash;
};

std::vector<Scheme> schemes() {
    const auto rsa = PrivateKey::generate_rsa(2048);
    const auto p256 = PrivateKey::generate_ecdsa(256), p384 = PrivateKey::generate_ecdsa(384);
    return {{rsa, Signature::RsaPkcs1, Hash::Sha1},   {rsa, Signature::RsaPkcs1, Hash::Sha256},
            {rsa, Signature::RsaPkcs1, Hash::Sha512}, {rsa, Signature::RsaPss, Hash::Sha256},
            {p256, Signature::Ecdsa, Hash::Sha256},   {p384, Signature::Ecdsa, Hash::Sha384}};
}

TEST(Keys, VerifyWhatTheySigned) {
    for (const auto& one : schemes()) {
        const auto signature = one.key.sign(one.signature, one.hash, kMessage);
        const auto key = one.key.public_key();
        EXPECT_TRUE(key.verify(one.signature, one.hash, kMessage, signature));
        const auto another = one.hash == Hash::Sha384 ? Hash::Sha256 : Hash::Sha384;
        EXPECT_FALSE(key.verify(one.signature, another, kMessage, signature));
        EXPECT_FALSE(key.verify(one.signature, one.hash, {}, signature));
    }
}

TEST(Keys, RefuseEveryFlippedOctetAndEveryTruncationOfASignature) {
    for (const auto& one : schemes()) {
        const auto signature = one.key.sign(one.signature, one.hash, kMessage);
        const auto key = one.key.public_key();
        for (std::size_t at = 0; at < signature.size(); ++at) {
            auto forged = signature;
            forged[at] ^= 0x10;
            EXPECT_FALSE(key.verify(one.signature, one.hash, kMessage, forged)) << at;
            forged.resize(at);
            EXPECT_FALSE(key.verify(one.signature, one.hash, kMessage, forged)) << at;
        }
    }
}

TEST(Keys, RefuseSignaturesOfAnotherKind) {
    const auto rsa = PrivateKey::generate_rsa(2048), ecdsa = PrivateKey::generate_ecdsa(256);
    const auto pkcs1 = rsa.sign(Signature::RsaPkcs1, Hash::Sha256, kMessage);
    EXPECT_FALSE(rsa.public_key().verify(Signature::RsaPss, Hash::Sha256, kMessage, pkcs1));
    EXPECT_FALSE(rsa.public_key().verify(Signature::Ecdsa, Hash::Sha256, kMessage, pkcs1));
    EXPECT_FALSE(ecdsa.public_key().verify(Signature::RsaPkcs1, Hash::Sha256, kMessage, pkcs1));
}

TEST(Keys, SurvivePemAndDer) {
    for (const auto& one : schemes()) {
        const auto key = PrivateKey::from_pem(one.key.to_pem());
        ASSERT_TRUE(key);
        EXPECT_EQ(key->type(), one.key.type());
        EXPECT_EQ(key->bits(), one.key.bits());
        const auto signature = key->sign(one.signature, one.hash, kMessage);
        const auto shared = PublicKey::from_der(one.key.public_key().to_der());
        ASSERT_TRUE(shared);
        EXPECT_EQ(shared->bits(), one.key.bits());
        EXPECT_TRUE(shared->verify(one.signature, one.hash, kMessage, signature));
    }
}

TEST(Keys, RefuseEveryTruncationOfAPublicKey) {
    const auto der = PrivateKey::generate_ecdsa(256).public_key().to_der();
    for (std::size_t size = 0; size < der.size(); ++size)
        EXPECT_FALSE(PublicKey::from_der(ByteView{der}.first(size))) << size;
    auto longer = der;
    longer.push_back(0);
    EXPECT_FALSE(PublicKey::from_der(longer));
}

TEST(Keys, SayWhatIsWrongWithAPemFile) {
    const auto key = PrivateKey::from_pem("-----BEGIN NOTHING-----");
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().fault, Fault::Malformed);
    EXPECT_THAT(key.error().detail, testing::HasSubstr("expected an unencrypted PEM key"));
}

// The Ed25519 key of RFC 8410 section 10.1.
TEST(Keys, RefuseKindsThatWeDoNotUse) {
    const auto ed25519 = PublicKey::from_der(
        from_hex("302a300506032b657003210019bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1").value());
    ASSERT_FALSE(ed25519);
    EXPECT_EQ(ed25519.error().fault, Fault::Unsupported);
    EXPECT_EQ(ed25519.error().detail, "key is neither RSA nor of an elliptic curve");
}

}  // namespace
}  // namespace gatelab::crypto
