#include "impl/crypto/tls1_prf.h"

#include <gtest/gtest.h>

namespace gatelab::crypto {
namespace {

TEST(Tls1Prf, AnswersTheVectorOfTheTlsWorkingGroup) {
    const Bytes secret(48, 0xab);
    Bytes seed = copy_of(as_bytes("PRF Testvector"));
    append(seed, Bytes(64, 0xcd));
    EXPECT_EQ(to_hex(tls1_prf(secret, seed, 104)),
              "d3d4d1e349b5d515044666d51de32bab258cb521b6b053463e354832fd976754"
              "443bcf9a296519bc289abcbc1187e4ebd31e602353776c408aafb74cbc85eff6"
              "9255f9788faa184cbb957a9819d84a5d7eb006eb459d3ae8de9810454b8b2d8f"
              "1afbc655a8c9a013");
}

TEST(Tls1Prf, SharesTheMiddleOctetOfASecretOfOddLength) {
    // RFC 2246 section 5: both halves hold it, so a change there reaches both hashes; the first octet reaches MD5
    // alone.
    Bytes secret{1, 2, 3, 4, 5};
    const auto seed = as_bytes("label and seed");
    const auto before = tls1_prf(secret, seed, 16);
    secret[2] ^= 1;
    EXPECT_NE(tls1_prf(secret, seed, 16), before);
    EXPECT_EQ(tls1_prf(secret, seed, 100).size(), 100u);
}

}  // namespace
}  // namespace gatelab::crypto
