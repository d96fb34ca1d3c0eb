#include "sim/peers/strongswan_config.h"

#include <gmock/gmock.h>

#include "sim/peers/strongswan_proposal.h"

namespace gatelab::sim::peers {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

StrongSwanClientSettings sample() {
    StrongSwanClientSettings settings;
    settings.common.address = Ipv4Address{198, 51, 100, 10};
    settings.common.pre_shared_key = "secret";
    settings.common.ike_policy = ikev2::p2s_ike_policy();
    settings.common.ipsec_policy = ikev2::p2s_ipsec_policy();
    settings.common.ike_lifetime = std::chrono::milliseconds(1500);
    settings.gateway = Ipv4Address{203, 0, 113, 1};
    settings.identification = "alice@example.com";
    settings.server = "gw.example.com";
    return settings;
}

TEST(StrongSwanProposal, SpellsEveryRowOfThePointToSitePolicies) {
    EXPECT_THAT(to_proposals(ikev2::p2s_ike_policy()),
                ::testing::StartsWith("aes256gcm16-prfsha384-modp2048s256,aes256gcm16-prfsha384-modp2048,"));
    EXPECT_THAT(to_proposals(ikev2::p2s_ike_policy()), ::testing::EndsWith(",aes256-sha256-prfsha256-modp1024"));
    EXPECT_THAT(to_proposals(ikev2::p2s_ipsec_policy()),
                ::testing::StartsWith("aes256gcm16,aes256gcm16-modp2048s256,"));
    EXPECT_THAT(to_proposals(ikev2::p2s_ipsec_policy()), ::testing::EndsWith(",aes256-sha1"));
    for (const auto& ike : ikev2::p2s_ike_policy())
        for (const auto& ipsec : ikev2::p2s_ipsec_policy()) EXPECT_TRUE(expressible(ike, ipsec).yes);
}

TEST(StrongSwanConfig, TypesIdentitiesAndRoundsLifetimesUp) {
    const auto text = client_files(sample()).front().text;
    EXPECT_THAT(text, HasSubstr("id = \"email:alice@example.com\""));
    EXPECT_THAT(text, HasSubstr("id = \"fqdn:gw.example.com\""));
    EXPECT_THAT(text, HasSubstr("rekey_time = 2s"));
    EXPECT_THAT(text, HasSubstr("remote_ts = 0.0.0.0/0"));
}

TEST(StrongSwanConfig, KeepsTheKeyInAFileMarkedSecret) {
    for (const auto& file : client_files(sample())) {
        if (!file.secret) {
            EXPECT_THAT(file.text, Not(HasSubstr("736563726574"))) << file.path;
        }
        if (file.path == "secrets.conf") {
            EXPECT_THAT(file.text, HasSubstr("secret = 0x736563726574"));
        }
    }
}

TEST(StrongSwanConfig, LetsNoNameBreakOutOfItsQuotes) {
    auto settings = sample();
    settings.identification = "a\"\n} evil {\\";
    EXPECT_THAT(client_files(settings).front().text, HasSubstr("id = \"fqdn:a\\\"\\n} evil {\\\\\""));
}

TEST(StrongSwanConfig, GivesASiteItsNetworksAndNoPool) {
    StrongSwanSiteSettings settings;
    settings.common = sample().common;
    settings.peer = Ipv4Address{203, 0, 113, 1};
    settings.identification = "here";
    settings.peer_identification = "203.0.113.1";
    settings.local = {Prefix{Ipv4Address{10, 1, 0, 0}, 16}, Prefix{Ipv4Address{10, 2, 0, 0}, 16}};
    settings.remote = {Prefix{Ipv4Address{10, 3, 0, 0}, 16}};
    const auto text = site_files(settings).front().text;
    EXPECT_THAT(text, HasSubstr("remote_addrs = 203.0.113.1"));
    EXPECT_THAT(text, HasSubstr("id = \"ipv4:203.0.113.1\""));
    EXPECT_THAT(text, HasSubstr("local_ts = 10.1.0.0/16,10.2.0.0/16"));
    EXPECT_THAT(text, HasSubstr("remote_ts = 10.3.0.0/16"));
    EXPECT_THAT(text, Not(HasSubstr("pool")));
    EXPECT_THAT(text, Not(HasSubstr("vips")));
}

TEST(StrongSwanConfig, LeavesEspToTheKernelWhereThereIsOne) {
    const auto shared = daemon_file({"/f", "/f/vici.sock", false, EspBy::Libipsec}).text;
    EXPECT_THAT(shared, HasSubstr("kernel-libipsec kernel-netlink"));
    const auto own = daemon_file({"/f", "/run/vici.sock", false, EspBy::Kernel}).text;
    EXPECT_THAT(own, Not(HasSubstr("libipsec")));
    EXPECT_THAT(own, HasSubstr("install_virtual_ip_on = net0"));
    EXPECT_THAT(own, HasSubstr("unix:///run/vici.sock"));
}

TEST(StrongSwanConfig, HasCharonsOwnPatienceWhereItIsAskedFor) {
    EXPECT_THAT(daemon_file({"/f", "/f/vici.sock"}).text, HasSubstr("retransmit_tries = 3"));
    EXPECT_THAT(daemon_file({.folder = "/f", .vici_socket = "/f/vici.sock", .patient = true}).text,
                Not(HasSubstr("retransmit")));
}

}  // namespace
}  // namespace gatelab::sim::peers
