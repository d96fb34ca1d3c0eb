#include "impl/gateway/sstp_sign_in.h"

#include <gtest/gtest.h>

namespace gatelab::gateway {
namespace {

// As a client proves it.
ppp::SignIn by_mschap(const std::string& name, const std::string& password) {
    ppp::MsChapV2Proof proof;
    proof.challenge.fill(1);
    proof.response.peer_challenge.fill(2);
    const auto at = name.find('\\');
    proof.response.nt_response = mschap::nt_response(proof.challenge, proof.response.peer_challenge,
                                                     at == std::string::npos ? name : name.substr(at + 1), password);
    return {name, proof};
}
ppp::SignIn by_pap(const std::string& name, const std::string& password) { return {name, ppp::PapProof{password}}; }

const SstpSignIn kSignIn{{{"alice", "right"}, {"bob", "better"}, {"CORP\\alice", "third"}}};

std::string user_of(const ppp::SignIn& shown) {
    const auto accepted = kSignIn.judge(shown);
    return accepted ? accepted->user : "";
}

TEST(SstpSignIn, AcceptsAUserWithItsOwnPasswordAlone) {
    for (const auto& prove : {by_mschap, by_pap}) {
        EXPECT_EQ(user_of(prove("alice", "right")), "alice");
        EXPECT_EQ(user_of(prove("bob", "better")), "bob");
        EXPECT_EQ(user_of(prove("alice", "better")), "");
        EXPECT_EQ(user_of(prove("bob", "")), "");
        EXPECT_EQ(user_of(prove("", "")), "");
    }
}

TEST(SstpSignIn, KnowsNobodyByTheDecoysPassword) {
    for (const auto& prove : {by_mschap, by_pap})
        EXPECT_EQ(user_of(prove("mallory", "a password that opens nothing")), "");
}

TEST(SstpSignIn, LeavesADomainAsideUnlessItsUserHasIt) {
    for (const auto& prove : {by_mschap, by_pap}) {
        EXPECT_EQ(user_of(prove("HOME\\bob", "better")), "bob");
        EXPECT_EQ(user_of(prove("HOME\\alice", "right")), "alice");
        EXPECT_EQ(user_of(prove("CORP\\alice", "third")), "CORP\\alice");
        EXPECT_EQ(user_of(prove("CORP\\alice", "right")), "");
    }
}

TEST(SstpSignIn, ProvesThatTheGatewayKnowsThePasswordToo) {  // RFC 2759 section 8.7
    const auto shown = by_mschap("alice", "right");
    const auto& proof = std::get<ppp::MsChapV2Proof>(shown.proof);
    const auto accepted = kSignIn.judge(shown);
    ASSERT_TRUE(accepted);
    EXPECT_EQ(accepted->success.authenticator_response,
              mschap::authenticator_response("right", proof.response.nt_response, proof.response.peer_challenge,
                                             proof.challenge, "alice"));
}

}  // namespace
}  // namespace gatelab::gateway
