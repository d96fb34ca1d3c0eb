// What LCP agrees to, and what it does with a peer that will not.
#include <gtest/gtest.h>

#include "tests/impl/ppp/pair.h"

namespace gatelab::ppp::test {
namespace {

constexpr auto kPap = Authentication::Pap, kMsChapV2 = Authentication::MsChapV2;
constexpr std::uint8_t kMru = 1, kAuthentication = 3, kMagic = 5;

// A session's answer to a Configure-Request of LCP; nothing when it gives none.
std::optional<Heard> answer_to(Lone& lone, std::string_view options) {
    lone.start();
    for (const auto& one : lone.feed(Protocol::Lcp, Code::ConfigureRequest, 9, hex(options)))
        if (!one.is(Code::ConfigureRequest)) return one;
    return {};
}

struct Answer {
    const char* name;
    Role role;
    const char* request;
    Code code;
    const char* options;  // of the answer; "" for those of the request
};
void PrintTo(const Answer& answer, std::ostream* out) { *out << answer.name; }

class LcpAnswer : public ::testing::TestWithParam<Answer> {};

TEST_P(LcpAnswer, IsWhatTheRequestDeserves) {
    const auto& expected = GetParam();
    Lone lone{expected.role == Role::Client ? client_options() : server_options()};
    const auto answer = answer_to(lone, expected.request);
    ASSERT_TRUE(answer);
    EXPECT_EQ(name_of(static_cast<Code>(answer->code)), name_of(expected.code));
    EXPECT_EQ(answer->identifier, 9);
    EXPECT_EQ(answer->data, hex(*expected.options ? expected.options : expected.request));
}

INSTANTIATE_TEST_SUITE_P(
    Each, LcpAnswer,
    ::testing::Values(Answer{"Nothing", Role::Server, "", Code::ConfigureAck, ""},
                      Answer{"AnyOrder", Role::Server, "0506deadbeef 01040600", Code::ConfigureAck, ""},
                      Answer{"LeastMru", Role::Server, "01040578", Code::ConfigureAck, ""},
                      Answer{"SmallMru", Role::Server, "01040577", Code::ConfigureNak, "01040578"},
                      Answer{"ShortMru", Role::Server, "010305", Code::ConfigureNak, "01040578"},
                      Answer{"ControlCharacters", Role::Server, "020600000000", Code::ConfigureAck, ""},
                      Answer{"ShortControlCharacters", Role::Server, "0204000a", Code::ConfigureReject, ""},
                      Answer{"Compressions", Role::Server, "0702 0802", Code::ConfigureAck, ""},
                      Answer{"LongCompression", Role::Server, "070300", Code::ConfigureReject, ""},
                      Answer{"Callback", Role::Server, "0d0306", Code::ConfigureReject, ""},
                      Answer{"Multilink", Role::Server, "1104064e 1303aa 170401aa", Code::ConfigureReject, ""},
                      Answer{"Quality", Role::Server, "0404c025", Code::ConfigureReject, ""},
                      Answer{"RejectsBeforeNaks", Role::Server, "01040040 0d0306 0702", Code::ConfigureReject,
                             "0d0306"},
                      Answer{"SecondOfAKind", Role::Server, "01040600 01040700", Code::ConfigureReject, "01040700"},
                      Answer{"ServerAskedWhoItIs", Role::Server, "0305c22381", Code::ConfigureReject, ""},
                      Answer{"MsChapV2", Role::Client, "0305c22381", Code::ConfigureAck, ""},
                      Answer{"Eap", Role::Client, "0304c227", Code::ConfigureNak, "0305c22381"},
                      Answer{"Pap", Role::Client, "0304c023", Code::ConfigureNak, "0305c22381"},
                      Answer{"ChapMd5", Role::Client, "0305c22305", Code::ConfigureNak, "0305c22381"},
                      Answer{"MsChapV1", Role::Client, "0305c22380", Code::ConfigureNak, "0305c22381"},
                      Answer{"ChapWithoutAlgorithm", Role::Client, "0304c223", Code::ConfigureNak, "0305c22381"},
                      Answer{"ShortAuthentication", Role::Client, "0303c2", Code::ConfigureNak, "0305c22381"}),
    [](const auto& answer) { return std::string{answer.param.name}; });

TEST(Lcp, AsksForWhatItNeeds) {
    Lone server{server_options()}, client{client_options()};
    const auto of_server = server.start().at(0), of_client = client.start().at(0);
    EXPECT_EQ(to_hex(of_server.option(kMru).value()), "0578");
    EXPECT_EQ(to_hex(of_server.option(kAuthentication).value()), "c22381");
    EXPECT_NE(to_hex(of_server.option(kMagic).value()), "00000000");
    EXPECT_EQ(to_hex(of_client.option(kMru).value()), "0578");
    EXPECT_FALSE(of_client.option(kAuthentication));
}

TEST(Lcp, WantsAMagicNumberThatIsNone) {
    Lone lone{server_options()};
    const auto answer = answer_to(lone, "050600000000");
    ASSERT_TRUE(answer && answer->is(Code::ConfigureNak));
    EXPECT_NE(to_hex(answer->option(kMagic).value()), "00000000");
}

TEST(Lcp, RepeatsARequestAsItWas) {
    Lone lone{client_options()};
    const auto first = lone.start().at(0);
    const auto again = lone.wait(seconds(3));
    ASSERT_EQ(again.size(), 1u);
    EXPECT_EQ(again[0].identifier, first.identifier);
    EXPECT_EQ(again[0].data, first.data);
}

TEST(Lcp, GivesUpWhenNobodyAnswers) {
    Lone lone{client_options()};
    lone.start();
    lone.wait(minutes(5));
    EXPECT_EQ(lone.log.size(), 10u);
    EXPECT_EQ(lone.end.why_closed(), "peer-silent: no answer to 10 requests of lcp");
    EXPECT_FALSE(lone.end.session.next_timeout());
}

TEST(Lcp, TakesTheMethodThatAClientNames) {
    auto options = server_options();
    options.authentication = {kMsChapV2, kPap};
    Lone lone{options};
    const auto first = lone.start().at(0);
    const auto next = lone.feed(Protocol::Lcp, Code::ConfigureNak, first.identifier, hex("0304c023"));
    ASSERT_EQ(next.size(), 1u);
    EXPECT_NE(next[0].identifier, first.identifier);
    EXPECT_EQ(to_hex(next[0].option(kAuthentication).value()), "c023");
}

TEST(Lcp, OffersItsNextMethodToAClientThatNamesAForeignOne) {
    auto options = server_options();
    options.authentication = {kMsChapV2, kPap};
    Lone lone{options};
    const auto first = lone.start().at(0);
    const auto next = lone.feed(Protocol::Lcp, Code::ConfigureNak, first.identifier, hex("0304c227"));
    EXPECT_EQ(to_hex(next.at(0).option(kAuthentication).value()), "c023");
    lone.feed(Protocol::Lcp, Code::ConfigureNak, next[0].identifier, hex("0304c227"));
    lone.wait(seconds(10));
    EXPECT_EQ(lone.end.why_closed(), "authentication-failed: the client does no authentication that we do");
}

TEST(Lcp, LeavesAClientThatRefusesToAuthenticate) {
    Lone lone{server_options()};
    const auto first = lone.start().at(0);
    const auto next = lone.feed(Protocol::Lcp, Code::ConfigureReject, first.identifier, hex("0305c22381"));
    ASSERT_EQ(next.size(), 1u);
    EXPECT_TRUE(next[0].is(Code::TerminateRequest));
    lone.feed(Protocol::Lcp, Code::TerminateAck, next[0].identifier);
    EXPECT_EQ(lone.end.why_closed(), "authentication-failed: the client refuses to authenticate");
}

TEST(Lcp, LeavesAServerThatDoesNotAsk) {
    Lone lone{client_options()};
    lone.start();
    lone.agree(Protocol::Lcp, hex("0506deadbeef"));
    lone.wait(seconds(10));
    EXPECT_EQ(lone.end.why_closed(), "authentication-failed: the server asks for no authentication that we do");
}

TEST(Lcp, LeavesAServerThatInsistsOnEap) {
    Lone lone{client_options()};
    lone.start();
    int naks = 0, rejects = 0;
    for (std::uint8_t i = 0; i < 40 && lone.end.phase() == Phase::Establish; ++i)
        for (const auto& one : lone.feed(Protocol::Lcp, Code::ConfigureRequest, i, hex("0304c227"))) {
            naks += one.is(Code::ConfigureNak);
            rejects += one.is(Code::ConfigureReject);
        }
    EXPECT_EQ(naks, 5);  // Max-Failure
    EXPECT_EQ(rejects, 5);
    lone.wait(seconds(10));
    EXPECT_EQ(lone.end.closed(), CloseReason::AuthenticationFailed);
}

TEST(Lcp, EndsAStormOfNaks) {
    Lone lone{server_options()};
    auto request = lone.start().at(0);
    int rounds = 0;
    while (lone.end.phase() == Phase::Establish && rounds < 100) {
        const auto next = lone.feed(Protocol::Lcp, Code::ConfigureNak, request.identifier, hex("01040400"));
        ++rounds;
        if (!next.empty()) request = next.back();
    }
    EXPECT_EQ(rounds, 6);
    lone.wait(seconds(10));
    EXPECT_EQ(lone.end.why_closed(), "no-agreement: the peer refused 6 requests in a row");
}

TEST(Lcp, EndsAnEndlessNegotiation) {
    // --> Configure-Ack, Terminate-Ack: back to where we were, without a refusal.
    Lone lone{server_options()};
    lone.start();
    for (int i = 0; i < 200 && lone.end.phase() == Phase::Establish; ++i) {
        const auto request = last_request(lone.log, Protocol::Lcp);
        lone.feed(Protocol::Lcp, Code::ConfigureAck, request.identifier, request.data);
        lone.feed(Protocol::Lcp, Code::TerminateAck, 1);
        lone.wait(seconds(3));
    }
    lone.wait(seconds(10));
    EXPECT_EQ(lone.end.why_closed(), "no-agreement: no agreement after 40 requests");
}

TEST(Lcp, StopsAskingForWhatIsRejected) {
    Lone lone{server_options()};
    const auto first = lone.start().at(0);
    Bytes both;
    append_option(both, kMru, *first.option(kMru));
    append_option(both, kMagic, *first.option(kMagic));
    const auto next = lone.feed(Protocol::Lcp, Code::ConfigureReject, first.identifier, both);
    EXPECT_EQ(to_hex(next.at(0).data), "0305c22381");
}

TEST(Lcp, PassesOverAnswersToOtherRequests) {
    Lone lone{server_options()};
    const auto first = lone.start().at(0);
    const auto wrong = static_cast<std::uint8_t>(first.identifier + 1);
    auto other = first.data;
    other.back() ^= 1;
    lone.feed(Protocol::Lcp, Code::ConfigureRequest, 1, hex("0506deadbeef"));
    EXPECT_TRUE(lone.feed(Protocol::Lcp, Code::ConfigureAck, wrong, first.data).empty());
    EXPECT_TRUE(lone.feed(Protocol::Lcp, Code::ConfigureAck, first.identifier, other).empty());
    EXPECT_TRUE(lone.feed(Protocol::Lcp, Code::ConfigureNak, wrong, hex("01040400")).empty());
    EXPECT_TRUE(lone.feed(Protocol::Lcp, Code::ConfigureReject, first.identifier, hex("0d0306")).empty());
    EXPECT_TRUE(lone.feed(Protocol::Lcp, Code::ConfigureReject, first.identifier).empty());
    EXPECT_EQ(lone.end.phase(), Phase::Establish);
    lone.feed(Protocol::Lcp, Code::ConfigureAck, first.identifier, first.data);
    EXPECT_EQ(lone.end.phase(), Phase::Authenticate);
}

TEST(Lcp, SeesItselfAtTheOtherEndOfTheLine) {
    for (const auto& options : {client_options(), server_options()}) {
        Lone lone{options};
        lone.start();
        // Everything comes back.
        for (std::size_t i = 0; i < lone.log.size() && i < 200; ++i) {
            const auto frame = lone.log[i];
            lone.feed(frame.protocol, frame.code, frame.identifier, frame.data);
        }
        lone.wait(seconds(10));
        EXPECT_EQ(lone.end.why_closed(), "protocol-error: the line leads back to ourselves");
        EXPECT_LT(lone.log.size(), 40u);
    }
}

TEST(Lcp, NaksAMagicNumberThatIsItsOwn) {
    Lone lone{server_options()};
    const auto own = *lone.start().at(0).option(kMagic);
    Bytes options;
    append_option(options, kMagic, own);
    const auto answer = lone.feed(Protocol::Lcp, Code::ConfigureRequest, 1, options);
    ASSERT_TRUE(answer.at(0).is(Code::ConfigureNak));
    EXPECT_NE(answer[0].option(kMagic).value(), own);
}

TEST(Lcp, TakesTheSmallerMruForPacketsOfIp) {
    Lone lone{server_options(kPap)};
    lone.start();
    lone.agree(Protocol::Lcp, hex("010405a0 0506deadbeef"));  // 1440
    lone.feed(Protocol::Pap, 1, 1, hex("05 616c696365 06 733363726574"));
    lone.agree(Protocol::Ipcp, hex("0306 0a3c0002"));
    EXPECT_EQ(lone.end.all<Session::Opened>().at(0).agreed.mtu, 1400);
}

TEST(Lcp, RejectsCodesThatItDoesNotKnow) {
    Lone lone{server_options()};
    lone.start();
    const auto answer = lone.feed(Protocol::Lcp, 99, 5, hex("aabb"));
    ASSERT_EQ(answer.size(), 1u);
    EXPECT_TRUE(answer[0].is(Code::CodeReject));
    EXPECT_EQ(to_hex(answer[0].data), "63050006aabb");
    EXPECT_EQ(lone.feed(Protocol::Lcp, 99, 5, Bytes(4000)).at(0).data.size(), 572u);
}

TEST(Lcp, TakesExtensionsOfItWithoutAWord) {  // RFC 1570
    Lone lone{server_options(kPap)};
    lone.to_open();
    EXPECT_TRUE(lone.feed(Protocol::Lcp, Code::Identification, 1, hex("deadbeef 4d5352415356352e3230")).empty());
    EXPECT_TRUE(lone.feed(Protocol::Lcp, Code::TimeRemaining, 1, hex("deadbeef 00000e10")).empty());
    EXPECT_TRUE(lone.feed(Protocol::Lcp, Code::DiscardRequest, 1, hex("deadbeef")).empty());
    EXPECT_EQ(lone.end.phase(), Phase::Open);
}

TEST(Lcp, EndsWhenAVitalCodeIsRejected) {
    Lone lone{server_options(kPap)};
    lone.to_open();
    lone.feed(Protocol::Lcp, Code::CodeReject, 1, hex("0b010004"));  // Discard-Request: we can do without
    EXPECT_EQ(lone.end.phase(), Phase::Open);
    const auto next = lone.feed(Protocol::Lcp, Code::CodeReject, 2, hex("01010004"));
    EXPECT_TRUE(next.at(0).is(Code::TerminateRequest));
    lone.wait(seconds(10));
    EXPECT_EQ(lone.end.closed(), CloseReason::ProtocolError);
}

TEST(Lcp, NegotiatesAnewBeforeTheSignIn) {
    Lone lone{server_options()};
    lone.to_authenticate();
    const auto next = lone.feed(Protocol::Lcp, Code::ConfigureRequest, 50, hex("0506deadbeef"));
    ASSERT_EQ(next.size(), 2u);
    EXPECT_TRUE(next[0].is(Code::ConfigureRequest));
    EXPECT_TRUE(next[1].is(Code::ConfigureAck));
    EXPECT_EQ(lone.end.phase(), Phase::Establish);
    const auto challenge = lone.feed(Protocol::Lcp, Code::ConfigureAck, next[0].identifier, next[0].data);
    EXPECT_EQ(lone.end.phase(), Phase::Authenticate);
    EXPECT_EQ(challenge.at(0).protocol, Protocol::Chap);
}

TEST(Lcp, DoesNotNegotiateForEver) {
    Lone lone{server_options()};
    lone.start();
    for (int i = 0; i < 100 && lone.end.phase() != Phase::Terminate; ++i)
        lone.agree(Protocol::Lcp, hex("0506deadbeef"));
    lone.wait(seconds(10));
    EXPECT_EQ(lone.end.why_closed(), "no-agreement: the peer negotiates the link over and over");
}

TEST(Lcp, EndsALinkThatIsNegotiatedAnewBehindTheSignIn) {
    for (const bool waits : {true, false}) {
        Lone lone{server_options(kPap)};
        if (waits) {
            lone.end.on_sign_in = [](Instant, const SignIn&) {};
            lone.to_authenticate();
            lone.feed(Protocol::Pap, 1, 1, hex("05 616c696365 06 733363726574"));
        } else {
            lone.to_open();
        }
        lone.feed(Protocol::Lcp, Code::ConfigureRequest, 50, hex("0506deadbeef"));
        EXPECT_EQ(lone.end.phase(), Phase::Terminate);
        lone.wait(seconds(10));
        EXPECT_EQ(lone.end.why_closed(), "protocol-error: the peer negotiates the link anew after the sign-in");
    }
}

TEST(Lcp, AnswersATerminateRequestAndLingers) {
    Lone lone{server_options(kPap)};
    lone.to_open();
    const auto ack = lone.feed(Protocol::Lcp, Code::TerminateRequest, 33);
    ASSERT_EQ(ack.size(), 1u);
    EXPECT_TRUE(ack[0].is(Code::TerminateAck));
    EXPECT_EQ(ack[0].identifier, 33);
    EXPECT_FALSE(lone.end.closed());
    EXPECT_TRUE(lone.feed(Protocol::Lcp, Code::TerminateRequest, 34).at(0).is(Code::TerminateAck));
    EXPECT_TRUE(lone.wait(seconds(3)).empty());
    EXPECT_EQ(lone.end.closed(), CloseReason::PeerTerminated);
}

TEST(Lcp, EndsWhenThePeerEndsItInTheMiddleOfANegotiation) {
    Lone lone{server_options()};
    lone.start();
    const auto answer = lone.feed(Protocol::Lcp, Code::TerminateRequest, 33);
    ASSERT_EQ(answer.size(), 2u);
    EXPECT_TRUE(answer[0].is(Code::TerminateAck));
    EXPECT_TRUE(answer[1].is(Code::TerminateRequest));
    lone.feed(Protocol::Lcp, Code::TerminateAck, answer[1].identifier);
    EXPECT_EQ(lone.end.why_closed(), "peer-terminated: the peer ended lcp");
}

TEST(Lcp, RepeatsATerminateRequestInVain) {
    Lone lone{client_options(kPap)};
    lone.to_open();
    EXPECT_EQ(lone.call([&] { lone.end.session.close(lone.now); }).size(), 1u);
    EXPECT_EQ(lone.wait(seconds(5)).size(), 1u);
    EXPECT_FALSE(lone.end.closed());
    EXPECT_TRUE(lone.wait(seconds(1)).empty());
    EXPECT_EQ(lone.end.closed(), CloseReason::Requested);
}

}  // namespace
}  // namespace gatelab::ppp::test
