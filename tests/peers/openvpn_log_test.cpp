#include "sim/peers/openvpn_log.h"

#include <gmock/gmock.h>

namespace gatelab::sim::peers {
namespace {

using ::testing::ElementsAre;

template <class Fact>
Fact read(std::string_view text) {
    const auto fact = fact_in(text);
    if (fact && std::holds_alternative<Fact>(*fact)) return std::get<Fact>(*fact);
    ADD_FAILURE() << text;
    return {};
}

TEST(OpenVpnLog, KnowsWhomALineIsAbout) {
    const auto named = split_log_line("alice.example.com/10.1.0.2:47157 VERIFY OK: depth=1, CN=root");
    EXPECT_EQ(named.client, (Endpoint{Ipv4Address{10, 1, 0, 2}, 47157}));
    EXPECT_EQ(named.text, "VERIFY OK: depth=1, CN=root");
    EXPECT_TRUE(split_log_line("10.1.0.2:47157 TLS Error: TLS handshake failed").client);
    EXPECT_FALSE(split_log_line("Initialization Sequence Completed").client);
}

TEST(OpenVpnLog, NamesTlsAsWeDo) {
    EXPECT_EQ(read<LoggedTls>("Control Channel: TLSv1.3, cipher TLSv1.3 TLS_AES_256_GCM_SHA384, peer certificate: 256 "
                              "bits ECprime256v1")
                  .suite,
              "TLSv1.3/TLS_AES_256_GCM_SHA384");
    EXPECT_EQ(
        read<LoggedTls>("Control Channel: TLSv1.2, cipher TLSv1.2 ECDHE-RSA-AES128-SHA256, peer certificate: x").suite,
        "TLSv1.2/TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256");
    EXPECT_FALSE(fact_in("Control Channel MTU parms [ mss_fix:0 ]"));
}

TEST(OpenVpnLog, KnowsTheTwelveSuitesOfAzureByBothNames) {
    const std::pair<const char*, const char*> suites[] = {
        {"ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
        {"ECDHE-ECDSA-AES256-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"},
        {"ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
        {"AES128-GCM-SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256"},
        {"AES256-SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256"},
        {"AES128-SHA", "TLS_RSA_WITH_AES_128_CBC_SHA"},
        {"ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
    };
    for (const auto& [openssl, iana] : suites) EXPECT_EQ(iana_name_of(openssl), iana);
}

TEST(OpenVpnLog, ReadsWhatIsPushed) {
    const auto push = read<LoggedPush>(
        "PUSH: Received control message: 'PUSH_REPLY,topology subnet,route-gateway 10.60.0.1,route 10.50.0.0 "
        "255.255.0.0,dhcp-option DNS 10.50.0.53,ping 10,ifconfig 10.60.0.2 255.255.255.0,peer-id 0'");
    EXPECT_EQ(to_string(push.address), "10.60.0.2");
    EXPECT_THAT(push.routes, ElementsAre(Prefix{Ipv4Address{10, 50, 0, 0}, 16}));
    EXPECT_THAT(push.dns, ElementsAre(Ipv4Address{10, 50, 0, 53}));
}

TEST(OpenVpnLog, SeesThatAPushGoesOn) {
    const std::string start =
        "PUSH: Received control message: 'PUSH_REPLY,route 10.50.0.0 255.255.0.0,push-continuation ";
    EXPECT_TRUE(read<LoggedPush>(start + "2'").more_follows);
    EXPECT_FALSE(read<LoggedPush>(start + "1'").more_follows);
}

TEST(OpenVpnLog, FollowsAClientToItsNewAddress) {
    const auto moved = read<LoggedFloat>("peer 0 (alice) floated from 10.1.0.2:47157 to [AF_INET]10.1.0.9:555");
    EXPECT_EQ(moved.from, (Endpoint{Ipv4Address{10, 1, 0, 2}, 47157}));
    EXPECT_EQ(moved.to, (Endpoint{Ipv4Address{10, 1, 0, 9}, 555}));
}

TEST(OpenVpnLog, TellsReplaysFromForgeries) {
    EXPECT_TRUE(
        read<LoggedDrop>("Authenticate/Decrypt packet error: bad packet ID (may be a replay): [ #7 ] -- see").replayed);
    EXPECT_FALSE(read<LoggedDrop>("Authenticate/Decrypt packet error: cipher final failed").replayed);
    EXPECT_FALSE(fact_in("TLS Error: tls-crypt unwrap: bad packet ID (may be a replay): [ #7 ]")) << "control channel";
}

TEST(OpenVpnLog, NamesFailures) {
    EXPECT_EQ(read<LoggedFailure>("AUTH: Received control message: AUTH_FAILED,wrong password").reason,
              "authentication-failed");
    EXPECT_EQ(read<LoggedFailure>("TLS Error: TLS key negotiation failed to occur within 60 seconds (check your "
                                  "network connectivity)")
                  .reason,
              "handshake-timeout");
    EXPECT_EQ(read<LoggedFailure>("VERIFY ERROR: depth=0, error=unable to get local issuer certificate").reason,
              "tls-failed");
    EXPECT_EQ(failure_of("ping-restart", ""), "peer-silent");
    EXPECT_EQ(failure_of("connection-failed", ""), "no-connection");
    EXPECT_EQ(failure_of("tls-error", "handshake-timeout"), "handshake-timeout");
    EXPECT_EQ(failure_of("tls-error", ""), "tls-failed");
}

}  // namespace
}  // namespace gatelab::sim::peers
