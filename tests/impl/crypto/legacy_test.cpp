#include "impl/crypto/legacy.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/counted_heap.h"

namespace gatelab::crypto {
namespace {

TEST(Md4, AnswersTheTestSuiteOfItsRfc) {  // RFC 1320 appendix A.5
    EXPECT_EQ(to_hex(md4({})), "31d6cfe0d16ae931b73c59d7e0c089c0");
    EXPECT_EQ(to_hex(md4(as_bytes("a"))), "bde52cb31de33e46245e05fbdbd6fb24");
    EXPECT_EQ(to_hex(md4(as_bytes("abc"))), "a448017aaf21d8525fc10ae87aa6729d");
    EXPECT_EQ(to_hex(md4(as_bytes("message digest"))), "d9130a8164549fe818874806e1c7014b");
    EXPECT_EQ(to_hex(md4(as_bytes("abcdefghijklmnopqrstuvwxyz"))), "d79e1c308aa5bbcdeea8ed63df412da9");
    EXPECT_EQ(to_hex(md4(as_bytes("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"))),
              "043f8582f241db351ce627e153e7f0e4");
    EXPECT_EQ(to_hex(md4(as_bytes("1234567890123456789012345678901234567890"
                                  "1234567890123456789012345678901234567890"))),
              "e33b4ddc9c38f2199c3e7b164fcc0536");
}

TEST(DesKey, SpreadsSevenOctetsOverEightWithOddParity) {  // RFC 2759 section 9.3
    const auto spread = [](std::string_view hex) {
        std::array<std::uint8_t, 7> bits;
        std::ranges::copy(*from_hex(hex), bits.begin());
        return to_hex(des_key(bits));
    };
    EXPECT_EQ(spread("fc156af7edcd6c"), "fd0b5b5e7f6e34d9");
    EXPECT_EQ(spread("00000000000000"), "0101010101010101");
    EXPECT_EQ(spread("ffffffffffffff"), "fefefefefefefefe");
}

TEST(Des, EncryptsAsPublished) {
    // NIST SP 500-20: the key of parity bits alone and a plaintext of one bit; and the example of FIPS 46's tutorials.
    EXPECT_EQ(to_hex(des_encrypt({1, 1, 1, 1, 1, 1, 1, 1}, {0x80})), "95f8a5e5dd31d900");
    EXPECT_EQ(to_hex(des_encrypt({0x13, 0x34, 0x57, 0x79, 0x9b, 0xbc, 0xdf, 0xf1},
                                 {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef})),
              "85e813540f0ab405");
}

TEST(Des, DoesNotLookAtParity) {
    EXPECT_EQ(des_encrypt({0, 0, 0, 0, 0, 0, 0, 0}, {0x80}), des_encrypt({1, 1, 1, 1, 1, 1, 1, 1}, {0x80}));
}

TEST(LegacyAlgorithms, TakeNothingFromTheHeap) {
    const Bytes message(100);
    static_cast<void>(md4(message));
    const HeapCount heap;
    static_cast<void>(md4(message));
    static_cast<void>(des_encrypt({1, 2, 3}, {4, 5, 6}));
    EXPECT_EQ(heap.allocations(), 0u);
}

}  // namespace
}  // namespace gatelab::crypto
