#include "impl/crypto/aes_ctr.h"

#include <gtest/gtest.h>

namespace gatelab::crypto {
namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

const auto kPlaintext =
    hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");
const auto kCounter = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");

struct CtrCase {
    std::string key, ciphertext;
};
// NIST SP 800-38A, F.5.1 and F.5.5.
const CtrCase kCases[] = {
    {"2b7e151628aed2a6abf7158809cf4f3c",
     "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
     "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee"},
    {"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
     "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
     "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"},
};

TEST(AesCtr, AnswersTheCasesOfNist) {
    for (const auto& one : kCases) {
        AesCtr cipher{hex(one.key)};
        for (int round = 0; round < 2; ++round) {  // the second on a used context
            Bytes text = kPlaintext;
            cipher.apply(kCounter, text, text);
            EXPECT_EQ(to_hex(text), one.ciphertext);
            cipher.apply(kCounter, text, text);
            EXPECT_EQ(text, kPlaintext);
        }
    }
}

TEST(AesCtr, TakesAnySize) {
    AesCtr cipher{hex(kCases[1].key)};
    for (const std::size_t size : {0u, 1u, 15u, 17u}) {
        Bytes out(size);
        cipher.apply(kCounter, ByteView{kPlaintext}.first(size), out);
        EXPECT_EQ(to_hex(out), kCases[1].ciphertext.substr(0, 2 * size));
    }
}

}  // namespace
}  // namespace gatelab::crypto
