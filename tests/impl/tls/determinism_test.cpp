// The same run twice in one process gives the same bytes, whatever the keys did in between.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "impl/crypto/random_source.h"
#include "tests/impl/tls/pair.h"

namespace gatelab::tls {
namespace {

struct Case {
    const char* name;
    Key key;
    std::string suite;
};

struct TlsDeterminism : testing::TestWithParam<Case> {
    Bytes transcript(std::uint64_t seed) const {
        SeededRandom random{seed, "openssl"};
        const crypto::ScopedRandomSource source{random};
        auto client = client_options(GetParam().key);
        client.policy.cipher_suites = {GetParam().suite};
        auto server = server_options(GetParam().key);
        server.roots = pki().trust;
        Pair pair{client, server};
        pair.run();
        EXPECT_TRUE(pair.established());
        pair.client.engine.write(kNow, as_bytes("ping"));
        pair.run();
        Bytes all = pair.client.sent;
        append(all, pair.server.sent);
        append(all, random.bytes(8));  // nor did the two draw a different amount
        return all;
    }
};

INSTANTIATE_TEST_SUITE_P(Every, TlsDeterminism,
                         testing::Values(Case{"RsaTls13", Key::Rsa, "TLS_AES_256_GCM_SHA384"},
                                         Case{"EcdsaTls13", Key::Ecdsa, "TLS_AES_256_GCM_SHA384"},
                                         Case{"RsaSignatures", Key::Rsa, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
                                         Case{"EcdsaSignatures", Key::Ecdsa, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
                                         Case{"RsaKeyExchange", Key::Rsa, "TLS_RSA_WITH_AES_128_CBC_SHA256"}),
                         [](const auto& one) { return std::string{one.param.name}; });

TEST_P(TlsDeterminism, RepeatsByteForByteWhateverTheKeysDidBefore) {
    pki();  // issued outside the seeded source
    const auto first = transcript(1);
    EXPECT_EQ(transcript(1), first);
    // OpenSSL renews a key's blinding after 32 uses.
    for (int i = 0; i < 40; ++i) {
        pki().rsa_server.key.sign(pki().rsa_server.key.type() == crypto::KeyType::Rsa ? crypto::Signature::RsaPkcs1
                                                                                      : crypto::Signature::Ecdsa,
                                  crypto::Hash::Sha256, as_bytes("history"));
        if (i % 8 == 0) transcript(100 + static_cast<std::uint64_t>(i));
    }
    EXPECT_EQ(transcript(1), first);
    EXPECT_NE(transcript(2), first);
}

TEST(TlsHello, DependsOnNoClock) {
    pki();  // issued outside the seeded source
    const auto hello_at = [](Instant at) {
        SeededRandom random{7, "openssl"};
        const crypto::ScopedRandomSource source{random};
        End client{client_options()};
        client.engine.start(at);
        client.take();
        return client.sent;
    };
    const auto hello = hello_at(kNow);
    EXPECT_EQ(hello_at(kYearOn), hello);
    // The random number once opened with the time (RFC 5246 section 7.4.1.2).
    const auto opening = ByteReader{ByteView{hello}.subspan(11, 4)}.u32();
    EXPECT_NE(opening >> 16, static_cast<std::uint32_t>(std::time(nullptr)) >> 16);
}

}  // namespace
}  // namespace gatelab::tls
