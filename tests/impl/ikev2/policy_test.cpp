#include "impl/ikev2/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "impl/ikev2/proposals.h"

namespace gatelab::ikev2 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::vector<std::string> texts(const auto& rows) {
    std::vector<std::string> all;
    for (const auto& row : rows) all.push_back(to_string(row));
    return all;
}

TEST(Policy, HasTheSeventeenDocumentedIkeRows) {
    const auto rows = texts(p2s_ike_policy());
    ASSERT_THAT(rows, SizeIs(17));
    EXPECT_EQ(rows[0], "AES_GCM_16-256/PRF_HMAC_SHA2_384/MODP_2048_256");
    EXPECT_EQ(rows[1], "AES_GCM_16-256/PRF_HMAC_SHA2_384/MODP_2048");
    EXPECT_EQ(rows[2], "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384");
    EXPECT_EQ(rows[3], "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_256");
    EXPECT_EQ(rows[4], "AES_GCM_16-256/PRF_HMAC_SHA2_256/MODP_2048_256");
    EXPECT_EQ(rows[8], "AES_CBC-256/HMAC_SHA2_384_192/PRF_HMAC_SHA2_384/MODP_2048_256");
    EXPECT_EQ(rows[12], "AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048_256");
    EXPECT_EQ(rows[16], "AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_1024");
}

TEST(Policy, HasTheElevenDocumentedIpsecRows) {
    EXPECT_THAT(texts(p2s_ipsec_policy()),
                ElementsAre("AES_GCM_16-256", "AES_GCM_16-256/MODP_2048_256", "AES_GCM_16-256/MODP_2048",
                            "AES_GCM_16-256/ECP_384", "AES_GCM_16-256/ECP_256", "AES_CBC-256/HMAC_SHA2_256_128",
                            "AES_CBC-256/HMAC_SHA2_256_128/MODP_2048_256", "AES_CBC-256/HMAC_SHA2_256_128/MODP_2048",
                            "AES_CBC-256/HMAC_SHA2_256_128/ECP_384", "AES_CBC-256/HMAC_SHA2_256_128/ECP_256",
                            "AES_CBC-256/HMAC_SHA1_96"));
}

TEST(Policy, ReadsBackEveryRowThatItWrites) {
    for (const auto& row : p2s_ike_policy()) EXPECT_EQ(parse_ike_suite(to_string(row)).value(), row);
    for (const auto& row : p2s_ipsec_policy()) {
        EXPECT_EQ(parse_child_suite(to_string(row)).value(), row);
        ChildSuite extended = row;
        extended.esp.extended_sequence_numbers = true;
        EXPECT_EQ(parse_child_suite(to_string(extended)).value(), extended);
    }
}

TEST(Policy, SaysWhichWordOfARowItDoesNotKnow) {
    for (const char* text : {"", "AES_GCM_16", "AES_GCM_16-255/PRF_HMAC_SHA2_384/ECP_384", "AES_CBC-256/ECP_384",
                             "AES_GCM_16-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_384",
                             "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_521", "AES_GCM_16-256x/PRF_HMAC_SHA2_384/ECP_384"})
        EXPECT_FALSE(parse_ike_suite(text)) << text;
    for (const char* text : {"", "AES_CBC-256", "AES_GCM_16-256/HMAC_SHA1_96", "AES_GCM_16-256/ESN/ECP_384",
                             "AES_GCM_16-256/", "3DES_CBC"})
        EXPECT_FALSE(parse_child_suite(text)) << text;
    EXPECT_THAT(parse_ike_suite("AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_521").error().detail, HasSubstr("\"ECP_521\""));
}

TEST(Proposals, PutRowsThatDifferInTheirGroupIntoOne) {
    const auto ike = propose_ike(p2s_ike_policy(), {});
    ASSERT_THAT(ike, SizeIs(4));
    EXPECT_THAT(ike[0].transforms, SizeIs(2 + 4));
    EXPECT_THAT(ike[3].transforms, SizeIs(3 + 5));
    EXPECT_EQ(ike[3].number, 4);
    const auto child = propose_child(p2s_ipsec_policy(), esp::Spi{0x1000}, true);
    ASSERT_THAT(child, SizeIs(3));
    EXPECT_THAT(child[0].transforms, SizeIs(2 + 5));  // NONE among the groups
    EXPECT_THAT(child[2].transforms, SizeIs(3));      // no group at all
    EXPECT_THAT(propose_child(p2s_ipsec_policy(), esp::Spi{0x1000}, false)[0].transforms, SizeIs(2));
}

TEST(Proposals, TakeGroup2OnlyWithItsOwnRow) {
    for (auto row : p2s_ike_policy()) {
        const bool its_own = row.encryption == Encryption::AesCbc && row.integrity == Integrity::HmacSha256_128 &&
                             row.prf == Prf::HmacSha256;
        row.group = crypto::Group::Modp1024;
        EXPECT_EQ(choose_ike(p2s_ike_policy(), propose_ike({row}, {})).has_value(), its_own) << to_string(row);
    }
}

TEST(Proposals, RefuseWhatThePolicyLeavesOut) {
    for (const char* text :
         {"AES_CBC-128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256", "AES_CBC-256/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_2048",
          "AES_GCM_16-128/PRF_HMAC_SHA2_256/ECP_256"})
        EXPECT_FALSE(choose_ike(p2s_ike_policy(), propose_ike({parse_ike_suite(text).value()}, {}))) << text;
    for (const char* text :
         {"AES_CBC-256/HMAC_SHA1_96/ECP_384", "AES_CBC-128/HMAC_SHA2_256_128", "AES_GCM_16-128", "AES_GCM_16-256/ESN"})
        EXPECT_FALSE(choose_child(p2s_ipsec_policy(),
                                  propose_child({parse_child_suite(text).value()}, esp::Spi{0x1000}, true), true))
            << text;
}

TEST(Proposals, FollowTheRespondersPreference) {
    auto reversed = p2s_ike_policy();
    std::reverse(reversed.begin(), reversed.end());
    const auto chosen = choose_ike(p2s_ike_policy(), propose_ike(reversed, {}));
    ASSERT_TRUE(chosen);
    EXPECT_EQ(chosen->suite, p2s_ike_policy().front());
    EXPECT_EQ(chosen->answer.number, 4);  // the number is the offer's
}

TEST(Proposals, NeedOneTransformOfEveryTypeOffered) {
    auto offered = propose_child({ChildSuite{}}, esp::Spi{0x1000}, true);
    offered[0].transforms.push_back({static_cast<TransformType>(9), 1, 0, true});
    EXPECT_FALSE(choose_child({ChildSuite{}}, offered, true));
    offered[0].transforms.back() = {TransformType::Integrity, 0, 0, true};  // NONE beside AES-GCM is no matter
    EXPECT_TRUE(choose_child({ChildSuite{}}, offered, true));
}

}  // namespace
}  // namespace gatelab::ikev2
