#include "sim/openvpn_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "topologies/yaml/reader.h"

namespace gatelab::sim {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kText = R"(
name: office
clients:
  alice: {address: 198.51.100.10, gateway: gateway, tunnels: openvpn}
  bob: {address: 198.51.100.11, gateway: gateway, tunnels: ikev2}
routers: [isp]
gateways:
  gateway:
    virtual_network: vnet1
    public_address: 203.0.113.10
    point_to_site:
      address_pool: 172.16.201.0/24
      root_certificates: [P2SRootCert]
      tunnel_types: [ikev2, openvpn]
virtual_networks:
  vnet1:
    address_space: [10.1.0.0/16]
    subnets: {GatewaySubnet: 10.1.255.0/27}
links:
  alice-isp: {}
  bob-isp: {}
  isp-gateway: {}
)";

struct Lab {
    topologies::Topology topology;
    Pki pki;

    topologies::Client& alice() { return *topologies::find_as<topologies::Client>(topology, "alice"); }
    topologies::Gateway& gateway() { return *topologies::find_as<topologies::Gateway>(topology, "gateway"); }
    profile::Ovpn profile(std::uint64_t seed = 1) { return profile_of(topology, pki, seed, "alice").value(); }
    std::string text(std::uint64_t seed = 1) { return encode(profile(seed)); }
    // What the profile says before its first block.
    std::string head() {
        const auto whole = text();
        return whole.substr(0, whole.find('<'));
    }
};

Lab lab(std::uint64_t seed = 1) {
    auto topology = topologies::load(topologies::Source{kText, "office.yaml"}).value();
    auto pki = prepare_pki(topology, seed).value();
    return {std::move(topology), std::move(pki)};
}

// P2S-PKG-30: line by line, but for the name that this topology gives its gateway.
TEST(OpenVpnProfile, IsAzuresLineByLine) {
    auto office = lab();
    const auto name = *office.profile().verify_x509_name;
    EXPECT_EQ(office.head(), "client\nremote " + name + " 443\nverify-x509-name " + name +
                                 " name\nremote-cert-tls server\ndev tun\nproto tcp\nresolv-retry infinite\nnobind\n"
                                 "auth SHA256\ncipher AES-256-GCM\npersist-key\npersist-tun\ntls-timeout 30\n"
                                 "tls-version-min 1.2\nkey-direction 1\nlog openvpn.log\nverb 3\n");
    const auto text = office.text();
    std::size_t at = 0;
    for (const auto* block :
         {"<ca>\n", "</ca>\n<tls-auth>\n", "</tls-auth>\n<cert>\n", "</cert>\n<key>\n", "</key>\n"}) {
        at = text.find(block, at);
        ASSERT_NE(at, text.npos) << block;
    }
    EXPECT_EQ(at + 7, text.size());
}

TEST(OpenVpnProfile, IsTheSameForTheSameSeedAndAnotherForAnother) {
    const auto first = lab().text();
    EXPECT_EQ(lab().text(), first);
    EXPECT_NE(lab().text(2), first);
    EXPECT_NE(lab(2).text(), first);
}

TEST(OpenVpnProfile, IsReadAndDoneByOurClient) {
    auto office = lab();
    const auto parsed = profile::parse_ovpn(office.text(), "alice.ovpn");
    ASSERT_TRUE(parsed) << parsed.error().detail;
    EXPECT_EQ(parsed->profile, office.profile());
    EXPECT_TRUE(parsed->warnings.empty());
    const auto options = to_options(parsed->profile, tls::any_policy());
    ASSERT_TRUE(options) << options.error().detail;
    // The gateway's certificate passes what the profile says of it.
    const auto server = office.pki.identity(office.gateway().certificate).value();
    EXPECT_TRUE(options->tls.judge(server.certificate));
    EXPECT_TRUE(options->tls.roots->verify(server.certificate, {}, crypto::Purpose::ServerAuth, office.topology.epoch));
}

TEST(OpenVpnProfile, HasTheGatewaysKeyOfItsProtection) {
    using enum topologies::OpenVpn::Protection;
    auto office = lab();
    EXPECT_EQ(office.profile().tls_auth, keys_of("gateway", 1).key.to_pem());
    office.gateway().openvpn.protection = TlsCrypt;
    EXPECT_EQ(office.profile().tls_crypt, keys_of("gateway", 1).key.to_pem());
    EXPECT_THAT(office.head(), Not(HasSubstr("key-direction")));
    office.gateway().openvpn.protection = TlsCryptV2;
    EXPECT_EQ(office.profile().tls_crypt_v2, client_key_of("gateway", "alice", 1).to_pem());
    EXPECT_NE(office.profile().tls_crypt_v2, client_key_of("gateway", "bob", 1).to_pem());
    office.gateway().openvpn.protection = None;
    EXPECT_THAT(office.text(), Not(HasSubstr("<tls-")));
    EXPECT_NE(keys_of("gateway", 1).key, keys_of("gateway", 2).key);
    EXPECT_NE(keys_of("gateway", 1).key, keys_of("other", 1).key);
}

