#include "impl/crypto/pem.h"

#include <gtest/gtest.h>

namespace gatelab::crypto {
namespace {

TEST(Pem, ComesBackAtEverySize) {
    for (std::size_t size = 1; size < 200; ++size) {
        const Bytes content(size, static_cast<std::uint8_t>(size));
        const auto text = "a comment\n" + encode_pem("TEST KEY", content) + "behind it";
        const auto back = decode_pem("TEST KEY", text);
        ASSERT_TRUE(back) << size << ": " << back.error().detail;
        ASSERT_EQ(*back, content);
    }
}

TEST(Pem, WritesLinesOfSixtyFourCharacters) {
    EXPECT_EQ(encode_pem("K", as_bytes("Hello")), "-----BEGIN K-----\nSGVsbG8=\n-----END K-----\n");
    const auto text = encode_pem("K", Bytes(49));
    EXPECT_EQ(text, "-----BEGIN K-----\n" + std::string(64, 'A') + "\nAA==\n-----END K-----\n");
}

TEST(Pem, RefusesWhatIsNotBase64) {
    for (const auto* body : {"", "SGVsbG8", "SGVsb*8=", "SGVs=bG8", "SG=sbG8=", "SGVsbG8===="})
        EXPECT_EQ(decode_pem("K", "-----BEGIN K-----\n" + std::string{body} + "\n-----END K-----\n").error().fault,
                  Fault::Malformed)
            << body;
}

TEST(Pem, NamesWhatItMisses) {
    EXPECT_EQ(decode_pem("K", "").error().detail, "no \"-----BEGIN K-----\" in it");
    EXPECT_EQ(decode_pem("K", "-----BEGIN K-----\nSGVsbG8=\n").error().detail, "K without its END line");
}

}  // namespace
}  // namespace gatelab::crypto
