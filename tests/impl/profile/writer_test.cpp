#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/impl/profile/azure.h"

namespace gatelab::profile {
namespace {

using testing::HasSubstr;
using testing::Not;

// P2S-PKG-30, P2S-PKG-33
TEST(OvpnWriter, WritesAzuresDirectivesInTheirOrderAndNoOthers) {
    const auto& profile = azure().profile;
    EXPECT_EQ(encode(profile),
              "client\n"
              "remote gw.vpn.azure.com 443\n"
              "verify-x509-name gw.vpn.azure.com name\n"
              "remote-cert-tls server\n"
              "dev tun\n"
              "proto tcp\n"
              "resolv-retry infinite\n"
              "nobind\n"
              "auth SHA256\n"
              "cipher AES-256-GCM\n"
              "persist-key\n"
              "persist-tun\n"
              "tls-timeout 30\n"
              "tls-version-min 1.2\n"
              "key-direction 1\n"
              "log openvpn.log\n"
              "verb 3\n"
              "<ca>\n" +
                  profile.ca + "</ca>\n<tls-auth>\n" + profile.tls_auth + "</tls-auth>\n<cert>\n" +
                  profile.certificate + "</cert>\n<key>\n" + profile.key + "</key>\n");
}

TEST(OvpnWriter, WritesWhatATopologyAsksForBeyondAzure) {
    Ovpn profile;
    profile.remotes = {{"a.example", 1194, openvpn::Transport::Udp}, {"192.0.2.1", 443, openvpn::Transport::Tcp}};
    profile.tls_version_max = tls::Version::Tls13;
    profile.tls_ciphers = {"TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                           "TLS_RSA_WITH_AES_256_CBC_SHA256"};
    profile.data_ciphers = {openvpn::DataCipher::Aes128Gcm, openvpn::DataCipher::Aes256Cbc};
    profile.fallback_cipher = openvpn::DataCipher::Aes256Cbc;
    profile.renegotiate = std::chrono::minutes(1);
    profile.renegotiate_bytes = 1'000'000;
    profile.renegotiate_packets = 1000;
    profile.handshake_window = std::chrono::seconds(20);
    profile.transition_window = std::chrono::seconds(120);
    profile.ping = std::chrono::seconds(10);
    profile.ping_restart = Duration::zero();
    profile.tun_mtu = 1400;
    profile.mssfix = 1300;
    profile.fragment = 1200;
    profile.explicit_exit_notify = 2;
    profile.auth_user_pass = true;
    profile.username = "alice";
    profile.password = "secret word";
    EXPECT_EQ(encode(profile),
              "client\nremote a.example 1194 udp\nremote 192.0.2.1 443 tcp\ndev tun\nresolv-retry infinite\nnobind\n"
              "persist-key\npersist-tun\ntls-version-max 1.3\n"
              "tls-cipher TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256:TLS-RSA-WITH-AES-256-CBC-SHA256\n"
              "tls-ciphersuites TLS_AES_128_GCM_SHA256\ndata-ciphers AES-128-GCM:AES-256-CBC\n"
              "data-ciphers-fallback AES-256-CBC\nreneg-sec 60\nreneg-bytes 1000000\nreneg-pkts 1000\nhand-window 20\n"
              "tran-window 120\nping 10\nping-restart 0\ntun-mtu 1400\nmssfix 1300 mtu\nfragment 1200\n"
              "explicit-exit-notify 2\nverb 3\n<auth-user-pass>\nalice\nsecret word\n</auth-user-pass>\n");
}

TEST(OvpnWriter, WritesAProxyThatItCanReadBack) {
    Ovpn profile;
    profile.remotes = {{"gw.example", 443, openvpn::Transport::Tcp}};
    profile.http_proxy = {"192.0.2.1", 3128};
    EXPECT_THAT(encode(profile), HasSubstr("\nhttp-proxy 192.0.2.1 3128\n"));
    EXPECT_THAT(encode(profile), Not(HasSubstr("<http-proxy-user-pass>")));
    EXPECT_EQ(parse_ovpn(encode(profile), "f")->profile, profile);
    profile.http_proxy = {"squid", 8080, "bo", "x y"};
    EXPECT_THAT(encode(profile), HasSubstr("\nhttp-proxy squid 8080 auto\n"));
    EXPECT_THAT(encode(profile), HasSubstr("<http-proxy-user-pass>\nbo\nx y\n</http-proxy-user-pass>\n"));
    EXPECT_EQ(parse_ovpn(encode(profile), "f")->profile, profile);
}

TEST(OvpnWriter, QuotesWhatIsMoreThanAWord) {
    Ovpn profile;
    profile.verify_x509_name = "C=DE, CN=gw #1";
    profile.verify_x509_type = "subject";
    EXPECT_THAT(encode(profile), HasSubstr("verify-x509-name 'C=DE, CN=gw #1' subject\n"));
    profile.verify_x509_name = R"(it's "a" \ name)";
    EXPECT_THAT(encode(profile), HasSubstr(R"(verify-x509-name "it's \"a\" \\ name" subject)"));
}

TEST(OvpnWriter, LeavesTheNameToAskForWhenThereIsNone) {
    Ovpn profile;
    profile.auth_user_pass = true;
    EXPECT_THAT(encode(profile), HasSubstr("auth-user-pass\n"));
    EXPECT_THAT(encode(profile), Not(HasSubstr("<auth-user-pass>")));
}

}  // namespace
}  // namespace gatelab::profile
