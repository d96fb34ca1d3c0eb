// Addresses and DNS servers: who gets what.
#include <gtest/gtest.h>

#include "tests/impl/ppp/pair.h"

namespace gatelab::ppp::test {
namespace {

constexpr auto kPap = Authentication::Pap;
constexpr std::uint8_t kAddress = 3;

struct Answer {
    const char* name;
    Role role;
    const char* request;
    Code code;
    const char* options;  // of the answer; "" for those of the request
};
void PrintTo(const Answer& answer, std::ostream* out) { *out << answer.name; }

class IpcpAnswer : public ::testing::TestWithParam<Answer> {};

TEST_P(IpcpAnswer, IsWhatTheRequestDeserves) {
    const auto& expected = GetParam();
    Lone lone{expected.role == Role::Client ? client_options(kPap) : server_options(kPap)};
    lone.to_network();
    const auto answer = lone.feed(Protocol::Ipcp, Code::ConfigureRequest, 9, hex(expected.request));
    ASSERT_EQ(answer.size(), 1u);
    EXPECT_EQ(name_of(static_cast<Code>(answer[0].code)), name_of(expected.code));
    EXPECT_EQ(answer[0].data, hex(*expected.options ? expected.options : expected.request));
}

INSTANTIATE_TEST_SUITE_P(
    Each, IpcpAnswer,
    ::testing::Values(
        // of a server that grants 10.60.0.2, DNS 10.1.0.53 and 10.1.1.53
        Answer{"Granted", Role::Server, "03060a3c0002", Code::ConfigureAck, ""},
        Answer{"NoAddressYet", Role::Server, "030600000000", Code::ConfigureNak, "03060a3c0002"},
        Answer{"AnothersAddress", Role::Server, "03060a3c0003", Code::ConfigureNak, "03060a3c0002"},
        Answer{"ShortAddress", Role::Server, "03040a3c", Code::ConfigureNak, "03060a3c0002"},
        Answer{"AsksForNothing", Role::Server, "", Code::ConfigureNak, "03060a3c0002"},
        Answer{"AsksForDnsAlone", Role::Server, "810600000000", Code::ConfigureNak, "81060a010035 03060a3c0002"},
        Answer{"AllAsWindowsAsks", Role::Server, "030600000000 810600000000 820600000000 830600000000 840600000000",
               Code::ConfigureReject, "820600000000 840600000000"},
        Answer{"ThenWithoutNbns", Role::Server, "030600000000 810600000000 830600000000", Code::ConfigureNak,
               "03060a3c0002 81060a010035 83060a010135"},
        Answer{"AllGranted", Role::Server, "03060a3c0002 81060a010035 83060a010135", Code::ConfigureAck, ""},
        Answer{"VanJacobson", Role::Server, "0206002d0f01 03060a3c0002", Code::ConfigureReject, "0206002d0f01"},
        Answer{"OldAddresses", Role::Server, "010a0a3c00020a3c0001", Code::ConfigureReject, ""},
        Answer{"AddressTwice", Role::Server, "03060a3c0002 03060a3c0003", Code::ConfigureReject, "03060a3c0003"},
        // of a client
        Answer{"ServersAddress", Role::Client, "03060a3c0001", Code::ConfigureAck, ""},
        Answer{"ServerWithoutAddress", Role::Client, "", Code::ConfigureAck, ""},
        Answer{"ServerWantsAnAddress", Role::Client, "030600000000", Code::ConfigureReject, ""},
        Answer{"ServerWantsDns", Role::Client, "810600000000", Code::ConfigureReject, ""}),
    [](const auto& answer) { return std::string{answer.param.name}; });

TEST(Ipcp, HasOnlyTheDnsServersThatThereAre) {
    Lone lone{server_options(kPap)};
    lone.end.on_sign_in = [&](Instant now, const SignIn&) {
        auto grant = usual_grant();
        grant.dns = {kDns1};
        lone.end.session.grant(now, grant);
    };
    lone.to_network();
    const auto answer = lone.feed(Protocol::Ipcp, Code::ConfigureRequest, 9, hex("810600000000 830600000000"));
    EXPECT_TRUE(answer.at(0).is(Code::ConfigureReject));
    EXPECT_EQ(to_hex(answer[0].data), "830600000000");
}

TEST(Ipcp, EndsWithAClientThatInsistsOnAnotherAddress) {
    Lone lone{server_options(kPap)};
    lone.to_network();
    int rounds = 0;
    while (lone.end.phase() == Phase::Network && rounds < 100)
        lone.feed(Protocol::Ipcp, Code::ConfigureRequest, static_cast<std::uint8_t>(++rounds), hex("0306c0a80001"));
    EXPECT_EQ(rounds, 11);
    lone.wait(seconds(10));
    EXPECT_EQ(lone.end.why_closed(), "no-agreement: the peer asks for what we refused 10 times");
    EXPECT_FALSE(lone.end.opened());
}

TEST(Ipcp, KeepsItsOwnAddressWhateverAClientWould) {
    Lone lone{server_options(kPap)};
    lone.to_network();
    const auto request = last_request(lone.log, Protocol::Ipcp);
    EXPECT_EQ(to_hex(request.data), "03060a3c0001");
    const auto next = lone.feed(Protocol::Ipcp, Code::ConfigureNak, request.identifier, hex("0306c0a80001"));
    EXPECT_EQ(to_hex(next.at(0).data), "03060a3c0001");
    const auto last = lone.feed(Protocol::Ipcp, Code::ConfigureReject, next[0].identifier, hex("03060a3c0001"));
    EXPECT_TRUE(last.at(0).data.empty());
}

TEST(Ipcp, AsksForAnAddressAndDnsServers) {
    Lone lone{client_options(kPap)};
    lone.to_network();
    EXPECT_EQ(to_hex(last_request(lone.log, Protocol::Ipcp).data), "030600000000810600000000830600000000");
    auto options = client_options(kPap);
    options.ask_for_dns = false;
    Lone without{options};
    without.to_network();
    EXPECT_EQ(to_hex(last_request(without.log, Protocol::Ipcp).data), "030600000000");
}

TEST(Ipcp, GoesOnWithoutDnsServersThatAreRejected) {
    Lone lone{client_options(kPap)};
    lone.to_network();
    auto request = last_request(lone.log, Protocol::Ipcp);
    request =
        lone.feed(Protocol::Ipcp, Code::ConfigureReject, request.identifier, hex("810600000000 830600000000")).at(0);
    EXPECT_EQ(to_hex(request.data), "030600000000");
    lone.feed(Protocol::Ipcp, Code::ConfigureNak, request.identifier, hex("03060a3c0002"));
    lone.agree(Protocol::Ipcp, hex("03060a3c0001"));
    EXPECT_EQ(lone.end.all<Session::Opened>().at(0).agreed, (Agreed{kClientAddress, kServerAddress, {}, 1400}));
}

TEST(Ipcp, LeavesAServerThatGivesNoUsableAddress) {
    for (const auto* address : {"00000000", "7f000001", "e0000001", "ffffffff"}) {
        Lone lone{client_options(kPap)};
        lone.to_network();
        // --> Configure-Nak {address}, over and over
        for (int i = 0; i < 100 && lone.end.phase() == Phase::Network; ++i)
            lone.feed(Protocol::Ipcp, Code::ConfigureNak, last_request(lone.log, Protocol::Ipcp).identifier,
                      hex(std::string{"0306"} + address));
        lone.wait(seconds(10));
        EXPECT_EQ(lone.end.closed(), CloseReason::NoAgreement) << address;
        EXPECT_LT(lone.log.size(), 20u);
    }
}

TEST(Ipcp, LeavesAServerThatAcksNoAddress) {
    Lone lone{client_options(kPap)};
    lone.to_network();
    lone.agree(Protocol::Ipcp, hex("03060a3c0001"));  // acks 0.0.0.0
    lone.wait(seconds(10));
    EXPECT_EQ(lone.end.why_closed(), "no-agreement: the server gives 0.0.0.0, which no host can have");
    EXPECT_FALSE(lone.end.opened());
}

TEST(Ipcp, LeavesAServerThatRejectsTheAddress) {
    Lone lone{client_options(kPap)};
    lone.to_network();
    const auto request = last_request(lone.log, Protocol::Ipcp);
    lone.feed(Protocol::Ipcp, Code::ConfigureReject, request.identifier, hex("030600000000"));
    lone.wait(seconds(10));
    EXPECT_EQ(lone.end.why_closed(), "no-agreement: the server gives no address");
}

TEST(Ipcp, ComesBackTheSameWhenNegotiatedAnew) {
    Lone lone{server_options(kPap)};
    lone.to_open();
    const auto next = lone.feed(Protocol::Ipcp, Code::ConfigureRequest, 20, hex("03060a3c0002"));
    EXPECT_EQ(lone.end.phase(), Phase::Network);
    EXPECT_TRUE(lone.end.session.seal(lone.now, {}).empty());
    lone.feed(Protocol::Ipcp, Code::ConfigureAck, next.at(0).identifier, next[0].data);
    EXPECT_EQ(lone.end.phase(), Phase::Open);
    EXPECT_EQ(lone.end.all<Session::Opened>().size(), 1u);
}

TEST(Ipcp, MayBeNegotiatedAnewNowAndThenButNotForEver) {
    for (const auto pause : {seconds(0), seconds(61)}) {
        auto options = server_options(kPap);
        options.echo_after = Duration::zero();
        Lone lone{options};
        lone.to_open();
        for (int i = 0; i < 30 && lone.end.phase() == Phase::Open; ++i) {
            lone.wait(pause);
            lone.agree(Protocol::Ipcp, hex("03060a3c0002"));
            const auto request = last_request(lone.log, Protocol::Ipcp);
            lone.feed(Protocol::Ipcp, Code::ConfigureAck, request.identifier, request.data);
        }
        EXPECT_EQ(lone.end.phase(), pause == seconds(0) ? Phase::Terminate : Phase::Open);
    }
}

TEST(Ipcp, KeepsAClientAtItsAddress) {
    Lone lone{client_options(kPap)};
    lone.to_open();
    lone.feed(Protocol::Ipcp, Code::ConfigureRequest, 20, hex("0306 0a3c0001"));
    lone.feed(Protocol::Ipcp, Code::ConfigureNak, last_request(lone.log, Protocol::Ipcp).identifier,
              hex("0306 0a3c0009"));
    const auto request = last_request(lone.log, Protocol::Ipcp);
    lone.feed(Protocol::Ipcp, Code::ConfigureAck, request.identifier, request.data);
    lone.wait(seconds(10));
    EXPECT_EQ(lone.end.why_closed(), "no-agreement: the peer changes the addresses of an open link");
}

TEST(Ipcp, EndsTheLinkWhenThePeerEndsIt) {
    Lone lone{server_options(kPap)};
    lone.to_open();
    EXPECT_TRUE(lone.feed(Protocol::Ipcp, Code::TerminateRequest, 3).at(0).is(Code::TerminateAck));
    lone.wait(seconds(20));
    EXPECT_EQ(lone.end.why_closed(), "peer-terminated: the peer ended ipcp");
}

TEST(Ipcp, GivesUpWhenNobodyAnswers) {
    Lone lone{server_options(kPap)};
    lone.to_network();
    lone.wait(minutes(1));
    EXPECT_EQ(lone.end.why_closed(), "peer-silent: no answer to 10 requests of ipcp");
}

TEST(Ipcp, NeedsAnAddressToGrant) {
    Lone lone{server_options(kPap)};
    lone.end.on_sign_in = [&](Instant now, const SignIn&) {
        auto grant = usual_grant();
        grant.address = {};
        lone.end.session.grant(now, grant);
    };
    lone.to_authenticate();
    lone.feed(Protocol::Pap, 1, 1, hex("05 616c696365 06 733363726574"));
    lone.wait(seconds(10));
    EXPECT_EQ(lone.end.why_closed(), "no-agreement: 0.0.0.0 is no address for a client");
}

TEST(Ipcp, CountsAndDropsForeignSources) {
    Lone lone{server_options(kPap)};
    lone.to_open();
    const auto own = testing::echo_packet(kClientAddress, kHost, {});
    const auto foreign = testing::echo_packet({10, 60, 0, 3}, kHost, {});
    lone.feed(ip_frame(own));
    lone.feed(ip_frame(foreign));
    EXPECT_EQ(lone.end.received, std::vector<Bytes>{own});
    EXPECT_EQ(lone.end.counters().foreign_source, 1u);
    EXPECT_EQ(lone.end.counters().packets_in, 1u);
}

}  // namespace
}  // namespace gatelab::ppp::test
