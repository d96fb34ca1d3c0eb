#include "impl/ikev2/keys.h"

#include <gtest/gtest.h>

#include "impl/ikev2/protection.h"

namespace gatelab::ikev2 {
namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const auto& part : parts) append(all, part);
    return all;
}

// NIST CAVP, "IKEv2 key derivation" component test, HMAC-SHA1, 132 octets of key material: what AES-CBC-128 with
// HMAC-SHA1-96 takes.
struct Vector {
    IkeSuite suite{Encryption::AesCbc, 128, Integrity::HmacSha1_96, Prf::HmacSha1, crypto::Group::Modp2048};
    Bytes nonce_i = hex("32b50d5f4a3763f3"), nonce_r = hex("9206a04b26564cb1");
    Bytes secret = hex("4b2c1f971981a8ad8d0abeafabf38cf75fc8349c148142465ed9c8b516b8be52");
    Bytes new_secret = hex("863f3c9d06efd39d2b907b97f8699e5dd5251ef64a2a176f36ee40c87d4f9330");
    std::uint64_t spi_i = 0x34c9e7c188868785, spi_r = 0x3ff77d760d2b2199;
    Bytes skeyseed = hex("a9a7b222b59f8f48645f28a1db5b5f5d7479cba7");
    Bytes rekeyed_skeyseed = hex("63e81194946ebd05df7df5ebf5d8750056bf1f1d");
    Bytes material =
        hex("a14293677cc80ff8f9cc0eee30d895da9d8f405666e30ef0dfcb63c634a46002a2a63080e514a062768b76606f9fa5e9"
            "92204fc5a670bde3f10d6b027113936a5c55b648a194ae587b0088d52204b702c979fa280870d2ed41efa9c549fd1119"
            "8af1670b143d384bd275c5f594cf266b05ebadca855e4249520a441a81157435a7a56cc4");
    KeySeed seed(const Bytes& shared) const { return {nonce_i, nonce_r, spi_i, spi_r, shared}; }
};

TEST(Keys, AgreeWithThePublishedVector) {
    const Vector vector;
    const auto keys = derive_ike_keys(vector.suite, vector.seed(vector.secret));
    EXPECT_EQ(to_hex(joined({keys.sk_d, keys.sk_ai, keys.sk_ar, keys.sk_ei, keys.sk_er, keys.sk_pi, keys.sk_pr})),
              to_hex(vector.material));
    EXPECT_EQ(prf(Prf::HmacSha1, joined({vector.nonce_i, vector.nonce_r}), vector.secret), vector.skeyseed);
}

TEST(Keys, OfARekeyedSaGrowFromTheOldOne) {
    const Vector vector;
    const auto old = derive_ike_keys(vector.suite, vector.seed(vector.secret));
    const auto keys = derive_rekeyed_ike_keys(vector.suite, vector.seed(vector.new_secret), Prf::HmacSha1, old.sk_d);
    const Bytes spread =
        ByteWriter{}.bytes(vector.nonce_i).bytes(vector.nonce_r).u64(vector.spi_i).u64(vector.spi_r).take();
    const Bytes expected = prf_plus(Prf::HmacSha1, vector.rekeyed_skeyseed, spread, 132);
    EXPECT_EQ(to_hex(keys.sk_d), to_hex(ByteView{expected}.first(20)));
    EXPECT_EQ(to_hex(keys.sk_pr), to_hex(ByteView{expected}.last(20)));
}

TEST(Keys, OfAChildGoToTheInitiatorsDirectionFirst) {
    const Vector vector;
    const esp::Suite suite{esp::Cipher::AesCbc, 256, esp::Integrity::HmacSha256_128, false};
    const Bytes sk_d(20, 3);
    const auto keys = derive_child_keys(suite, Prf::HmacSha1, sk_d, {vector.nonce_i, vector.nonce_r, 0, 0, {}});
    const auto material = prf_plus(Prf::HmacSha1, sk_d, joined({vector.nonce_i, vector.nonce_r}), 128);
    EXPECT_EQ(joined({keys.encryption_i, keys.integrity_i, keys.encryption_r, keys.integrity_r}), material);
    const auto with_secret =
        derive_child_keys(suite, Prf::HmacSha1, sk_d, {vector.nonce_i, vector.nonce_r, 0, 0, vector.new_secret});
    EXPECT_EQ(with_secret.encryption_i,
              prf_plus(Prf::HmacSha1, sk_d, joined({vector.new_secret, vector.nonce_i, vector.nonce_r}), 32));
}

class ProtectionOf : public testing::TestWithParam<const char*> {};

TEST_P(ProtectionOf, OpensWhatTheOtherEndSealedAndNothingElse) {
    const auto suite = parse_ike_suite(GetParam()).value();
    const Bytes nonce(32, 1), secret(32, 2);
    const auto keys = derive_ike_keys(suite, {nonce, nonce, 5, 6, secret});
    Protection initiator{suite, keys, true}, responder{suite, keys, false};
    SeededRandom random{1};
    for (std::size_t size = 0; size < 40; ++size) {
        Header header{5, 6, PayloadType::None, Header::kVersion, ExchangeType::Informational, true, false, 7, 0};
        const OutgoingPayloads payloads = {{PayloadType::Nonce, Bytes(size, 9)}};
        const Bytes sealed = initiator.seal(header, payloads, random);
        const auto parsed = parse_header(sealed);
        ASSERT_TRUE(parsed);
        const auto opened = responder.open(*parsed, sealed);
        ASSERT_TRUE(opened) << opened.error().detail;
        EXPECT_EQ(opened->first, PayloadType::Nonce);
        EXPECT_EQ(opened->payloads, encode_payloads(payloads));
        EXPECT_FALSE(initiator.open(*parsed, sealed)) << "keys of one direction fit the other";
        for (std::size_t at = 0; at < sealed.size(); ++at) {
            Bytes changed = sealed;
            changed[at] ^= 0x40;
            const auto changed_header = parse_header(changed);
            if (changed_header) {
                EXPECT_FALSE(responder.open(*changed_header, changed)) << at;
            }
        }
    }
}

TEST_P(ProtectionOf, NeverRepeatsAnIv) {
    const auto suite = parse_ike_suite(GetParam()).value();
    const Bytes nonce(32, 1), secret(32, 2);
    Protection protection{suite, derive_ike_keys(suite, {nonce, nonce, 5, 6, secret}), true};
    SeededRandom random{1};
    const Header header{5, 6, PayloadType::None, Header::kVersion, ExchangeType::Informational, true, false, 7, 0};
    EXPECT_NE(protection.seal(header, {}, random), protection.seal(header, {}, random));
}

INSTANTIATE_TEST_SUITE_P(Suites, ProtectionOf,
                         testing::Values("AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384",
                                         "AES_GCM_16-128/PRF_HMAC_SHA2_256/ECP_384",
                                         "AES_CBC-256/HMAC_SHA2_384_192/PRF_HMAC_SHA2_384/ECP_384",
                                         "AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_384",
                                         "AES_CBC-128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024",
                                         "AES_CBC-256/HMAC_SHA2_512_256/PRF_HMAC_SHA2_512/ECP_384"));

}  // namespace
}  // namespace gatelab::ikev2
