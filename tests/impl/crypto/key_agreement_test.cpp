#include "impl/crypto/key_agreement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "impl/crypto/algorithms.h"

namespace gatelab::crypto {
namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

KeyAgreement with(Group group, ByteView private_value) {
    auto agreement = KeyAgreement::from_private_value(group, private_value);
    EXPECT_TRUE(agreement);
    return std::move(*agreement);
}

std::string hash_of(ByteView value) { return to_hex(digest(Hash::Sha256, value)); }

class EveryGroup : public testing::TestWithParam<Group> {};

TEST_P(EveryGroup, LeadsBothSidesToOneSecret) {
    for (int round = 0; round < 5; ++round) {
        const auto alice = KeyAgreement::generate(GetParam()), bob = KeyAgreement::generate(GetParam());
        const auto secret = alice.derive(bob.public_value());
        ASSERT_TRUE(secret);
        EXPECT_EQ(*secret, bob.derive(alice.public_value()).value());
        EXPECT_NE(alice.public_value(), bob.public_value());
    }
}

TEST_P(EveryGroup, RefusesValuesOfTheWrongLength) {
    const auto mine = KeyAgreement::generate(GetParam());
    auto value = KeyAgreement::generate(GetParam()).public_value();
    value.push_back(0);
    EXPECT_FALSE(mine.derive(value));
    value.pop_back();
    value.pop_back();
    EXPECT_FALSE(mine.derive(value));
    const auto empty = mine.derive({});
    ASSERT_FALSE(empty);
    EXPECT_EQ(empty.error().fault, Fault::Malformed);
    EXPECT_THAT(empty.error().detail, testing::HasSubstr(std::string{name_of(GetParam())} + ": 0 octets instead of"));
}

TEST_P(EveryGroup, RefusesValuesOfZerosAndOfOnes) {
    const auto mine = KeyAgreement::generate(GetParam());
    EXPECT_FALSE(mine.derive(Bytes(mine.public_value().size(), 0)));
    EXPECT_FALSE(mine.derive(Bytes(mine.public_value().size(), 0xff)));
}

TEST_P(EveryGroup, RefusesPrivateValuesOutOfRange) {
    EXPECT_FALSE(KeyAgreement::from_private_value(GetParam(), {}));
    EXPECT_FALSE(KeyAgreement::from_private_value(GetParam(), Bytes(32, 0)));
    EXPECT_FALSE(KeyAgreement::from_private_value(GetParam(), Bytes(256, 0xff)));
}

INSTANTIATE_TEST_SUITE_P(KeyAgreement, EveryGroup,
                         testing::Values(Group::Modp1024, Group::Modp2048, Group::Ecp256, Group::Ecp384,
                                         Group::Modp2048Sub256),
                         [](const auto& test) { return std::string{name_of(test.param)}; });

// Multiplicative groups.

struct ModpCase {
    Group group;
    std::string alice, bob, secret;  // SHA-256 of each value
    std::uint16_t short_exponent;    // one that leads to a secret with a leading zero octet
    std::string short_secret;
};

// Reckoned by another program from the formulas of RFC 2409 section 6.2 and RFC 3526 section 3, pi included.
const ModpCase kModpCases[] = {
    {Group::Modp1024, "2eeafdd38a649d80c55d90577473b57e3a70280d78a4a3ab316b5abbd90c7e77",
     "b68368feeb64e45d557c561b1bee015be7fd46b02bae7e15a01c95732e56fe3c",
     "7ab484d971f535e95dd7858ade95085fe1390de4d509a166e5aa19fcf5b6c747", 227,
     "9a86817b230a89dda7a11cac7cc6775f4093c592205bb7f6792f016801ecb676"},
    {Group::Modp2048, "f282cf5ff7d90d4de10d3cf341d43b8508d67b81aec8730c81377dfdb2712ad2",
     "904f25471b69fd0bd8ff4ad8ba5c275baffd4820aeab47281ccd5ec5d6acf957",
     "1147de10b2359ec98876a6a6ecbf2b41cce805499b074095ddf703d9d41c4213", 252,
     "cc02146adf2347b3587220cd73657d71831b4d64d507a2ea3fdf44aa88538043"},
};

TEST(Modp, AgreesWithAnIndependentReckoning) {
    for (const auto& one : kModpCases) {
        const auto alice = with(one.group, digest(Hash::Sha256, as_bytes("alice")));
        const auto bob = with(one.group, digest(Hash::Sha256, as_bytes("bob")));
        EXPECT_EQ(hash_of(alice.public_value()), one.alice);
        EXPECT_EQ(hash_of(bob.public_value()), one.bob);
        EXPECT_EQ(hash_of(alice.derive(bob.public_value()).value()), one.secret);
    }
}

TEST(Modp, PadsASecretToTheLengthOfThePrime) {
    for (const auto& one : kModpCases) {
        const auto alice = with(one.group, digest(Hash::Sha256, as_bytes("alice")));
        const auto bob = with(one.group, ByteWriter{}.u16(one.short_exponent).view());
        const auto secret = bob.derive(alice.public_value()).value();
        EXPECT_EQ(secret.front(), 0);
        EXPECT_EQ(hash_of(secret), one.short_secret);
    }
}

// The last octets of both safe primes are ones, so p - 1 is p with the last bit cleared.
TEST(Modp, RefusesOneAndPrimeMinusOneAndThePrime) {
    const auto prime1024 =
        hex("ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd"
            "ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed"
            "ee386bfb5a899fa5ae9f24117c4b1fe649286651ece65381ffffffffffffffff");
    const auto mine = KeyAgreement::generate(Group::Modp1024);
    auto value = prime1024;
    EXPECT_FALSE(mine.derive(value));
    value.back() = 0xfe;
    EXPECT_FALSE(mine.derive(value)) << "p - 1";
    value.back() = 0xfd;
    EXPECT_TRUE(mine.derive(value)) << "p - 2";
    Bytes small(128);
    small.back() = 1;
    EXPECT_FALSE(mine.derive(small)) << "1";
    small.back() = 2;
    EXPECT_TRUE(mine.derive(small)) << "2";
}

// RFC 5114 appendix A.3.
const char* const kSub256Secret =
    "86c70bf8d0bb81bb01078a17219cb7d27203db2a19c877f1d1f19fd7d77ef22546a68f005ad52dc84553b78fc60330be"
    "51ea7c0672cac1515e4b35c047b9a551b88f39dc26da14a09ef74774d47c762dd177f9ed5bc2f11e52c879bd95098504"
    "cd9eecd8a8f9b3efbd1f008ac5853097d9d1837f2b18f77cd7be01af80a7c7b5ea3ca54cc02d0c116fee3f95bb873993"
    "85875d7e86747e676e728938acbff7098e05be4dcfb24052b83aeffb14783f029adbde7f53fae92084224090e007cee9"
    "4d4bf2bace9ffd4b57d2af7c724d0caa19bf0501f6f17b4aa10f425e3ea76080b4b9d6b3cefea115b2ceb8789bb8a3b0"
    "ea87febe63b6c8f846ec6db0c26c5d7c";

TEST(ModpWithSubgroup, AnswersTheVectorOfRfc5114) {
    const auto alice =
        with(Group::Modp2048Sub256, hex("0881382cdb87660c6dc13e614938d5b9c8b2f248581cc5e31b35454397fce50e"));
    const auto bob =
        with(Group::Modp2048Sub256, hex("7d62a7e3ef36de617b13d1afb82c780d83a23bd4ee6705645121f371f546a53d"));
    EXPECT_EQ(to_hex(ByteView{alice.public_value()}.first(16)), "2e9380c8323af97545bc4941deb0ec37");
    EXPECT_EQ(to_hex(ByteView{bob.public_value()}.first(16)), "575f0351bd2b1b817448bdf87a6c362c");
    EXPECT_EQ(to_hex(alice.derive(bob.public_value()).value()), kSub256Secret);
    EXPECT_EQ(to_hex(bob.derive(alice.public_value()).value()), kSub256Secret);
}

// RFC 6989 section 2.2. 2 has another order than q in that group.
TEST(ModpWithSubgroup, RefusesAValueOutsideTheSubgroup) {
    const auto mine = KeyAgreement::generate(Group::Modp2048Sub256);
    Bytes two(256);
    two.back() = 2;
    const auto secret = mine.derive(two);
    ASSERT_FALSE(secret);
    EXPECT_EQ(secret.error().fault, Fault::Malformed);
    EXPECT_EQ(secret.error().detail, "public value of modp2048s256: outside the subgroup of order q");
    EXPECT_TRUE(KeyAgreement::generate(Group::Modp2048).derive(two)) << "where RFC 6989 asks for no such check";
}

// Curves.

struct EcpCase {
    Group group;
    std::string i, gi, r, gr, girx;
};

// RFC 5903 sections 8.1 and 8.2.
const EcpCase kEcpCases[] = {
    {Group::Ecp256, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
     "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
     "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
     "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
     "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
     "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
     "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"},
    {Group::Ecp384, "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194",
     "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa"
     "9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",
     "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942e0308312916b8ed2960e4bd55a7448fc",
     "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571"
     "dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
     "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746"},
};

TEST(Ecp, AnswersTheVectorsOfRfc5903) {
    for (const auto& one : kEcpCases) {
        const auto initiator = with(one.group, hex(one.i)), responder = with(one.group, hex(one.r));
        EXPECT_EQ(to_hex(initiator.public_value()), one.gi);
        EXPECT_EQ(to_hex(responder.public_value()), one.gr);
        EXPECT_EQ(to_hex(initiator.derive(responder.public_value()).value()), one.girx);
        EXPECT_EQ(to_hex(responder.derive(initiator.public_value()).value()), one.girx);
    }
}

// RFC 6989 section 2.3.
TEST(Ecp, RefusesEveryPointThatIsOffTheCurve) {
    for (const auto& one : kEcpCases) {
        const auto mine = KeyAgreement::generate(one.group);
        for (std::size_t at = 0; at < hex(one.gr).size(); ++at) {
            auto value = hex(one.gr);
            value[at] ^= 1;
            const auto secret = mine.derive(value);
            ASSERT_FALSE(secret) << at;
            EXPECT_EQ(secret.error().fault, Fault::Malformed);
        }
    }
}

TEST(Ecp, RefusesACoordinateAboveThePrime) {
    // x + p is congruent to x, so only the range check catches it; x = 0 has such a twin of the same length.
    const auto mine = KeyAgreement::generate(Group::Ecp256);
    const std::string y_of_zero = "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4";
    EXPECT_TRUE(mine.derive(hex(std::string(64, '0') + y_of_zero)));
    EXPECT_FALSE(mine.derive(hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff" + y_of_zero)));
}

}  // namespace
}  // namespace gatelab::crypto
