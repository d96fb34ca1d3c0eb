// PAP and MS-CHAPv2 on a link: right, wrong, lost and late.
#include <gtest/gtest.h>

#include "tests/impl/ppp/pair.h"

namespace gatelab::ppp::test {
namespace {

constexpr auto kPap = Authentication::Pap, kMsChapV2 = Authentication::MsChapV2;
constexpr std::uint8_t kChallenge = 1, kResponse = 2, kSuccess = 3, kFailure = 4;

const mschap::Challenge kChallengeOfTest{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

Bytes value_and_name(ByteView value, std::string_view name) {
    return ByteWriter{}.u8(static_cast<std::uint8_t>(value.size())).bytes(value).bytes(as_bytes(name)).take();
}

// Brings a client to where it has been challenged; its response.
Heard challenge(Lone& client, std::uint8_t identifier = 5) {
    client.start();
    client.agree(Protocol::Lcp, hex("0305c22381 0506deadbeef"));
    return client.feed(Protocol::Chap, kChallenge, identifier, value_and_name(kChallengeOfTest, "gateway")).at(0);
}

mschap::Success judged(const Heard& response, std::string_view password = "s3cret") {
    const auto value = mschap::parse_response(ByteView{response.data}.subspan(1, 49)).value();
    return mschap::verify("alice", password, kChallengeOfTest, value).value();
}

TEST(Judge, KnowsAClientByNameAndProof) {
    const SignIn plain{"alice", PapProof{"s3cret"}};
    EXPECT_TRUE(judge(plain, "alice", "s3cret"));
    EXPECT_FALSE(judge(plain, "alice", "s3cre"));
    EXPECT_FALSE(judge(plain, "alice", "s3cret "));
    EXPECT_FALSE(judge(plain, "bob", "s3cret"));
    EXPECT_TRUE(judge({"CONTOSO\\alice", PapProof{"s3cret"}}, "alice", "s3cret"));
    EXPECT_TRUE(judge({"CONTOSO\\alice", PapProof{"s3cret"}}, "CONTOSO\\alice", "s3cret"));
    EXPECT_FALSE(judge({"CONTOSO\\alice", PapProof{"s3cret"}}, "OTHER\\alice", "s3cret"));
    EXPECT_FALSE(judge({"", PapProof{""}}, "alice", ""));
}

TEST(SignIn, FailsWithAWrongPassword) {
    for (const auto method : {kPap, kMsChapV2}) {
        auto options = client_options(method);
        options.credentials->password = "wrong";
        Pair pair{options, server_options(method)};
        pair.start();
        pair.run_for(seconds(20));
        EXPECT_EQ(pair.server.why_closed(), "authentication-failed: unknown name or wrong password");
        EXPECT_EQ(pair.client.closed(), CloseReason::AuthenticationFailed);
        EXPECT_NE(pair.client.why_closed().find("unknown name or wrong password"), std::string::npos);
        EXPECT_TRUE(pair.client.all<Session::Authenticated>().empty());
        EXPECT_TRUE(pair.server.all<Session::Authenticated>().empty());
    }
}

TEST(SignIn, TakesANameWithItsDomain) {
    auto options = client_options(kMsChapV2);
    options.credentials->name = "CONTOSO\\alice";
    Pair pair{options, server_options(kMsChapV2)};
    EXPECT_TRUE(pair.connect());
    EXPECT_EQ(pair.server.session.status().peer_name, "CONTOSO\\alice");
}

TEST(SignIn, TakesAPasswordBeyondAscii) {
    auto options = client_options(kMsChapV2);
    options.credentials->password = "Schl\xc3\xbcssel\xf0\x9f\x94\x91";
    Pair pair{options, server_options(kMsChapV2)};
    pair.server.on_sign_in = [&](Instant now, const SignIn& asked) {
        auto grant = usual_grant();
        grant.success = judge(asked, "alice", "Schl\xc3\xbcssel\xf0\x9f\x94\x91").value();
        pair.server.session.grant(now, grant);
    };
    EXPECT_TRUE(pair.connect());
}

TEST(SignIn, SettlesOnTheMethodThatBothDo) {
    auto server = server_options();
    server.authentication = {kMsChapV2, kPap};
    Pair pair{client_options(kPap), server};
    ASSERT_TRUE(pair.connect());
    EXPECT_EQ(pair.client.session.status().authentication, kPap);

    Pair apart{client_options(kPap), server_options(kMsChapV2)};
    apart.start();
    apart.run_for(seconds(10));
    EXPECT_EQ(apart.server.closed(), CloseReason::AuthenticationFailed);
    EXPECT_EQ(apart.client.closed(), CloseReason::AuthenticationFailed);
}

TEST(SignIn, EndsWhenItsOwnerDoesNotJudge) {
    Pair pair;
    pair.server.on_sign_in = [](Instant, const SignIn&) {};
    pair.start();
    pair.run_for(minutes(1));
    EXPECT_EQ(pair.server.why_closed(), "authentication-failed: not authenticated within 30 s");
    EXPECT_TRUE(pair.client.closed());
    pair.call([&] { pair.server.session.grant(pair.now, usual_grant()); });  // too late, and harmless
}

TEST(SignIn, EndsWhenTheClientSaysNothing) {
    Lone lone{server_options(kPap)};
    lone.to_authenticate();
    lone.wait(seconds(40));
    EXPECT_EQ(lone.end.closed(), CloseReason::AuthenticationFailed);
}

TEST(Chap, ChallengesAnewUntilItIsAnswered) {
    Lone lone{server_options()};
    lone.to_authenticate();
    const auto first = lone.log.back();
    ASSERT_EQ(first.protocol, Protocol::Chap);
    EXPECT_EQ(first.data.size(), 17u + 7);
    const auto again = lone.wait(seconds(3));
    ASSERT_EQ(again.size(), 1u);
    EXPECT_NE(again[0].identifier, first.identifier);
    EXPECT_NE(again[0].data, first.data);
}

TEST(Chap, AnswersARepeatedResponseAsBefore) {
    Pair pair;
    ASSERT_TRUE(pair.connect());
    const auto is_response = [](const Parcel& parcel) {
        return parcel.from.port == 1 && parcel.bytes[0] == 0xc2 && parcel.bytes[2] == kResponse;
    };
    const auto response = std::ranges::find_if(pair.sent, is_response);
    ASSERT_NE(response, pair.sent.end());
    const auto bytes = response->bytes;
    const auto answer = heard(pair.server.feed(pair.now, bytes));
    ASSERT_EQ(answer.size(), 1u);
    EXPECT_EQ(answer[0].code, kSuccess);
    EXPECT_EQ(pair.server.all<Session::SignInAsked>().size(), 1u);
    EXPECT_EQ(pair.server.phase(), Phase::Open);
}

TEST(Chap, PassesOverResponsesToOtherChallengesAndOfOtherSizes) {
    Lone lone{server_options()};
    lone.to_authenticate();
    const auto identifier = lone.log.back().identifier;
    const Bytes value(49), short_value(48), long_value(50);
    EXPECT_TRUE(lone.feed(Protocol::Chap, kResponse, identifier + 1, value_and_name(value, "alice")).empty());
    EXPECT_TRUE(lone.feed(Protocol::Chap, kResponse, identifier, value_and_name(short_value, "alice")).empty());
    EXPECT_TRUE(lone.feed(Protocol::Chap, kResponse, identifier, value_and_name(long_value, "alice")).empty());
    EXPECT_TRUE(lone.feed(Protocol::Chap, kResponse, identifier, hex("31 00")).empty());
    EXPECT_TRUE(lone.feed(Protocol::Chap, kResponse, identifier).empty());
    EXPECT_TRUE(lone.feed(Protocol::Chap, kChallenge, identifier, value_and_name(value, "alice")).empty());
    EXPECT_TRUE(lone.end.all<Session::SignInAsked>().empty());
    EXPECT_EQ(lone.end.counters().malformed, 4u);
    lone.feed(Protocol::Chap, kResponse, identifier, value_and_name(value, "alice"));
    EXPECT_EQ(lone.end.all<Session::SignInAsked>().size(), 1u);
}

TEST(Chap, SendsAFailureThatItsRfcKnows) {
    Lone lone{server_options()};
    lone.to_authenticate();
    const auto next =
        lone.feed(Protocol::Chap, kResponse, lone.log.back().identifier, value_and_name(Bytes(49), "alice"));
    ASSERT_EQ(next.size(), 2u);
    EXPECT_EQ(next[0].code, kFailure);
    const auto failure = mschap::parse_failure(as_text(next[0].data));
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->error, 691);
    EXPECT_FALSE(failure->may_retry);
    EXPECT_TRUE(next[1].is(Code::TerminateRequest));
}

TEST(ChapClient, SignsInWithAServerThatProvesItself) {
    Lone lone{client_options()};
    const auto response = challenge(lone);
    EXPECT_EQ(response.code, kResponse);
    EXPECT_EQ(response.identifier, 5);
    EXPECT_EQ(as_text(ByteView{response.data}.subspan(50)), "alice");
    const auto success = judged(response);
    lone.feed(Protocol::Chap, kSuccess, 5, as_bytes(success.authenticator_response + " M=Hello"));
    EXPECT_EQ(lone.end.phase(), Phase::Network);
    EXPECT_EQ(lone.end.all<Session::Authenticated>().at(0).keys, success.keys);
}

TEST(ChapClient, LeavesAServerThatDoesNotKnowThePassword) {
    for (const auto* message : {"S=0000000000000000000000000000000000000000 M=Welcome", "M=Welcome", ""}) {
        Lone lone{client_options()};
        challenge(lone);
        lone.feed(Protocol::Chap, kSuccess, 5, as_bytes(message));
        lone.wait(seconds(10));
        EXPECT_EQ(lone.end.why_closed(), "authentication-failed: the server did not prove that it knows the password");
        EXPECT_TRUE(lone.end.all<Session::Authenticated>().empty());
    }
}

TEST(ChapClient, SaysWhatAFailureMeans) {
    Lone lone{client_options()};
    challenge(lone);
    lone.feed(Protocol::Chap, kFailure, 5, as_bytes("E=649 R=0 C=00 V=3 M=Not today"));
    lone.wait(seconds(10));
    EXPECT_EQ(lone.end.why_closed(),
              "authentication-failed: the server refused us: error 649, no permission to dial in: Not today");
}

TEST(ChapClient, RepeatsItsResponseAndAnswersARepeatedChallengeAlike) {
    Lone lone{client_options()};
    const auto response = challenge(lone);
    const auto again = lone.wait(seconds(3));
    ASSERT_EQ(again.size(), 1u);
    EXPECT_EQ(again[0].data, response.data);
    const auto repeated = lone.feed(Protocol::Chap, kChallenge, 5, value_and_name(kChallengeOfTest, "gateway"));
    EXPECT_EQ(repeated.at(0).data, response.data);
    auto other = kChallengeOfTest;
    other[0] ^= 1;
    EXPECT_NE(lone.feed(Protocol::Chap, kChallenge, 6, value_and_name(other, "gateway")).at(0).data, response.data);
}

TEST(ChapClient, AnswersAChallengeOnAnOpenLink) {
    Lone lone{client_options()};
    lone.feed(Protocol::Chap, kSuccess, 5, as_bytes(judged(challenge(lone)).authenticator_response));
    lone.feed(Protocol::Ipcp, Code::ConfigureNak, last_request(lone.log, Protocol::Ipcp).identifier,
              hex("03060a3c0002"));
    lone.agree(Protocol::Ipcp, hex("03060a3c0001"));
    ASSERT_EQ(lone.end.phase(), Phase::Open);
    const auto response = lone.feed(Protocol::Chap, kChallenge, 6, value_and_name(kChallengeOfTest, "gateway")).at(0);
    EXPECT_EQ(response.code, kResponse);
    lone.feed(Protocol::Chap, kSuccess, 6, as_bytes(judged(response).authenticator_response));
    EXPECT_EQ(lone.end.phase(), Phase::Open);
    EXPECT_EQ(lone.end.all<Session::Authenticated>().size(), 1u);
}

TEST(ChapClient, PassesOverChallengesOfAnotherSize) {
    Lone lone{client_options()};
    lone.start();
    lone.agree(Protocol::Lcp, hex("0305c22381 0506deadbeef"));
    EXPECT_TRUE(lone.feed(Protocol::Chap, kChallenge, 1, value_and_name(Bytes(8), "gateway")).empty());
    EXPECT_TRUE(lone.feed(Protocol::Chap, kChallenge, 1, hex("10 00")).empty());
    EXPECT_TRUE(lone.feed(Protocol::Chap, kSuccess, 1, as_bytes("S=")).empty());
    EXPECT_EQ(lone.end.phase(), Phase::Authenticate);
}

TEST(Pap, SendsNameAndPassword) {
    Lone lone{client_options(kPap)};
    lone.to_authenticate();
    const auto request = lone.log.back();
    EXPECT_EQ(request.protocol, Protocol::Pap);
    EXPECT_EQ(request.code, 1);
    EXPECT_EQ(request.data, hex("05 616c696365 06 733363726574"));
    const auto again = lone.wait(seconds(3));
    ASSERT_EQ(again.size(), 1u);
    EXPECT_TRUE(lone.feed(Protocol::Pap, 2, request.identifier, hex("00")).empty());  // answers the first
    lone.feed(Protocol::Pap, 2, again[0].identifier, hex("00"));
    EXPECT_EQ(lone.end.phase(), Phase::Network);
}

TEST(Pap, AnswersARepeatedRequestAsBefore) {
    Lone lone{server_options(kPap)};
    lone.to_open();
    const auto answer = lone.feed(Protocol::Pap, 1, 9, hex("05 616c696365 06 733363726574"));
    ASSERT_EQ(answer.size(), 1u);
    EXPECT_EQ(answer[0].code, 2);
    EXPECT_EQ(answer[0].identifier, 9);
    EXPECT_EQ(lone.end.all<Session::SignInAsked>().size(), 1u);
}

TEST(Pap, PassesOverRequestsThatEndTooEarly) {
    Lone lone{server_options(kPap)};
    lone.to_authenticate();
    const auto whole = hex("05 616c696365 06 733363726574");
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_TRUE(lone.feed(Protocol::Pap, 1, 1, ByteView{whole}.first(size)).empty()) << size;
    EXPECT_EQ(lone.end.counters().malformed, whole.size());
    EXPECT_TRUE(lone.end.all<Session::SignInAsked>().empty());
}

TEST(Pap, IsNotDoneWhereAnotherMethodWasAgreedOn) {
    Lone lone{server_options()};
    lone.to_authenticate();
    EXPECT_TRUE(lone.feed(Protocol::Pap, 1, 1, hex("05 616c696365 06 733363726574")).empty());
    EXPECT_TRUE(lone.end.all<Session::SignInAsked>().empty());
}

}  // namespace
}  // namespace gatelab::ppp::test
