#include <gtest/gtest.h>

#include "impl/crypto/algorithms.h"

namespace gatelab::crypto {
namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

struct GcmCase {
    std::string key, nonce, associated, plaintext, ciphertext, tag;
};

// McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B.
const GcmCase kGcmCases[] = {
    {"00000000000000000000000000000000", "000000000000000000000000", "", "", "", "58e2fccefa7e3061367f1d57a4e7455a"},
    {"00000000000000000000000000000000", "000000000000000000000000", "", "00000000000000000000000000000000",
     "0388dace60b6a392f328c2b971b2fe78", "ab6e47d42cec13bdf53a67b21257bddf"},
    {"feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c"
     "7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda2710",
     "2519498e80f1478f37ba55bd6d27618c"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

TEST(AesGcm, AnswersTheCasesOfItsAuthors) {
    for (const auto& one : kGcmCases) {
        AesGcm seal{AesGcm::Direction::Seal, hex(one.key)}, open{AesGcm::Direction::Open, hex(one.key)};
        const auto plaintext = hex(one.plaintext);
        for (int round = 0; round < 2; ++round) {  // the second on a used context
            Bytes text = plaintext, tag(AesGcm::kTagSize);
            seal.seal(hex(one.nonce), hex(one.associated), text, text, tag);
            EXPECT_EQ(to_hex(text), one.ciphertext);
            EXPECT_EQ(to_hex(tag), one.tag);
            ASSERT_TRUE(open.open(hex(one.nonce), hex(one.associated), text, tag, text));
            EXPECT_EQ(text, plaintext);
        }
    }
}

TEST(AesGcm, ZeroesThePlaintextAndGoesOnWhenATagDoesNotHold) {
    const auto& one = kGcmCases[4];
    AesGcm open{AesGcm::Direction::Open, hex(one.key)};
    const auto nonce = hex(one.nonce), associated = hex(one.associated), ciphertext = hex(one.ciphertext);
    const auto tag = hex(one.tag);
    Bytes text(ciphertext.size());
    for (std::size_t bit = 0; bit < 128; ++bit) {
        auto forged = tag;
        forged[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
        ASSERT_FALSE(open.open(nonce, associated, ciphertext, forged, text));
        ASSERT_EQ(text, Bytes(ciphertext.size(), 0));
    }
    EXPECT_FALSE(open.open(nonce, {}, ciphertext, tag, text));
    EXPECT_FALSE(open.open(nonce, associated, ciphertext, ByteView{tag}.first(12), text)) << "a short tag";
    EXPECT_TRUE(open.open(nonce, associated, ciphertext, tag, text));
}

struct CbcCase {
    std::string key, iv, plaintext, ciphertext;
};

const std::string kBlocks =
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

const CbcCase kCbcCases[] = {
    // RFC 3602 section 4, case 1
    {"06a9214036b8a15b512e03d534120006", "3dafba429d9eb430b422da802c9fac41", "53696e676c6520626c6f636b206d7367",
     "e353779c1079aeb82708942dbe77181a"},
    // NIST SP 800-38A sections F.2.1, F.2.3 and F.2.5
    {"2b7e151628aed2a6abf7158809cf4f3c", "000102030405060708090a0b0c0d0e0f", kBlocks,
     "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
     "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"},
    {"8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "000102030405060708090a0b0c0d0e0f", kBlocks,
     "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
     "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd"},
    {"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "000102030405060708090a0b0c0d0e0f", kBlocks,
     "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
     "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"},
};

TEST(AesCbc, AnswersTheCasesOfRfc3602AndSp80038a) {
    for (const auto& one : kCbcCases) {
        AesCbc encrypt{AesCbc::Direction::Encrypt, hex(one.key)}, decrypt{AesCbc::Direction::Decrypt, hex(one.key)};
        for (int round = 0; round < 2; ++round) {
            Bytes text = hex(one.plaintext);
            encrypt.apply(hex(one.iv), text, text);
            EXPECT_EQ(to_hex(text), one.ciphertext);
            Bytes back(text.size());
            decrypt.apply(hex(one.iv), text, back);
            EXPECT_EQ(to_hex(back), one.plaintext);
        }
    }
}

}  // namespace
}  // namespace gatelab::crypto
