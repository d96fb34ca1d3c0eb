#include <gtest/gtest.h>

#include "impl/crypto/algorithms.h"

namespace gatelab::crypto {
namespace {

std::string hex_digest(Hash hash, std::string_view message) { return to_hex(digest(hash, as_bytes(message))); }

// The examples of FIPS 180-4's companion document.
TEST(Digest, AnswersTheExamplesOfFips180) {
    EXPECT_EQ(hex_digest(Hash::Sha1, "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(hex_digest(Hash::Sha1, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    EXPECT_EQ(hex_digest(Hash::Sha256, "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex_digest(Hash::Sha256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(hex_digest(Hash::Sha384, "abc"),
              "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
    EXPECT_EQ(hex_digest(Hash::Sha512, "abc"),
              "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
              "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(Digest, TakesAnEmptyMessage) {
    EXPECT_EQ(hex_digest(Hash::Sha256, ""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

struct HmacCase {
    Hash hash;
    Bytes key;
    Bytes message;
    std::string tag;
};

std::vector<HmacCase> published_cases() {
    const Bytes hi = copy_of(as_bytes("Hi There"));
    const Bytes jefe = copy_of(as_bytes("Jefe")), what = copy_of(as_bytes("what do ya want for nothing?"));
    const Bytes aa20(20, 0xaa), aa80(80, 0xaa), aa131(131, 0xaa), dd50(50, 0xdd);
    const Bytes larger = copy_of(as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"));
    const Bytes b20(20, 0x0b);
    return {
        // RFC 2202 section 3
        {Hash::Sha1, b20, hi, "b617318655057264e28bc0b6fb378c8ef146be00"},
        {Hash::Sha1, jefe, what, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
        {Hash::Sha1, aa20, dd50, "125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
        {Hash::Sha1, aa80, larger, "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
        // RFC 4231 sections 4.2, 4.3, 4.4 and 4.7
        {Hash::Sha256, b20, hi, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {Hash::Sha384, b20, hi,
         "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6"},
        {Hash::Sha512, b20, hi,
         "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
         "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
        {Hash::Sha256, jefe, what, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {Hash::Sha384, jefe, what,
         "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"},
        {Hash::Sha256, aa20, dd50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {Hash::Sha256, aa131, larger, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {Hash::Sha384, aa131, larger,
         "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952"},
        {Hash::Sha512, aa131, larger,
         "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
         "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"},
    };
}

TEST(Hmac, AnswersTheCasesOfRfc2202AndRfc4231) {
    for (const auto& one : published_cases()) EXPECT_EQ(to_hex(hmac(one.hash, one.key, one.message)), one.tag);
}

TEST(Hmac, StartsOverAfterEachTag) {
    for (const auto& one : published_cases()) {
        Hmac mac{one.hash, one.key};
        for (int round = 0; round < 3; ++round) {
            Bytes tag(mac.size());
            for (const auto octet : one.message) mac.update({&octet, 1});
            mac.finish(tag);
            EXPECT_EQ(to_hex(tag), one.tag);
        }
    }
}

TEST(Hmac, CutsATagToTheLengthAskedFor) {
    const auto one = published_cases()[4];
    Hmac mac{one.hash, one.key};
    Bytes tag(12);
    mac.update(one.message).finish(tag);
    EXPECT_EQ(to_hex(tag), one.tag.substr(0, 24));
}

}  // namespace
}  // namespace gatelab::crypto
