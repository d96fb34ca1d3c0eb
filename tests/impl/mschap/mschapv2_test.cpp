#include "impl/mschap/mschapv2.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "impl/crypto/legacy.h"

namespace gatelab::mschap {
namespace {

template <class Array>
Array array_of(std::string_view hex) {
    const auto bytes = *from_hex(hex);
    Array array{};
    EXPECT_EQ(bytes.size(), array.size());
    std::ranges::copy(bytes, array.begin());
    return array;
}

// RFC 2759 section 9.2.
constexpr std::string_view kName = "User", kPassword = "clientPass";
const auto kAuthenticator = array_of<Challenge>("5B 5D 7C 7D 7B 3F 2F 3E 3C 2C 60 21 32 26 26 28");
const auto kPeer = array_of<Challenge>("21 40 23 24 25 5E 26 2A 28 29 5F 2B 3A 33 7C 7E");
const auto kResponse = array_of<NtResponse>("82 30 9E CD 8D 70 8B 5E A0 8F AA 39 81 CD 83 54 42 33 11 4A 3D 85 D6 DF");
constexpr std::string_view kAnswer = "S=407A5589115FD0D6209F510FE9C04566932CDA56";

TEST(MsChapV2, GivesEveryValueOfTheExampleInItsRfc) {
    EXPECT_EQ(to_hex(*utf16le(kPassword)), "63006c00690065006e0074005000610073007300");
    EXPECT_EQ(to_hex(challenge_hash(kPeer, kAuthenticator, kName)), "d02e4386bce91226");
    EXPECT_EQ(to_hex(nt_password_hash(kPassword)), "44ebba8d5312b8d611474411f56989ae");
    EXPECT_EQ(nt_response(kAuthenticator, kPeer, kName, kPassword), kResponse);
    EXPECT_EQ(to_hex(crypto::md4(nt_password_hash(kPassword))), "41c00c584bd2d91c4017a2a12fa59f3f");
    EXPECT_EQ(authenticator_response(kPassword, kResponse, kPeer, kAuthenticator, kName), kAnswer);
}

TEST(MsChapV2, DerivesTheKeysOfTheMppeExample) {
    // RFC 3079 section 3.5.3 takes the server's side: its send key is the client's receive key.
    EXPECT_EQ(to_hex(master_key(kPassword, kResponse)), "fdece3717a8c838cb388e527ae3cdd31");
    EXPECT_EQ(to_hex(master_keys(kPassword, kResponse).receive), "8b7cdc149b993a1ba118cb153f56dccb");
}

TEST(MsChapV2, DerivesAKeyForEitherDirection) {
    const auto keys = master_keys(kPassword, kResponse);
    EXPECT_NE(keys.send, keys.receive);
    EXPECT_EQ(keys, master_keys(kPassword, kResponse));
    auto other = kResponse;
    other[0] ^= 1;
    EXPECT_NE(keys.send, master_keys(kPassword, other).send);
}

TEST(MsChapV2, HashesTheNameWithoutItsDomain) {
    EXPECT_EQ(nt_response(kAuthenticator, kPeer, "CONTOSO\\User", kPassword), kResponse);
    EXPECT_NE(nt_response(kAuthenticator, kPeer, "user", kPassword), kResponse);
}

TEST(MsChapV2, JudgesAResponse) {
    const Response response{.peer_challenge = kPeer, .nt_response = kResponse};
    const auto success = verify(kName, kPassword, kAuthenticator, response);
    ASSERT_TRUE(success);
    EXPECT_EQ(success->authenticator_response, kAnswer);
    EXPECT_EQ(success->keys, master_keys(kPassword, kResponse));
    EXPECT_FALSE(verify(kName, "clientpass", kAuthenticator, response));
    EXPECT_FALSE(verify("Other", kPassword, kAuthenticator, response));
    EXPECT_FALSE(verify(kName, kPassword, kPeer, response));
    EXPECT_FALSE(verify(kName, "\xff", kAuthenticator, response));
}

TEST(MsChapV2, RefusesAResponseThatDiffersInAnyOctet) {
    for (std::size_t i = 0; i < kResponse.size(); ++i) {
        Response response{.peer_challenge = kPeer, .nt_response = kResponse};
        response.nt_response[i] ^= 0x40;
        EXPECT_FALSE(verify(kName, kPassword, kAuthenticator, response)) << i;
    }
    for (std::size_t i = 0; i < kPeer.size(); ++i) {
        Response response{.peer_challenge = kPeer, .nt_response = kResponse};
        response.peer_challenge[i] ^= 0x40;
        EXPECT_FALSE(verify(kName, kPassword, kAuthenticator, response)) << i;
    }
}

TEST(MsChapV2DeathTest, EndsOnAPasswordThatNobodyChecked) { EXPECT_DEATH(nt_password_hash("\xc3"), "no UTF-8"); }

}  // namespace
}  // namespace gatelab::mschap
