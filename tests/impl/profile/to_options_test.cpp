#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/impl/profile/azure.h"

namespace gatelab::profile {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

Result<openvpn::Options> options_of(const Ovpn& profile) { return to_options(profile, tls::any_policy()); }

void expect_refused(const Ovpn& profile, const char* why, Fault fault = Fault::Refused) {
    const auto options = options_of(profile);
    ASSERT_FALSE(options) << why;
    EXPECT_EQ(options.error().fault, fault) << options.error().detail;
    EXPECT_THAT(options.error().detail, HasSubstr(why));
}

TEST(OvpnOptions, AreWhatAzuresProfileSays) {
    const auto options = options_of(azure().profile);
    ASSERT_TRUE(options) << options.error().detail;
    EXPECT_EQ(options->role, openvpn::Role::Client);
    EXPECT_EQ(options->transport, openvpn::Transport::Tcp);
    EXPECT_EQ(options->tls.role, tls::Role::Client);
    EXPECT_EQ(options->tls.policy.minimum, tls::Version::Tls12);
    ASSERT_TRUE(options->tls.identity);
    EXPECT_EQ(options->tls.identity->certificate.subject(), "CN=alice");
    ASSERT_TRUE(options->tls.roots);
    EXPECT_THAT(options->tls.roots->roots(), SizeIs(1));
    const auto& tls_auth = std::get<openvpn::TlsAuth>(options->protection);
    EXPECT_EQ(tls_auth.direction, openvpn::KeyDirection::Inverse);
    EXPECT_EQ(tls_auth.hash, crypto::Hash::Sha256);
    EXPECT_EQ(tls_auth.key.to_pem(), azure().profile.tls_auth);
    EXPECT_EQ(options->auth, crypto::Hash::Sha256);
    EXPECT_EQ(options->cipher, openvpn::DataCipher::Aes256Gcm);
    EXPECT_THAT(options->data_ciphers, ElementsAre(openvpn::DataCipher::Aes256Gcm, openvpn::DataCipher::Aes128Gcm));
    EXPECT_EQ(options->tls_timeout, std::chrono::seconds(30));
    EXPECT_EQ(options->renegotiate, std::chrono::hours(1));
    EXPECT_FALSE(options->credentials);
}

// P2S-PKG-31: version 3 clients have client and root in the cert block.
TEST(OvpnOptions, SendTheCertificatesBehindTheFirst) {
    auto profile = azure().profile;
    profile.certificate += azure().root.certificate.to_pem();
    const auto options = options_of(profile);
    ASSERT_TRUE(options);
    ASSERT_THAT(options->tls.intermediates, SizeIs(1));
    EXPECT_EQ(options->tls.intermediates[0].subject(), "CN=Root");
}

TEST(OvpnOptions, JudgeTheServersName) {
    auto profile = azure().profile;
    const auto verdict = [&](const std::string& type, const std::string& name) {
        profile.verify_x509_type = type;
        profile.verify_x509_name = name;
        return options_of(profile)->tls.judge(azure().server.certificate).has_value();
    };
    EXPECT_TRUE(verdict("name", "gw.vpn.azure.com"));
    EXPECT_FALSE(verdict("name", "gw.vpn.azure"));
    EXPECT_TRUE(verdict("name-prefix", "gw."));
    EXPECT_FALSE(verdict("name-prefix", "vpn."));
    EXPECT_TRUE(verdict("subject", "CN=gw.vpn.azure.com"));
    EXPECT_FALSE(verdict("subject", "gw.vpn.azure.com"));
    const auto refusal = options_of(profile)->tls.judge(azure().server.certificate);
    EXPECT_THAT(refusal.error().detail, HasSubstr("verify-x509-name"));
}

TEST(OvpnOptions, JudgeTheServersUsage) {
    auto profile = azure().profile;
    profile.verify_x509_name.reset();
    EXPECT_TRUE(options_of(profile)->tls.judge(azure().server.certificate));
    const auto refusal = options_of(profile)->tls.judge(azure().user.certificate);
    ASSERT_FALSE(refusal);
    EXPECT_THAT(refusal.error().detail, HasSubstr("remote-cert-tls"));
    profile.remote_cert_tls_server = false;
    EXPECT_FALSE(options_of(profile)->tls.judge);
}

TEST(OvpnOptions, RefuseWhatAProfileLacks) {
    auto profile = azure().profile;
    profile.remotes.clear();
    expect_refused(profile, "remote is missing");
    profile = azure().profile;
    profile.ca.clear();
    expect_refused(profile, "ca is missing");
    profile = azure().profile;
    profile.key.clear();
    expect_refused(profile, "cert without key");
    profile.certificate.clear();
    expect_refused(profile, "expected cert and key, or auth-user-pass");
    profile.auth_user_pass = true;
    expect_refused(profile, "auth-user-pass without a name");
    profile.username = "alice";
    const auto options = options_of(profile);
    ASSERT_TRUE(options);
    EXPECT_EQ(options->credentials->username, "alice");
    profile.key = azure().profile.key;
    expect_refused(profile, "key without cert");
}

TEST(OvpnOptions, NameTheBlockThatCannotBeRead) {
    for (const auto& [block, name] : {std::pair{&Ovpn::ca, "ca"}, std::pair{&Ovpn::certificate, "cert"},
                                      std::pair{&Ovpn::key, "key"}, std::pair{&Ovpn::tls_auth, "tls-auth"}}) {
        auto profile = azure().profile;
        profile.*block = "no PEM";
        expect_refused(profile, name, Fault::Malformed);
    }
    auto profile = azure().profile;
    profile.tls_auth.clear();
    for (const auto& [block, name] :
         {std::pair{&Ovpn::tls_crypt, "tls-crypt"}, std::pair{&Ovpn::tls_crypt_v2, "tls-crypt-v2"}}) {
        auto one = profile;
        one.*block = "no PEM";
        expect_refused(one, name, Fault::Malformed);
    }
}

TEST(OvpnOptions, RefuseWhatContradictsItself) {
    auto profile = azure().profile;
    profile.tls_crypt = profile.tls_auth;
    expect_refused(profile, "exclude each other");
    profile = azure().profile;
    profile.key = azure().root.key.to_pem();
    expect_refused(profile, "key is not the one of cert CN=alice");
    profile = azure().profile;
    profile.tls_version_min = tls::Version::Tls13;
    profile.tls_version_max = tls::Version::Tls12;
    expect_refused(profile, "leave no version");
}

TEST(OvpnOptions, TakeTlsCryptAndItsSecondVersion) {
    auto profile = azure().profile;
    profile.tls_crypt = std::exchange(profile.tls_auth, "");
    EXPECT_TRUE(std::holds_alternative<openvpn::TlsCrypt>(options_of(profile)->protection));
    SeededRandom random{1, "v2"};
    const auto server_key = openvpn::TlsCryptV2ServerKey::generate(random);
    profile.tls_crypt_v2 = openvpn::TlsCryptV2ClientKey::make(server_key, random)->to_pem();
    profile.tls_crypt.clear();
    EXPECT_TRUE(std::holds_alternative<openvpn::TlsCryptV2>(options_of(profile)->protection));
}

TEST(OvpnOptions, ReplaceTheSuitesOfOneVersionOnly) {
    auto profile = azure().profile;
    profile.tls_ciphers = {"TLS_RSA_WITH_AES_128_GCM_SHA256"};
    auto suites = options_of(profile)->tls.policy.cipher_suites;
    EXPECT_THAT(suites, Contains("TLS_AES_256_GCM_SHA384"));
    EXPECT_THAT(suites, testing::Not(Contains("TLS_RSA_WITH_AES_256_GCM_SHA384")));
    profile.tls_version_max = tls::Version::Tls12;
    EXPECT_EQ(options_of(profile)->tls.policy.maximum, tls::Version::Tls12);
}

TEST(OvpnOptions, LeaveUdpsOwnDirectivesToUdp) {
    auto profile = azure().profile;
    profile.explicit_exit_notify = 2;
    EXPECT_EQ(options_of(profile)->explicit_exit_notify, 0);
    profile.remotes[0].transport = openvpn::Transport::Udp;
    EXPECT_EQ(options_of(profile)->explicit_exit_notify, 2);
    EXPECT_EQ(options_of(profile)->transport, openvpn::Transport::Udp);
}

}  // namespace
}  // namespace gatelab::profile
