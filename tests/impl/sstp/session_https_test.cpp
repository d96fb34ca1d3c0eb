// HTTPS before the call, and what is no SSTP at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "impl/http/head.h"
#include "impl/sstp/server_name.h"
#include "tests/impl/sstp/pair.h"

namespace gatelab::sstp {
namespace {

using namespace std::chrono_literals;
using namespace test;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kUri = "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/";

// SSTP-01.
TEST(SstpHttps, AsksAsTheDocumentHasIt) {
    Hand hand{Role::Server, client_options()};
    hand.to_https();
    const auto request = http::parse_request(hand.http()).value();
    EXPECT_EQ(request.method, "SSTP_DUPLEX_POST");
    EXPECT_EQ(request.target, kUri);
    EXPECT_EQ(request.version, "HTTP/1.1");
    EXPECT_EQ(http::field(request.fields, "Content-Length"), "18446744073709551615");
    EXPECT_EQ(http::field(request.fields, "Host"), "vpn.example");
    EXPECT_THAT(std::string{*http::field(request.fields, "SSTPCORRELATIONID")},
                ::testing::MatchesRegex("\\{[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}\\}"));
    EXPECT_TRUE(hand.received.empty());  // no body, and nothing before the answer
}

// SSTP-02.
TEST(SstpHttps, IsAnswered200) {
    Hand hand{Role::Client, server_options()};
    hand.to_https();
    const auto answer = http::parse_response(hand.http()).value();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(http::field(answer.fields, "Content-Length"), "18446744073709551615");
    EXPECT_EQ(http::field(answer.fields, "Date"), "Thu, 01 Jan 2026 00:00:00 GMT");
    EXPECT_EQ(hand.peer.state(), "server-connect-request-pending");
    EXPECT_EQ(hand.peer.session.status().correlation, "{62DFA5C0-E2E0-FD50-D7C9-C1C2B8BC7D52}");
}

struct Refusal {
    std::string request;
    int status;
};
class SstpRefusal : public ::testing::TestWithParam<Refusal> {};
TEST_P(SstpRefusal, IsAnHttpAnswerAndTheEnd) {
    Hand hand{Role::Client, server_options()};
    hand.start();
    hand.say(as_bytes(GetParam().request));
    const auto answer = http::parse_response(hand.http()).value();
    EXPECT_EQ(answer.status, GetParam().status);
    EXPECT_TRUE(http::lists(answer.fields, "Connection", "close"));
    EXPECT_EQ(*http::content_length(answer.fields), std::optional{hand.received.size()});
    EXPECT_EQ(http::field(answer.fields, "Allow").has_value(), answer.status == 405);
    EXPECT_TRUE(hand.tls_closed);
    EXPECT_EQ(hand.peer.closed(), CloseReason::HttpRefused);
    EXPECT_FALSE(hand.peer.session.next_timeout());
}
INSTANTIATE_TEST_SUITE_P(
    Sstp, SstpRefusal,
    ::testing::Values(Refusal{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 405},
                      Refusal{"POST " + std::string{kUri} + " HTTP/1.1\r\nHost: a\r\n\r\n", 405},
                      Refusal{"SSTP_DUPLEX_POST / HTTP/1.1\r\nHost: a\r\n\r\n", 404},
                      Refusal{"SSTP_DUPLEX_POST " + std::string{kUri} + " HTTP/1.0\r\nHost: a\r\n\r\n", 505},
                      Refusal{"SSTP_DUPLEX_POST " + std::string{kUri} + " HTTP/1.1\r\n\r\n", 400},
                      Refusal{"nonsense\r\n\r\n", 400},
                      Refusal{"GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x'), 431}));

TEST(SstpPlainHttp, GetsAPlainAnswer) {
    for (const std::size_t cut : {1000, 1}) {
        End server{server_options(), 1};
        server.session.start(kStart);
        const std::string request = "GET / HTTP/1.1\r\nHost: vpn.example\r\n\r\n";
        for (std::size_t at = 0; at < request.size(); at += cut) {
            EXPECT_FALSE(server.closed());
            server.session.handle_bytes(kStart, as_bytes(std::string_view{request}.substr(at, cut)), [](ByteView) {});
            server.take(kStart);
        }
        EXPECT_THAT(as_text(server.out), StartsWith("HTTP/1.1 400 Bad Request\r\n"));
        EXPECT_THAT(as_text(server.out), HasSubstr("Connection: close\r\n"));
        EXPECT_EQ(server.closed(), CloseReason::HttpRefused);
    }
}

TEST(SstpPlainHttp, IsBoundedInSpaceAndTime) {
    End pouring{server_options(), 1};
    pouring.session.start(kStart);
    const Bytes much(1 << 20, 'A');
    pouring.session.handle_bytes(kStart, much, [](ByteView) {});
    pouring.take(kStart);
    EXPECT_THAT(as_text(pouring.out), StartsWith("HTTP/1.1 431 "));
    EXPECT_EQ(pouring.closed(), CloseReason::HttpRefused);

    End dripping{server_options(), 1};
    dripping.session.start(kStart);
    Instant now = kStart;
    for (; !dripping.closed() && now < kStart + 120s; now += 1s) {
        dripping.session.handle_bytes(now, as_bytes("A"), [](ByteView) {});
        dripping.session.handle_timeout(now);
        dripping.take(now);
    }
    EXPECT_EQ(dripping.closed(), CloseReason::NegotiationTimeout);
    EXPECT_EQ(now, kStart + 61s);  // at 60 s, and one step more
}

TEST(SstpServer, DropsWhoSaysNothing) {
    End server{server_options(), 1};
    server.session.start(kStart);
    EXPECT_EQ(server.session.next_timeout(), kStart + 60s);
    server.session.handle_timeout(kStart + 60s);
    server.take(kStart + 60s);
    EXPECT_EQ(server.closed(), CloseReason::NegotiationTimeout);
    EXPECT_THAT(server.why(), HasSubstr("TLS"));
}

TEST(SstpServer, DropsWhoSpeaksTlsAndDripsItsRequest) {
    Hand hand{Role::Client, server_options()};
    hand.start();
    for (int i = 0; i < 59; ++i) {
        hand.say(as_bytes("S"));
        hand.run_for(1s);
    }
    EXPECT_FALSE(hand.peer.closed());
    hand.run_for(1s);
    EXPECT_EQ(hand.peer.closed(), CloseReason::NegotiationTimeout);
    EXPECT_TRUE(hand.tls_closed);
}

TEST(SstpServer, DropsWhoSpeaksSomethingElse) {
    End server{server_options(), 1};
    server.session.start(kStart);
    server.session.handle_bytes(kStart, from_hex("0026380000").value(), [](ByteView) {});  // OpenVPN in TCP
    server.session.handle_bytes(kStart, Bytes(40, 0), [](ByteView) {});
    server.take(kStart);
    EXPECT_EQ(server.closed(), CloseReason::TlsFailed);
}

TEST(SstpClient, WaitsSixtySecondsForItsAnswer) {
    Hand hand{Role::Server, client_options()};
    hand.to_https();
    hand.run_for(59s);
    EXPECT_FALSE(hand.peer.closed());
    hand.run_for(1s);
    EXPECT_EQ(hand.peer.closed(), CloseReason::NegotiationTimeout);
    EXPECT_THAT(hand.peer.why(), HasSubstr("no answer to the HTTPS request"));
}

TEST(SstpClient, SaysWhatItWasAnsweredInsteadOf200) {
    const auto answered = [](std::string_view answer) {
        Hand hand{Role::Server, client_options()};
        hand.to_https();
        hand.say(as_bytes(answer));
        EXPECT_EQ(hand.peer.closed(), CloseReason::HttpRefused) << answer;
        return hand.peer.why();
    };
    EXPECT_EQ(answered("HTTP/1.1 404 Not Found\r\n\r\n"), "the server answered 404 Not Found");
    EXPECT_EQ(answered("HTTP/1.1 503\r\n\r\n"), "the server answered 503 ");
    EXPECT_THAT(answered("SSH-2.0-x\r\n\r\n"), HasSubstr("status line"));
    EXPECT_THAT(answered(std::string(20'000, 'x')), HasSubstr("more than 16384 octets"));

    Hand hand{Role::Server, client_options()};
    hand.to_https();
    hand.http();
    hand.say(as_bytes("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\n\r\n"));
    EXPECT_EQ(hand.message().type, MessageType::CallConnectRequest);
}

TEST(SstpClient, TellsHowTlsFailed) {
    auto server = server_options();
    server.tls.identity = server_identity_for("other.example", {"other.example"}, {});
    Pair pair{client_options(), server};
    EXPECT_FALSE(pair.connect());
    EXPECT_EQ(pair.client.closed(), CloseReason::TlsFailed);
    EXPECT_THAT(pair.client.why(), HasSubstr("of CN=other.example, not of vpn.example"));
    EXPECT_EQ(pair.server.closed(), CloseReason::TlsFailed);

    auto client = client_options();
    client.tls.roots = crypto::TrustStore{};
    Pair untrusted{client, server_options()};
    EXPECT_FALSE(untrusted.connect());
    EXPECT_EQ(untrusted.client.closed(), CloseReason::TlsFailed);

    End alone{client_options(), 1};
    alone.session.start(kStart);
    alone.session.handle_closed(kStart, "");
    alone.take(kStart);
    EXPECT_EQ(alone.closed(), CloseReason::TlsFailed);
}

// SSTP-03.
TEST(SstpServerName, IsOfTheHostThatWasDialled) {
    const auto named =
        server_identity_for("CN.example", {"vpn.example", "*.wild.example"}, {Ipv4Address{192, 0, 2, 1}});
    EXPECT_TRUE(is_for(named.certificate, "vpn.example"));
    EXPECT_TRUE(is_for(named.certificate, "VPN.Example"));
    EXPECT_TRUE(is_for(named.certificate, "vpn.example."));
    EXPECT_TRUE(is_for(named.certificate, "a.wild.example"));
    EXPECT_TRUE(is_for(named.certificate, "192.0.2.1"));
    EXPECT_FALSE(is_for(named.certificate, "a.b.wild.example"));
    EXPECT_FALSE(is_for(named.certificate, "wild.example"));
    EXPECT_FALSE(is_for(named.certificate, ".wild.example"));
    EXPECT_FALSE(is_for(named.certificate, "cn.example"));  // there are DNS names
    EXPECT_FALSE(is_for(named.certificate, "192.0.2.2"));
    EXPECT_FALSE(is_for(named.certificate, ""));
    const auto common = server_identity_for("cn.example", {}, {});
    EXPECT_TRUE(is_for(common.certificate, "cn.example"));
    EXPECT_FALSE(is_for(common.certificate, "example"));
}

TEST(SstpClient, StillAsksItsOwnersJudge) {
    auto client = client_options();
    client.tls.judge = [](const crypto::Certificate&) -> Result<void> { return fail(Fault::Refused, "not today"); };
    Pair pair{client, server_options()};
    EXPECT_FALSE(pair.connect());
    EXPECT_THAT(pair.client.why(), HasSubstr("not today"));
}

}  // namespace
}  // namespace gatelab::sstp
