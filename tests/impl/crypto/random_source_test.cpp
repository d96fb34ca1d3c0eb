#include "impl/crypto/random_source.h"

#include <gtest/gtest.h>

#include "impl/crypto/certificates.h"
#include "impl/crypto/key_agreement.h"

namespace gatelab::crypto {
namespace {

const Bytes kMessage{1, 2, 3};

CertificateRequest request() {
    return {.common_name = "alice",
            .dns_names = {"alice.example"},
            .email_addresses = {},
            .ip_addresses = {},
            .purposes = {Purpose::ClientAuth},
            .not_before = instant_from_unix(1'700'000'000),
            .not_after = instant_from_unix(1'800'000'000)};
}

// Everything that a simulation draws, one after the other.
std::vector<std::string> drawn_from(std::uint64_t seed) {
    SeededRandom random{seed};
    const ScopedRandomSource source{random};
    std::vector<std::string> results;
    const auto rsa = PrivateKey::generate_rsa(2048);
    const auto ecdsa = PrivateKey::generate_ecdsa(256), larger = PrivateKey::generate_ecdsa(384);
    for (const auto& key : {rsa, ecdsa, larger}) results.push_back(key.to_pem());
    results.push_back(to_hex(rsa.sign(Signature::RsaPkcs1, Hash::Sha256, kMessage)));
    results.push_back(to_hex(rsa.sign(Signature::RsaPss, Hash::Sha256, kMessage)));
    results.push_back(to_hex(ecdsa.sign(Signature::Ecdsa, Hash::Sha256, kMessage)));
    results.push_back(to_hex(larger.sign(Signature::Ecdsa, Hash::Sha384, kMessage)));
    for (const auto group : {Group::Modp1024, Group::Modp2048, Group::Ecp256, Group::Ecp384, Group::Modp2048Sub256})
        results.push_back(to_hex(KeyAgreement::generate(group).public_value()));
    const auto root = make_root(request(), ecdsa);
    results.push_back(root.certificate.to_pem());
    results.push_back(issue(root, request(), rsa).certificate.to_pem());
    results.push_back(std::to_string(random.u64()));
    return results;
}

TEST(ScopedRandomSource, MakesKeysSignaturesAndCertificatesRepeat) {
    const auto first = drawn_from(7);
    EXPECT_EQ(first, drawn_from(7));
    const auto other = drawn_from(8);
    for (std::size_t i = 0; i < first.size(); ++i) EXPECT_NE(first[i], other[i]) << i;
}

TEST(ScopedRandomSource, StaysTheSameInEveryBuild) {
    // From one build; equal in the others, or runs of debug and release builds differ.
    std::string all;
    for (const auto& one : drawn_from(7)) all += one;
    EXPECT_EQ(to_hex(digest(Hash::Sha256, as_bytes(all))),
              "f4d93071c36e48ebb1e6a6116b02550fda51befee283c9ae26717dbac3e80a78");
}

TEST(ScopedRandomSource, IsNotMovedByWhatAnRsaKeyDidBefore) {
    const auto key = PrivateKey::generate_rsa(2048);
    const auto run = [&key] {
        SeededRandom random{3};
        const ScopedRandomSource source{random};
        key.sign(Signature::RsaPkcs1, Hash::Sha256, kMessage);
        return to_hex(KeyAgreement::generate(Group::Ecp256).public_value());
    };
    const auto first = run();  // makes the key's blinding, which later runs find there
    EXPECT_EQ(run(), first);
}

TEST(ScopedRandomSource, GivesTheSystemsNumbersBackAtItsEnd) {
    { drawn_from(1); }
    const auto a = KeyAgreement::generate(Group::Ecp256), b = KeyAgreement::generate(Group::Ecp256);
    EXPECT_NE(a.public_value(), b.public_value());
    SeededRandom random{1};
    const ScopedRandomSource again{random};
}

TEST(SystemRandom, DiffersFromCallToCallAlsoUnderASeededSource) {
    SeededRandom seeded{1};
    const ScopedRandomSource source{seeded};
    SystemRandom random;
    EXPECT_NE(random.bytes(32), random.bytes(32));
    EXPECT_TRUE(random.bytes(0).empty());
}

}  // namespace
}  // namespace gatelab::crypto
