#include "impl/tls/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatelab::tls {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::UnorderedElementsAre;

// P2S-TLS-02
TEST(TlsPolicy, OlderListHasTwelveSuitesOfTls12) {
    for (const auto carrier : {Carrier::OpenVpn, Carrier::Sstp}) {
        const auto policy = p2s_policy(Profile::P2s2023, carrier);
        EXPECT_EQ(policy.minimum, Version::Tls12);
        EXPECT_EQ(policy.maximum, Version::Tls12);
        EXPECT_THAT(
            policy.cipher_suites,
            UnorderedElementsAre("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                                 "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
                                 "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
                                 "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
                                 "TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_GCM_SHA384",
                                 "TLS_RSA_WITH_AES_128_CBC_SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256"));
    }
}

// P2S-TLS-01
TEST(TlsPolicy, NewerListHasTls13ForOpenVpnAlone) {
    const auto openvpn = p2s_policy(Profile::P2s2026, Carrier::OpenVpn);
    EXPECT_EQ(openvpn.maximum, Version::Tls13);
    EXPECT_THAT(openvpn.cipher_suites,
                ElementsAre("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
                            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
                            "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"));
    const auto sstp = p2s_policy(Profile::P2s2026, Carrier::Sstp);
    EXPECT_EQ(sstp.maximum, Version::Tls12);
    EXPECT_THAT(sstp.cipher_suites, SizeIs(4));
}

TEST(TlsPolicy, ProfilesAreFoundByName) {
    EXPECT_EQ(profile_of("p2s-2023"), Profile::P2s2023);
    EXPECT_EQ(profile_of("p2s-2026"), Profile::P2s2026);
    EXPECT_EQ(profile_of("p2s-2020"), std::nullopt);
}

TEST(TlsPolicy, MapsIanaNamesToOpenSslNames) {
    EXPECT_EQ(openssl_name_of("TLS_RSA_WITH_AES_128_GCM_SHA256"), "AES128-GCM-SHA256");
    EXPECT_EQ(openssl_name_of("TLS_AES_256_GCM_SHA384"), "TLS_AES_256_GCM_SHA384");
    const auto unknown = openssl_name_of("AES128-GCM-SHA256");
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().fault, Fault::NotFound);
    EXPECT_THAT(unknown.error().detail, HasSubstr("\"AES128-GCM-SHA256\" is unknown"));
}

TEST(TlsPolicy, MapsOpenSslNamesBack) {
    for (const auto& suite : any_policy().cipher_suites) EXPECT_EQ(iana_name_of(*openssl_name_of(suite)), suite);
    EXPECT_EQ(iana_name_of("DEFAULT").error().fault, Fault::NotFound);
}

TEST(TlsPolicy, TellsTheSuitesOfTls13Apart) {
    EXPECT_TRUE(is_tls13("TLS_AES_128_GCM_SHA256"));
    EXPECT_FALSE(is_tls13("TLS_RSA_WITH_AES_128_GCM_SHA256"));
}

}  // namespace
}  // namespace gatelab::tls
