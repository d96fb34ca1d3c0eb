#include "sim/peers/libreswan_log.h"

#include <gmock/gmock.h>

namespace gatelab::sim::peers {
namespace {

using ::testing::ElementsAre;

// Lines of libreswan 4.10.
constexpr auto kConnected = R"(Jan 01 00:00:03.001414: "home"[1] 10.66.0.2 #1: initiating IKEv2 connection
Jan 01 00:00:03.001417: "home"[1] 10.66.0.2 #1: sent IKE_SA_INIT request to 10.66.0.2:500
Jan 01 00:00:03.041623: "home"[1] 10.66.0.2 #1: sent IKE_AUTH request {cipher=AES_GCM_16_256 integ=n/a prf=HMAC_SHA2_384 group=DH20}
Jan 01 00:00:03.103091: "home"[1] 10.66.0.2 #2: received INTERNAL_IP4_ADDRESS 10.70.0.2
Jan 01 00:00:03.103091: "home"[1] 10.66.0.2 #2: received INTERNAL_IP4_DNS 10.50.0.53
Jan 01 00:00:03.104143: "home"[1] 10.66.0.2 #2: initiator established Child SA using #1; IPsec tunnel [10.70.0.2-10.70.0.2:0-65535 0] -> [10.60.0.0-10.60.0.255:0-65535 0] {ESP=>0x11a06ccb <0x72cd88f1 xfrm=AES_GCM_16_256-NONE DPD=passive}
)";

const TunnelStatus* home(const LibreswanLog& log) {
    const auto found = log.tunnels().find("home");
    return found == log.tunnels().end() ? nullptr : &found->second.status;
}

TEST(LibreswanLog, TellsATunnel) {
    LibreswanLog log;
    log.read(kConnected);
    const auto* status = home(log);
    ASSERT_TRUE(status);
    EXPECT_TRUE(status->up);
    EXPECT_EQ(to_string(status->inner_address), "10.70.0.2");
    EXPECT_EQ(status->ike_suite, "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384");
    EXPECT_EQ(status->child_suite, "AES_GCM_16-256");
    EXPECT_EQ(status->local_selectors, "10.70.0.2/32");
    EXPECT_EQ(status->remote_selectors, "10.60.0.0/24");
    EXPECT_EQ(status->outbound_spi, 0x11a06ccbu);
    EXPECT_EQ(status->inbound_spi, 0x72cd88f1u);
    EXPECT_FALSE(status->udp_encapsulation);
    EXPECT_THAT(log.tunnels().at("home").granted_dns, ElementsAre(Ipv4Address{10, 50, 0, 53}));
}

TEST(LibreswanLog, WaitsForTheRestOfALine) {
    const std::string whole = kConnected;
    LibreswanLog log;
    log.read(whole.substr(0, whole.size() - 20));
    EXPECT_FALSE(home(log));
    log.read(whole.substr(whole.size() - 20));
    EXPECT_TRUE(home(log));
}

TEST(LibreswanLog, FollowsRekeying) {
    LibreswanLog log;
    log.read(kConnected);
    log.read(
        R"(Jan 01 00:00:08.011546: "home"[1] 10.66.0.2 #3: responder rekeyed IKE SA #1 {cipher=AES_CBC_256 integ=HMAC_SHA2_256_128 prf=HMAC_SHA2_256 group=MODP2048}
Jan 01 00:00:09.053710: "home"[1] 10.66.0.2 #1: deleting state (STATE_V2_ESTABLISHED_IKE_SA) aged 6.052297s and NOT sending notification
Jan 01 00:00:10.011668: "home"[1] 10.66.0.2 #4: responder rekeyed Child SA #2 using #3; IPsec tunnel [10.70.0.2-10.70.0.2:0-65535 0] -> [10.60.0.0-10.60.0.255:0-65535 0] {ESPinUDP/ESN=>0xfc4317fc <0x454f0d21 xfrm=AES_CBC_256-HMAC_SHA2_256_128-DH19 DPD=passive}
Jan 01 00:00:11.011961: "home"[1] 10.66.0.2 #2: ESP traffic information: in=252B out=252B
)");
    const auto* status = home(log);
    ASSERT_TRUE(status);
    EXPECT_EQ(status->ike_rekeys, 1);
    EXPECT_EQ(status->child_rekeys, 1);
    EXPECT_EQ(status->ike_suite, "AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048");
    EXPECT_EQ(status->child_suite, "AES_CBC-256/HMAC_SHA2_256_128/ECP_256/ESN");
    EXPECT_EQ(status->inbound_spi, 0x454f0d21u);
    EXPECT_TRUE(status->udp_encapsulation);
    EXPECT_EQ(to_string(status->inner_address), "10.70.0.2");
}

struct Ending {
    std::string lines, reason;
};

TEST(LibreswanLog, SaysWhyATunnelEnded) {
    const std::vector<Ending> endings = {
        {R"(Jan 01 00:00:11.011781: "home"[1] 10.66.0.2 #2: ESP traffic information: in=0B out=0B
Jan 01 00:00:11.011962: "home"[1] 10.66.0.2 #1: deleting state (STATE_V2_ESTABLISHED_IKE_SA) aged 3.000419s and NOT sending notification
)",
         "peer-deleted"},
        {R"(Jan 01 00:01:12.032749: "home"[1] 10.66.0.2 #1: STATE_V2_ESTABLISHED_IKE_SA: 4 second timeout exceeded after 3 retransmits.  No response (or no acceptable response) to our IKEv2 message
Jan 01 00:01:12.032750: "home"[1] 10.66.0.2 #2: ESP traffic information: in=0B out=0B
Jan 01 00:01:12.032848: "home"[1] 10.66.0.2 #1: deleting state (STATE_V2_ESTABLISHED_IKE_SA) aged 69.001387s and NOT sending notification
)",
         "peer-silent"},
    };
    for (const auto& ending : endings) {
        LibreswanLog log;
        log.read(kConnected);
        log.read(ending.lines);
        EXPECT_FALSE(home(log));
        ASSERT_TRUE(log.outcome("home"));
        EXPECT_EQ(log.outcome("home")->reason, ending.reason);
    }
}

