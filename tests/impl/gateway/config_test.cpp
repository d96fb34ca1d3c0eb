#include "impl/gateway/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "impl/gateway/ikev2_service.h"
#include "tests/support/p2s_lab.h"

namespace gatelab::gateway {
namespace {

using ::testing::HasSubstr;

std::string complaint(const Config& config) {
    const auto sound = check(config);
    return sound ? "" : sound.error().detail;
}

TEST(GatewayConfig, IsSoundAsTheLabHasIt) { EXPECT_EQ(complaint(testing::gateway_config()), ""); }

TEST(GatewayConfig, NamesThePoolThatOverlapsANetwork) {
    auto config = testing::gateway_config();
    config.networks.push_back(Prefix{{10, 60, 0, 128}, 25});
    EXPECT_THAT(complaint(config), HasSubstr("10.60.0.0/24 overlaps the network 10.60.0.128/25"));
}

TEST(GatewayConfig, WantsAPoolOfEightAddressesOrMore) {
    auto config = testing::gateway_config();
    config.client_address_pool = Prefix{{10, 60, 0, 0}, 30};
    EXPECT_THAT(complaint(config), HasSubstr("smaller than /29"));  // P2S-FAQ-09
}

TEST(GatewayConfig, WantsAWayForClientsToProveThemselves) {
    auto config = testing::gateway_config();
    config.client_roots.reset();
    EXPECT_THAT(complaint(config), HasSubstr("client root certificate"));
    config.certificate.reset();
    EXPECT_THAT(complaint(config), HasSubstr("neither a certificate nor a pre-shared key"));
}

TEST(GatewayConfig, GrantsTheNetworksTheCustomRoutesAndThePool) {
    auto config = testing::gateway_config();
    config.custom_routes = {Prefix{{0, 0, 0, 0}, 1}};
    EXPECT_EQ(complaint(config), "");  // a custom route may hold the pool, too
    EXPECT_EQ(to_string(granted_selectors(config)), "10.1.0.0/16, 0.0.0.0/1, 10.60.0.0/24");
}

TEST(GatewayConfig, MakesOneConnectionOfEachWayToProveOneself) {
    auto config = testing::gateway_config();
    EXPECT_EQ(connections_of(config).size(), 1u);
    config.ikev2->pre_shared_key = ikev2::PreSharedKey{Bytes(16, 1)};
    const auto connections = connections_of(config);
    ASSERT_EQ(connections.size(), 2u);
    EXPECT_TRUE(connections[0].peer.roots && !connections[0].peer.pre_shared_key);
    EXPECT_TRUE(!connections[1].peer.roots && connections[1].peer.pre_shared_key);
}

TEST(GatewayConfig, WantsATunnelTypeAndWhatItNeeds) {
    auto config = testing::openvpn_gateway_config();
    EXPECT_EQ(complaint(config), "");
    const auto without = [&](auto change) {
        auto changed = config;
        change(changed);
        return complaint(changed);
    };
    EXPECT_THAT(without([](Config& c) { c.openvpn.reset(); }), HasSubstr("no tunnel type is offered"));
    EXPECT_THAT(without([](Config& c) { c.openvpn->tcp_port.reset(), c.openvpn->udp_port.reset(); }),
                HasSubstr("neither a TCP nor a UDP port"));
    EXPECT_THAT(without([](Config& c) { c.certificate.reset(); }), HasSubstr("needs a certificate of the gateway"));
    EXPECT_THAT(without([](Config& c) { c.client_roots.reset(); }), HasSubstr("no client root certificate"));
    EXPECT_THAT(without([](Config& c) { c.openvpn->certificate_required = false; }), HasSubstr("has no users"));
    EXPECT_THAT(without([](Config& c) { c.openvpn->data_ciphers.clear(); }), HasSubstr("no data cipher"));
}

Config with_sstp(Config config) {
    auto& sstp = config.sstp.emplace();
    sstp.tls_policy = tls::p2s_policy(tls::Profile::P2s2023, tls::Carrier::Sstp);
    sstp.users = {{"alice", "right"}};
    return config;
}

TEST(GatewayConfig, WantsWhatSstpNeeds) {
    const auto config = with_sstp(testing::gateway_config());
    EXPECT_EQ(complaint(config), "");
    const auto without = [&](auto change) {
        auto changed = config;
        change(changed);
        return complaint(changed);
    };
    EXPECT_EQ(without([](Config& c) { c.ikev2.reset(); }), "");  // SSTP alone
    EXPECT_THAT(without([](Config& c) { c.sstp->users.clear(); }), HasSubstr("SSTP has no users"));
    EXPECT_THAT(without([](Config& c) { c.sstp->users.push_back({"bob", ""}); }), HasSubstr("no password"));
    EXPECT_THAT(without([](Config& c) { c.ikev2.reset(), c.certificate.reset(); }), HasSubstr("needs a certificate"));
    EXPECT_THAT(without([](Config& c) { c.sstp->authentication.clear(); }), HasSubstr("no authentication method"));
    EXPECT_THAT(without([](Config& c) { c.sstp->hashes = 0; }), HasSubstr("no hash for the crypto binding"));
    EXPECT_THAT(without([](Config& c) { c.sstp->mru = 4088; }), HasSubstr("MRU 4088 is above 4087"));
    EXPECT_THAT(without([](Config& c) { c.sstp->http_within = {}; }), HasSubstr("must be above 0"));
}

TEST(GatewayConfig, OffersNoPasswordInTheClearUnasked) {  // PAP
    EXPECT_THAT(Sstp{}.authentication, ::testing::ElementsAre(ppp::Authentication::MsChapV2));
}

TEST(GatewayConfig, LetsSstpAndOpenVpnExcludeEachOtherOnATcpPort) {
    auto config = with_sstp(testing::openvpn_gateway_config());
    EXPECT_THAT(complaint(config), HasSubstr("exclude each other on TCP port 443"));
    config.openvpn->tcp_port.reset();
    EXPECT_EQ(complaint(config), "");
    config.openvpn->tcp_port = 1194;
    EXPECT_EQ(complaint(config), "");
}

TEST(GatewayConfig, SplitsThePoolBetweenSstpAndTheRest) {  // P2S-FAQ-01, -03
    const auto both = with_sstp(testing::gateway_config());
    EXPECT_EQ(to_string(granted_selectors(both)), "10.1.0.0/16, 10.60.0.0/25, 10.60.0.128/25");
    EXPECT_EQ(to_string(connections_of(both).at(0).remote), "10.60.0.0/25");
    auto alone = both;
    alone.ikev2.reset();
    EXPECT_THAT(pool_of(alone, TunnelType::Sstp), ::testing::ElementsAre(Prefix{{10, 60, 0, 0}, 24}));
    EXPECT_THAT(granted_prefixes(alone), ::testing::SizeIs(2));
}

TEST(GatewayConfig, GivesTheInterfaceTheSmallestMtuOfItsTunnelTypes) {
    auto config = testing::openvpn_gateway_config();
    EXPECT_EQ(tunnel_mtu(config), 1500);
    config.ikev2 = testing::gateway_config().ikev2;
    EXPECT_EQ(tunnel_mtu(config), ipsec::kTunnelMtu);
}

}  // namespace
}  // namespace gatelab::gateway
