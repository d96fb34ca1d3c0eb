// The texts are what the programs logged.
#include "sim/peers/sstp_client_log.h"

#include <gmock/gmock.h>

namespace gatelab::sim::peers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kConnecting =
    "Dec 31 23:59:59 sstpc[59]: Waiting for sstp-plugin to connect on: /var/run/sstpc/sstpc-gatelab \n"
    "Dec 31 23:59:59 sstpc[59]: Resolved 203.0.113.10 to 203.0.113.10 \n"
    "Jan  1 00:00:00 sstpc[59]: Connected to gateway.vpn.example \n";
constexpr const char* kCalling =
    "Jan  1 00:00:00 sstpc[59]: Sending Connect-Request Message \n"
    "Jan  1 00:00:00 sstpc[59]: SEND SSTP CRTL PKT(14)  \n"
    "Jan  1 00:00:00 sstpc[59]:   TYPE(1): CONNECT REQUEST, ATTR(1): \n"
    "Jan  1 00:00:00 sstpc[59]:     ENCAP PROTO(1): 6 \n"
    "Jan  1 00:00:00 sstpc[59]: RECV SSTP CRTL PKT(48)  \n"
    "Jan  1 00:00:00 sstpc[59]:   TYPE(2): CONNECT ACK, ATTR(1): \n"
    "Jan  1 00:00:00 sstpc[59]:     CRYPTO BIND REQ(4): 40 \n"
    "Jan  1 00:00:00 sstpc[59]: Started PPP Link Negotiation \n";
constexpr const char* kBinding =
    "Jan  1 00:00:00 sstpc[59]: Received callback from sstp-plugin \n"
    "Jan  1 00:00:00 sstpc[59]: Sending Connected Message \n"
    "Jan  1 00:00:00 sstpc[59]: Connection Established \n";
constexpr const char* kSigningIn =
    "using channel 1\n"
    "Using interface ppp0\n"
    "Connect: ppp0 <--> /dev/pts/0\n"
    "sent [LCP ConfReq id=0x1 <mru 1400> <asyncmap 0x0> <magic 0xc8407427> <pcomp> <accomp>]\n"
    "rcvd [LCP ConfReq id=0x1 <asyncmap 0x0> <auth chap MS-v2> <magic 0xeddd1f86> <pcomp> <accomp>]\n"
    "rcvd [CHAP Challenge id=0x7d <9a66aa6671885496f81ca6fdcfb153e3>, name = \"server\"]\n";
constexpr const char* kSignedIn =
    "CHAP authentication succeeded\n"
    "The mppe send key (16): 0102030405060708090a0b0c0d0e0f10\n"
    "The mppe recv key (16): 1102030405060708090a0b0c0d0e0f10\n";
constexpr const char* kAddressed =
    "local  IP address 172.16.201.2\n"
    "remote IP address 172.16.201.1\n"
    "primary   DNS address 10.1.0.53\n"
    "secondary DNS address 10.1.0.53\n"
    "Script /run/share/sstp/ip-up started (pid 64)\n";
constexpr const char* kRouted = "Script /run/share/sstp/ip-up finished (pid 64), status = 0x0\n";

TEST(SstpClientLog, IsUpWhenRoutesAreThere) {
    SstpClientLog log;
    log.read_sstpc(std::string{kConnecting} + kCalling + kBinding);
    EXPECT_TRUE(log.call_connected());
    log.read_ppp(std::string{kSigningIn} + kSignedIn + kAddressed);
    EXPECT_FALSE(log.up());
    log.read_ppp(kRouted);
    EXPECT_TRUE(log.up());
    EXPECT_EQ(to_string(log.address()), "172.16.201.2");
    EXPECT_THAT(log.dns(), ElementsAre(Ipv4Address{10, 1, 0, 53}));
    EXPECT_EQ(log.authentication(), "mschapv2");
    EXPECT_EQ(log.failure(), "");
}

TEST(SstpClientLog, ReadsLinesInAnyCut) {
    SstpClientLog log;
    for (const char c : std::string{kSigningIn} + kSignedIn + kAddressed + kRouted) log.read_ppp({&c, 1});
    EXPECT_TRUE(log.up());
    EXPECT_EQ(to_string(log.address()), "172.16.201.2");
}

TEST(SstpClientLog, ReadsWhatALineTells) {
    SstpClientLog log;
    log.read_ppp("line: authenticated mschapv2\nline: address 172.16.201.2\nline: dns 10.1.0.53\n");
    EXPECT_FALSE(log.up());
    log.read_ppp("line: up\n");
    EXPECT_TRUE(log.up());
    EXPECT_EQ(log.authentication(), "mschapv2");
    EXPECT_THAT(log.dns(), ElementsAre(Ipv4Address{10, 1, 0, 53}));
    log.read_ppp("line: closed peer-terminated\n");
    EXPECT_EQ(log.failure(), "peer-disconnected");
}