TEST(LibreswanLog, SaysWhyAnAttemptFailed) {
    const std::string begin = R"(Jan 01 00:00:03.001414: "home"[1] 10.66.0.2 #1: initiating IKEv2 connection
)";
    const std::vector<Ending> endings = {
        {R"(Jan 01 00:00:03.082084: "home"[1] 10.66.0.2 #1: IKE SA authentication request rejected by peer: AUTHENTICATION_FAILED
Jan 01 00:00:03.082085: "home"[1] 10.66.0.2 #1: deleting state (STATE_V2_PARENT_I2) aged 0.080672s and NOT sending notification
)",
         "authentication-failed"},
        {R"(Jan 01 00:00:03.103298: "home"[1] 10.66.0.2 #1: X509: certificate payload rejected for this connection
Jan 01 00:00:03.103299: "home"[1] 10.66.0.2 #1: deleting state (STATE_V2_PARENT_I2) aged 0.101886s and NOT sending notification
)",
         "authentication-failed"},
        {R"(Jan 01 00:00:03.041476: "home"[1] 10.66.0.2 #1: dropping unexpected IKE_SA_INIT message containing NO_PROPOSAL_CHOSEN notification; message payloads: N; missing payloads: SA,KE,Ni
Jan 01 00:00:07.023836: "home"[1] 10.66.0.2 #1: STATE_V2_PARENT_I1: 4 second timeout exceeded after 3 retransmits.  No response (or no acceptable response) to our first IKEv2 message
Jan 01 00:00:07.023836: "home"[1] 10.66.0.2 #1: deleting state (STATE_V2_PARENT_I1) aged 4.022423s and NOT sending notification
)",
         "no-proposal-chosen"},
        {R"(Jan 01 00:00:07.023836: "home"[1] 10.66.0.2 #1: STATE_V2_PARENT_I1: 4 second timeout exceeded after 3 retransmits.  No response (or no acceptable response) to our first IKEv2 message
Jan 01 00:00:07.023836: "home"[1] 10.66.0.2 #1: deleting state (STATE_V2_PARENT_I1) aged 4.022423s and NOT sending notification
)",
         "peer-silent"},
        {R"(Jan 01 00:00:03.104327: "home"[1] 10.66.0.2 #2: IKE_AUTH response rejected Child SA with TS_UNACCEPTABLE
)",
         "traffic-selectors-unacceptable"},
    };
    for (const auto& ending : endings) {
        LibreswanLog log;
        log.read(begin + ending.lines);
        ASSERT_TRUE(log.outcome("home")) << ending.lines;
        EXPECT_EQ(log.outcome("home")->reason, ending.reason);
    }
}

TEST(LibreswanLog, KeepsTheNewerTunnelOfAUserWhoCameBack) {
    LibreswanLog log;
    log.read(
        R"(Jan 01 00:00:03.072632: "user-0"[1] 10.66.0.1 #2: responder established Child SA using #1; IPsec tunnel [10.60.0.0-10.60.0.255:0-65535 0] -> [10.70.0.2-10.70.0.2:0-65535 0] {ESP=>0x72cd88f1 <0x11a06ccb xfrm=AES_GCM_16_256-NONE DPD=passive}
Jan 01 00:00:05.072632: "user-0"[2] 10.66.0.1 #4: responder established Child SA using #3; IPsec tunnel [10.60.0.0-10.60.0.255:0-65535 0] -> [10.70.0.3-10.70.0.3:0-65535 0] {ESP=>0x82cd88f1 <0x21a06ccb xfrm=AES_GCM_16_256-NONE DPD=passive}
Jan 01 00:00:05.072700: "user-0"[1] 10.66.0.1 #2: ESP traffic information: in=0B out=0B
Jan 01 00:00:05.072700: "user-0"[1] 10.66.0.1 #1: deleting state (STATE_V2_ESTABLISHED_IKE_SA) aged 2.0s and sending notification
)");
    ASSERT_EQ(log.tunnels().size(), 1u);
    EXPECT_EQ(to_string(log.tunnels().at("user-0").status.inner_address), "10.70.0.3");
}

TEST(LibreswanLog, NamesAConnectionThatWasNotTaken) {
    LibreswanLog log;
    log.read(
        R"(Jan 01 00:00:02.002392: "home": failed to add connection: left certificate 'own' is expired or not yet valid
Jan 01 00:00:02.002398: loading secrets from "/run/share/x/ipsec.secrets"
)");
    EXPECT_TRUE(log.ready());
    EXPECT_THAT(log.refused(), ElementsAre("left certificate 'own' is expired or not yet valid"));
}

TEST(LibreswanLog, IsNotConfusedByNoise) {
    LibreswanLog log;
    log.read("\n|\n\"\n\"x\n\"x\"\n\"x\" #: \n: #\n\"home\"[1] #2: initiator established Child SA using #\n");
    log.read("\"home\"[1] 1 #2: rekeyed Child SA #x using #1; IPsec tunnel [] -> [] {}\n");
    SUCCEED();
}

}  // namespace
}  // namespace gatelab::sim::peers
