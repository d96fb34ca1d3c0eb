#include "impl/sstp/crypto_binding.h"

#include <gtest/gtest.h>

#include "impl/crypto/algorithms.h"

namespace gatelab::sstp {
namespace {

template <class Array>
Array array_of(std::string_view hex) {
    Array array{};
    const auto bytes = from_hex(hex).value();
    std::copy(bytes.begin(), bytes.end(), array.begin());
    return array;
}

// A published Call Connected and what it was made of.
struct Vector {
    std::uint8_t hash;
    const char *nonce, *certificate_hash, *send, *receive, *cmk, *mac, *head;
};

// [MS-SSTP] section 4.7; the inner keys are those of sstp-client's unit test.
constexpr Vector kSha256Vector{kSha256,
                               "412b489aebd7ecc7d08966f26be7cd72b231a0e9210d7c91b308862b0344c435",
                               "7993ef314c493dace9f02d60e7e61c84b6690aafe9d7aeea92cbbe8ad599422d",
                               "2a1bb40d55ab0f5ef32f06f2b3cc73c4",
                               "8fd3fac41d7a1315a19228d9024ca164",
                               "ecf59ac9fe155cf0a9e7d66adc1b363c1ad7ba91a9217f0cec2a534298828df6",
                               "52a68efd8cffbf52770b8f0fe8ec73716583af6d611eb6d179b3b20840985449",
                               "10010070000400010003006800000002"};
// sstp-client's unit test.
constexpr Vector kSha1Vector{kSha1,
                             "0f1a2d58d4a3e3000fad3ce4906e07b707aa9e441cceac5cbd7b2cc1c9d86cdf",
                             "5826b629bda59b8e6fd8dcd2622fd34c534805a5000000000000000000000000",
                             "4b3128f43925d9006eefb1c4e86515a1",
                             "d88e56bab3ca2bdf0373b7f5a8a13b19",
                             "a98b862a38cc7e224b42cd128586acb22f0bd1e9",
                             "69915dd583d8062fef16f61db2f03290ec27cb6c000000000000000000000000",
                             "10010070000400010003006800000001"};

class PublishedBinding : public testing::TestWithParam<Vector> {};

TEST_P(PublishedBinding, HasTheKeyAndTheMacThatWeCompute) {
    const auto& vector = GetParam();
    const mschap::MasterKeys keys{array_of<mschap::MasterKey>(vector.send),
                                  array_of<mschap::MasterKey>(vector.receive)};
    const auto hlak = higher_layer_key(keys);
    EXPECT_EQ(to_hex(hlak), std::string{vector.send} + vector.receive);
    EXPECT_EQ(compound_mac_key(vector.hash, hlak), array_of<Digest>(vector.cmk));

    const CryptoBinding binding{
        vector.hash, array_of<Nonce>(vector.nonce), array_of<Digest>(vector.certificate_hash), {}};
    const auto unsigned_packet = encode({MessageType::CallConnected, {binding}});
    EXPECT_EQ(to_hex(unsigned_packet),
              std::string{vector.head} + vector.nonce + vector.certificate_hash + std::string(64, '0'));
    EXPECT_EQ(to_hex(compound_mac(vector.hash, hlak, unsigned_packet)), vector.mac);
}

INSTANTIATE_TEST_SUITE_P(CryptoBinding, PublishedBinding, testing::Values(kSha256Vector, kSha1Vector));

struct Binding : testing::TestWithParam<std::uint8_t> {
    const Bytes certificate = from_hex("30820101020304").value();
    const Nonce nonce = array_of<Nonce>(kSha256Vector.nonce);
    const HigherLayerKey key = array_of<HigherLayerKey>(kSha1Vector.nonce);
    const Bytes packet = call_connected(GetParam(), nonce, key, certificate);

    std::string_view broken(const Bytes& bytes, std::uint8_t offered = kSha1 | kSha256) const {
        const auto message = std::get<Message>(parse_message(bytes));
        return broken_part(bytes, *find<CryptoBinding>(message), offered, nonce, key, certificate);
    }
};
INSTANTIATE_TEST_SUITE_P(CryptoBinding, Binding, testing::Values(kSha1, kSha256));

TEST_P(Binding, HoldsAsItWasMade) {
    ASSERT_EQ(packet.size(), 112u);
    EXPECT_EQ(broken(packet), "");
    EXPECT_EQ(broken(packet, GetParam()), "");
}

TEST_P(Binding, NamesThePartThatDoesNotHold) {
    for (std::size_t at = 16; at < packet.size(); ++at) {
        auto changed = packet;
        changed[at] ^= 0x80;
        EXPECT_EQ(broken(changed), at < 48 ? "nonce" : at < 80 ? "certificate-hash" : "compound-mac") << at;
    }
}

TEST_P(Binding, MustUseOneHashThatWasOffered) {
    EXPECT_EQ(broken(packet, GetParam() == kSha1 ? kSha256 : kSha1), "hash-protocol");
    for (const std::uint8_t hash : {0x00, 0x03, 0x04, 0x82}) {
        auto changed = packet;
        changed[15] = hash;
        EXPECT_EQ(broken(changed), "hash-protocol");
    }
}

// Reserved fields are ignored, and yet the MAC is over them as they came.
TEST_P(Binding, CoversReservedFields) {
    auto changed = packet;
    changed[13] = 1;
    EXPECT_EQ(broken(changed), "compound-mac");
}

TEST_P(Binding, IsOfOneInnerKey) {
    const auto message = std::get<Message>(parse_message(packet));
    EXPECT_EQ(broken_part(packet, *find<CryptoBinding>(message), 3, nonce, HigherLayerKey{}, certificate),
              "compound-mac");
}

TEST(CryptoBindingHash, OfTheCertificateIsItsThumbprint) {
    const auto der = from_hex("3003020101").value();
    EXPECT_EQ(to_hex(certificate_hash(kSha256, der)), to_hex(crypto::digest(crypto::Hash::Sha256, der)));
    EXPECT_EQ(to_hex(certificate_hash(kSha1, der)),
              to_hex(crypto::digest(crypto::Hash::Sha1, der)) + std::string(24, '0'));
}

TEST(CryptoBindingHash, IsTheStrongerOfWhatBothKnow) {
    EXPECT_EQ(best_hash(kSha1 | kSha256, kSha1 | kSha256), kSha256);
    EXPECT_EQ(best_hash(kSha1, kSha1 | kSha256), kSha1);
    EXPECT_EQ(best_hash(kSha1 | kSha256, kSha1), kSha1);
    EXPECT_EQ(best_hash(kSha256, kSha1), 0);
    EXPECT_EQ(best_hash(0xfc, kSha1 | kSha256), 0);
}

TEST(HigherLayerKey, IsZerosWithoutKeys) { EXPECT_EQ(higher_layer_key({}), HigherLayerKey{}); }

}  // namespace
}  // namespace gatelab::sstp
