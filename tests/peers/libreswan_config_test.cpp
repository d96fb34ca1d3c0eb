#include "sim/peers/libreswan_config.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "sim/peers/libreswan_proposal.h"

namespace gatelab::sim::peers {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<ikev2::ChildSuite> children(const std::vector<std::string>& rows) {
    std::vector<ikev2::ChildSuite> policy;
    for (const auto& row : rows) policy.push_back(ikev2::parse_child_suite(row).value());
    return policy;
}

TEST(LibreswanProposal, LeavesOutWhatLibreswanDoesNotHave) {
    const auto ike = libreswan_ike(ikev2::p2s_ike_policy());
    ASSERT_TRUE(ike);
    EXPECT_THAT(*ike, HasSubstr("aes_gcm256-sha2_384-dh14,aes_gcm256-sha2_384-dh20,aes_gcm256-sha2_384-dh19"));
    EXPECT_THAT(*ike, HasSubstr("aes256-sha2_256-dh14"));
    EXPECT_THAT(*ike, Not(HasSubstr("dh24")));
    EXPECT_THAT(*ike, Not(HasSubstr("dh2,")));
    const auto none =
        libreswan_ike({ikev2::parse_ike_suite("AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_1024").value()});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().fault, Fault::Unsupported);
}

TEST(LibreswanProposal, TakesOneGroupForChildren) {
    const auto all = libreswan_children(ikev2::p2s_ipsec_policy());
    ASSERT_TRUE(all);
    EXPECT_EQ(all->proposals, "aes_gcm256,aes256-sha2_256,aes256-sha1");
    EXPECT_EQ(libreswan_children(children({"AES_GCM_16-256/MODP_2048_256", "AES_GCM_16-256/MODP_2048",
                                           "AES_CBC-256/HMAC_SHA1_96/ECP_384"}))
                  ->proposals,
              "aes_gcm256;dh14");
    EXPECT_EQ(all->extended_sequence_numbers, "no");
    EXPECT_EQ(libreswan_children(children({"AES_GCM_16-256/ECP_384"}))->proposals, "aes_gcm256;dh20");
    EXPECT_EQ(libreswan_children(children({"AES_GCM_16-256/ESN"}))->extended_sequence_numbers, "yes");
    EXPECT_EQ(libreswan_children(children({"AES_GCM_16-256/ESN", "AES_GCM_16-256"}))->extended_sequence_numbers,
              "either");
}

LibreswanGatewaySettings gateway() {
    LibreswanGatewaySettings settings;
    settings.common.address = Ipv4Address{203, 0, 113, 1};
    settings.common.pre_shared_key = "k\"ey";
    settings.common.ike_policy = ikev2::p2s_ike_policy();
    settings.common.ipsec_policy = ikev2::p2s_ipsec_policy();
    settings.common.ike_lifetime = 8h;
    settings.common.child_lifetime = 1h;
    settings.common.liveness = 30s;
    settings.identification = "gw.example.com";
    settings.users = {{"alice.example.com", false}, {"bob@example.com", false}};
    settings.pool = *parse_prefix("10.60.0.0/24");
    settings.dns = {Ipv4Address{10, 50, 0, 53}, Ipv4Address{10, 50, 0, 54}};
    settings.network = *parse_prefix("10.50.0.0/16");
    return settings;
}

const ConfigFile& file(const std::vector<ConfigFile>& files, const std::string& path) {
    return *std::find_if(files.begin(), files.end(), [&](const auto& one) { return one.path == path; });
}

TEST(LibreswanConfig, GivesEachUserAConnection) {
    const auto files = libreswan_files(gateway(), {"/run/share/libreswan", "/run/share/program"});
    ASSERT_TRUE(files);
    const auto& conf = file(*files, "ipsec.conf").text;
    EXPECT_THAT(conf, HasSubstr("conn user-0\n"));
    EXPECT_THAT(conf, HasSubstr("rightid=@alice.example.com\n"));
    EXPECT_THAT(conf, HasSubstr("rightid=bob@example.com\n"));
    EXPECT_THAT(conf, HasSubstr("leftsubnet=10.50.0.0/16\n"));
    EXPECT_THAT(conf, HasSubstr("rightaddresspool=10.60.0.2-10.60.0.254\n"));
    EXPECT_THAT(conf, HasSubstr("modecfgdns=\"10.50.0.53,10.50.0.54\"\n"));
    EXPECT_THAT(conf, HasSubstr("salifetime=3630s\n    rekeymargin=30s\n"));
    EXPECT_EQ(file(*files, "ipsec.secrets").text, ": PSK 0x6b226579\n");
    EXPECT_TRUE(file(*files, "ipsec.secrets").secret);
    EXPECT_EQ(libreswan_user_of(libreswan_connection_of(17)), 17u);
    EXPECT_FALSE(libreswan_user_of("home"));
    EXPECT_FALSE(libreswan_user_of("user-1x"));
}

}  // namespace
}  // namespace gatelab::sim::peers