TEST(OpenVpnProfile, SaysWhatTheTopologyAsksForBeyondAzure) {
    auto office = lab();
    auto& settings = office.alice().openvpn;
    settings.transport = topologies::Transport::Udp;
    office.gateway().openvpn.udp_port = 1194;
    settings.data_ciphers = {"AES-128-GCM", "AES-256-CBC"};
    settings.fallback_cipher = "AES-256-CBC";
    settings.auth = "SHA1";
    settings.renegotiate = std::chrono::minutes(1);
    settings.handshake_window = std::chrono::seconds(20);
    settings.transition_window = std::chrono::seconds(90);
    settings.tun_mtu = 1400;
    settings.mssfix = 1300;
    settings.fragment = 1200;
    settings.explicit_exit_notify = 2;
    EXPECT_THAT(
        office.head(),
        AllOf(HasSubstr(" 1194\n"), HasSubstr("proto udp\n"), HasSubstr("auth SHA1\n"),
              HasSubstr("data-ciphers AES-128-GCM:AES-256-CBC\ndata-ciphers-fallback AES-256-CBC\nreneg-sec 60\n"
                        "hand-window 20\ntran-window 90\ntun-mtu 1400\nmssfix 1300 mtu\nfragment 1200\n"
                        "explicit-exit-notify 2\n")));
    // What is UDP's alone stays out of TCP's profile: the real program refuses it there.
    settings.transport = topologies::Transport::Tcp;
    EXPECT_THAT(office.head(), AllOf(Not(HasSubstr("fragment")), Not(HasSubstr("explicit-exit-notify"))));
}

TEST(OpenVpnProfile, TakesFromTheGatewayWhatBothMustAgreeOn) {
    auto office = lab();
    office.gateway().openvpn.auth = "SHA1";
    office.gateway().openvpn.data_ciphers = {"AES-256-CBC"};
    office.gateway().openvpn.tun_mtu = 1400;
    EXPECT_THAT(office.head(),
                AllOf(HasSubstr("auth SHA1"), HasSubstr("data-ciphers AES-256-CBC"), HasSubstr("tun-mtu 1400")));
    office.alice().openvpn.data_ciphers = {"AES-128-GCM"};
    EXPECT_THAT(office.head(), HasSubstr("data-ciphers AES-128-GCM\n"));
}

TEST(OpenVpnProfile, OffersNoSuiteBesideThoseAskedFor) {
    auto office = lab();
    auto& settings = office.alice().openvpn;
    const auto suites = [&] { return to_options(office.profile(), tls::any_policy())->tls.policy; };
    settings.tls_suites = {"TLS_RSA_WITH_AES_128_GCM_SHA256"};
    EXPECT_EQ(suites().maximum, tls::Version::Tls12);
    settings.tls_suites = {"TLS_AES_128_GCM_SHA256"};
    EXPECT_EQ(suites().minimum, tls::Version::Tls13);
    settings.tls_suites = {"TLS_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256"};
    EXPECT_EQ(suites().cipher_suites.size(), 2u);
    settings.tls_suites.clear();
    settings.tls_version_max = "1.2";
    EXPECT_EQ(suites().maximum, tls::Version::Tls12);
}

TEST(OpenVpnProfile, SignsInWithAPassword) {
    auto office = lab();
    office.alice().authentication = topologies::Authentication::Password;
    office.alice().username = "alice@example.com";
    office.alice().password = "secret word";
    office.alice().certificate.clear();
    const auto text = office.text();
    EXPECT_THAT(text, HasSubstr("<auth-user-pass>\nalice@example.com\nsecret word\n</auth-user-pass>\n"));
    EXPECT_THAT(text, Not(HasSubstr("<cert>")));
}

TEST(OpenVpnProfile, IsForWhoDialsOtherTunnelsToo) {
    auto office = lab();
    const auto alone = office.text();
    office.alice().tunnels = {topologies::Tunnel::IkeV2, topologies::Tunnel::OpenVpn};
    EXPECT_EQ(office.text(), alone);
}

TEST(OpenVpnProfile, NamesTheClientsProxy) {
    auto office = lab();
    EXPECT_THAT(office.text(), Not(HasSubstr("http-proxy")));
    office.alice().http_proxy = "squid";
    office.alice().http_proxy_username = "bo";
    office.alice().http_proxy_password = "x";
    topologies::HttpProxy proxy;
    proxy.address = {198, 51, 100, 20};
    add_node(office.topology, {"squid", proxy, {}});
    EXPECT_THAT(office.text(), HasSubstr("\nhttp-proxy 198.51.100.20 3128 auto\n"));
    EXPECT_THAT(office.text(), HasSubstr("<http-proxy-user-pass>\nbo\nx\n</http-proxy-user-pass>\n"));
}

TEST(OpenVpnProfile, RefusesWhoDoesNotDialWithOpenVpn) {
    auto office = lab();
    const auto refusal = [&](const char* client) {
        const auto made = profile_of(office.topology, office.pki, 1, client);
        EXPECT_FALSE(made);
        return made ? Error{} : made.error();
    };
    EXPECT_EQ(refusal("carol").fault, Fault::NotFound);
    EXPECT_THAT(refusal("bob").detail, AllOf(HasSubstr("office.yaml:5:"),
                                             HasSubstr("bob does not dial with OpenVPN, expected tunnels: openvpn")));
    office.alice().openvpn.transport = topologies::Transport::Udp;
    EXPECT_THAT(refusal("alice").detail, HasSubstr("dials over UDP, which gateway gateway does not listen on"));
    office.gateway().tunnels = {topologies::Tunnel::IkeV2};
    EXPECT_THAT(refusal("alice").detail, HasSubstr("does not offer OpenVPN"));
}

}  // namespace
}  // namespace gatelab::sim