TEST(SstpClientLog, BlamesTheUserWhateverEndsTheLinkThen) {
    SstpClientLog log;
    log.read_ppp(kSigningIn);
    log.read_ppp(
        "rcvd [LCP TermReq id=0x2 \"Authentication failed\"]\nLCP terminated by peer (Authentication failed)\n"
        "MS-CHAP authentication failed: Access denied\nCHAP authentication failed\n");
    EXPECT_EQ(log.failure(), "authentication-failed");
    EXPECT_EQ(log.detail(), "MS-CHAP authentication failed: Access denied");
}

TEST(SstpClientLog, SaysThatTheCertificateIsNotTrusted) {
    SstpClientLog log;
    log.read_sstpc(std::string{kConnecting} +
                   "Jan  1 00:00:00 sstpc[59]: SSL certificate verification failed: unable to get local issuer "
                   "certificate (20) \n"
                   "Jan  1 00:00:00 sstpc[59]: Verification of server certificate failed \n");
    EXPECT_EQ(log.failure(), "tls-failed");
}

// What sstpc says last, after how much, and what it means.
struct Ending {
    std::string before, words, reason;
};

class SstpClientLogEnding : public ::testing::TestWithParam<Ending> {};

TEST_P(SstpClientLogEnding, IsNamed) {
    SstpClientLog log;
    log.read_sstpc(GetParam().before + GetParam().words);
    EXPECT_EQ(log.failure(), GetParam().reason) << GetParam().words;
}

INSTANTIATE_TEST_SUITE_P(
    Sstpc, SstpClientLogEnding,
    ::testing::Values(
        Ending{"",
               "Jan  1 00:00:10 sstpc[59]: Connect timed out \n"
               "Jan  1 00:00:10 sstpc[59]: Could not complete connect to the client \n",
               "no-connection"},
        Ending{kConnecting,
               "Jan  1 00:00:00 sstpc[59]: Unrecoverable socket error, 5 \n"
               "Jan  1 00:00:00 sstpc[59]: Could not perform HTTP handshake with server \n",
               "no-connection"},
        Ending{kConnecting,
               "Jan  1 00:00:00 sstpc[59]: Unrecoverable socket error, 1 \n"
               "Jan  1 00:00:00 sstpc[59]: HTTP handshake with server failed \n",
               "tls-failed"},
        Ending{kConnecting,
               "Jan  1 00:00:00 sstpc[59]: Unrecoverable socket error, 5 \n"
               "Jan  1 00:00:00 sstpc[59]: HTTP handshake with server failed \n",
               "peer-disconnected"},
        Ending{kConnecting, "Jan  1 00:01:00 sstpc[59]: HTTP handshake with server failed \n", "peer-silent"},
        Ending{kConnecting,
               "Jan  1 00:00:00 sstpc[59]: Error: Expected HTTP code 200 \n"
               "Jan  1 00:00:00 sstpc[59]: HTTP handshake with server failed \n",
               "http-refused"},
        Ending{std::string{kConnecting} + kCalling,
               "Jan  1 00:00:00 sstpc[59]:   TYPE(5): ABORT, ATTR(1): \n"
               "Jan  1 00:00:00 sstpc[59]:     STATUS INFO(2): 12 \n"
               "Jan  1 00:00:00 sstpc[59]: Connection was aborted, Reason was not known \n",
               "peer-aborted"},
        Ending{std::string{kConnecting} + kCalling,
               "Jan  1 00:00:00 sstpc[59]:   TYPE(6): DISCONNECT, ATTR(1): \n"
               "Jan  1 00:00:00 sstpc[59]: Sending Disconnect Ack Message \n"
               "Jan  1 00:00:00 sstpc[59]: Connection was aborted, Reason was not known \n",
               "peer-disconnected"},
        Ending{std::string{kConnecting} + kCalling,
               "Jan  1 00:00:00 sstpc[59]: Unrecoverable SSL error \n"
               "Jan  1 00:00:00 sstpc[59]: Connection was aborted, Reason was not known \n",
               "peer-disconnected"},
        Ending{"", "Jan  1 00:00:00 sstpc[59]: Proxy asked for credentials, none provided \n", "proxy-refused"}));

TEST(SstpClientLog, IsKeptWithoutKeys) {
    const auto kept = without_keys(std::string{kSigningIn} + kSignedIn + kAddressed);
    EXPECT_THAT(kept, HasSubstr("The mppe send key (16): (not kept)\nThe mppe recv key (16): (not kept)\nlocal"));
    EXPECT_THAT(kept, Not(HasSubstr("0102030405")));
}

TEST(SstpClientLog, NamesTheVersions) {
    EXPECT_EQ(sstp_version_in("sstp-client version 1.0.18\npppd version 2.4.9\n"), "sstp-client 1.0.18, pppd 2.4.9");
    EXPECT_EQ(sstp_version_in("sstp-client version 1.0.18\n"), "sstp-client 1.0.18");
    EXPECT_EQ(sstp_version_in(""), "");
}

}  // namespace
}  // namespace gatelab::sim::peers
