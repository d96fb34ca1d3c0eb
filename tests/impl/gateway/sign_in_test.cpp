#include "impl/gateway/sign_in.h"

#include <gtest/gtest.h>

namespace gatelab::gateway {
namespace {

using openvpn::ClientId;

TEST(SignIn, WantsNameAndPasswordOfOneUser) {
    SeededRandom random{1};
    const SignIn sign_in{{{"alice", "right"}, {"bob", ""}}, random};
    EXPECT_TRUE(sign_in.accepts({"alice", "right"}));
    EXPECT_FALSE(sign_in.accepts({"alice", "wrong"}));
    EXPECT_FALSE(sign_in.accepts({"alice", "right "}));
    EXPECT_FALSE(sign_in.accepts({"bob", "right"}));
    EXPECT_FALSE(sign_in.accepts({"", ""}));
    EXPECT_TRUE(sign_in.accepts({"bob", ""}));
}

TEST(SignIn, TakesPasswordsOfTheSizeOfAnEntraToken) {  // P2S-AAD-20
    SeededRandom random{1};
    const std::string token(2300, 'x');
    const SignIn sign_in{{{"AzureAD", token}}, random};
    EXPECT_TRUE(sign_in.accepts({"AzureAD", token}));
    EXPECT_FALSE(sign_in.accepts({"AzureAD", token + "x"}));
}

TEST(SignIn, KeepsTokensToTheirClients) {
    SeededRandom random{1};
    SignIn sign_in{{}, random};
    const auto one = sign_in.issue_token(ClientId{1}), two = sign_in.issue_token(ClientId{2});
    EXPECT_NE(one, two);
    EXPECT_TRUE(sign_in.accepts_token(ClientId{1}, one));
    EXPECT_FALSE(sign_in.accepts_token(ClientId{1}, two));
    EXPECT_FALSE(sign_in.accepts_token(ClientId{3}, ""));
    sign_in.forget(ClientId{1});
    EXPECT_FALSE(sign_in.accepts_token(ClientId{1}, one));
}

}  // namespace
}  // namespace gatelab::gateway
