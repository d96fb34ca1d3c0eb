#include "impl/http/connect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace gatelab::http {
namespace {

using testing::HasSubstr;

constexpr Instant kNow = instant_from_unix(1'767'225'600);
const Credentials kAlice{"Aladdin", "open sesame"};

static_assert(Engine<Connect>);

struct Proxied {
    explicit Proxied(std::optional<Credentials> credentials = {}) : connect{"vpn.example:443", std::move(credentials)} {
        connect.start(kNow);
    }
    std::string sent() {
        std::string text;
        for (auto& output : connect.drain()) {
            if (auto* send = std::get_if<Connect::Send>(&output)) text += as_text(send->bytes);
            if (auto* one = std::get_if<Connect::Open>(&output)) open = *one;
            if (auto* one = std::get_if<Connect::Refused>(&output)) refused = *one;
            if (std::get_if<Connect::Reconnect>(&output)) ++reconnects;
        }
        return text;
    }
    std::string answer(std::string_view text) {
        connect.handle_bytes(kNow, as_bytes(text));
        return sent();
    }
    Connect connect;
    std::optional<Connect::Open> open;
    std::optional<Connect::Refused> refused;
    int reconnects = 0;
};

constexpr std::string_view kRequest = "CONNECT vpn.example:443 HTTP/1.1\r\nHost: vpn.example:443\r\n\r\n";
constexpr std::string_view kAuthorized =
    "CONNECT vpn.example:443 HTTP/1.1\r\nHost: vpn.example:443\r\n"
    "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n";

// The example of RFC 7617 section 2.
TEST(HttpBasic, EncodesTheExampleOfItsRfc) {
    EXPECT_EQ(basic_authorization(kAlice), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    EXPECT_EQ(parse_basic_authorization("basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), kAlice);
}

RC_GTEST_PROP(HttpBasic, ComesBackFromItsText, (const std::string& name, const std::string& password)) {
    RC_PRE(name.find(':') == name.npos);
    const Credentials credentials{name, password};
    RC_ASSERT(parse_basic_authorization(basic_authorization(credentials)) == credentials);
}

TEST(HttpBasic, IsNothingElse) {
    for (const auto* other : {"", "Basic", "Basic ", "Basic QWxhZGRpbg==", "Basic QWxh?GRp", "Basic QWx", "Bearer QTpi",
                              "BasicQTpi", "Basic QT=pi", "Basic ===="})
        EXPECT_EQ(parse_basic_authorization(other), std::nullopt) << other;
}

TEST(HttpConnect, OpensATunnelAndHandsOnWhatFollows) {
    Proxied proxied{kAlice};
    EXPECT_EQ(proxied.sent(), kRequest);  // no credentials before they are asked for
    proxied.answer("HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\n\x16\x03");
    ASSERT_TRUE(proxied.open);
    EXPECT_EQ(as_text(proxied.open->rest), "\x16\x03");  // RFC 9110 section 9.3.6: no body whatever the field says
}

TEST(HttpConnect, PassesOverInterimAnswersButNotForEver) {
    Proxied proxied;
    proxied.answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
    EXPECT_TRUE(proxied.open);
    Proxied endless;
    for (int i = 0; i < 9; ++i) endless.answer("HTTP/1.1 102 Processing\r\n\r\n");
    EXPECT_TRUE(endless.refused);
}

TEST(HttpConnect, AnswersAChallengeOnTheSameConnection) {
    Proxied proxied{kAlice};
    proxied.sent();
    EXPECT_EQ(proxied.answer("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
                             "Content-Length: 6\r\n\r\nsor"),
              "");
    EXPECT_EQ(proxied.answer("ry\n"), kAuthorized);
    proxied.answer("HTTP/1.1 200 OK\r\n\r\n");
    EXPECT_TRUE(proxied.open);
    EXPECT_EQ(proxied.reconnects, 0);
}

TEST(HttpConnect, AnswersAChallengeOnANewConnectionWhenTheOldOneEnds) {
    for (const auto* how :
         {"HTTP/1.1 407 x\r\nProxy-Authenticate: Basic\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
          "HTTP/1.1 407 x\r\nProxy-Authenticate: Basic\r\nProxy-Connection: close\r\nContent-Length: 0\r\n\r\n",
          "HTTP/1.0 407 x\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
          "HTTP/1.1 407 x\r\nProxy-Authenticate: Basic\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nsorry\r\n0\r\n\r\n",
          "HTTP/1.1 407 x\r\nProxy-Authenticate: Basic\r\nContent-Length: 9999999\r\n\r\n",
          "HTTP/1.1 407 x\r\nProxy-Authenticate: Basic\r\n\r\n"}) {
        Proxied proxied{kAlice};
        proxied.sent();
        EXPECT_EQ(proxied.answer(how), "") << how;
        EXPECT_EQ(proxied.reconnects, 1) << how;
        proxied.connect.handle_closed(kNow);
        EXPECT_EQ(proxied.sent(), "");
        proxied.connect.start(kNow);
        EXPECT_EQ(proxied.sent(), kAuthorized) << how;
        proxied.answer("HTTP/1.1 200 OK\r\n\r\n");
        EXPECT_TRUE(proxied.open) << how;
    }
}

TEST(HttpConnect, DialsAgainWhenAKeptConnectionEndsAfterAll) {
    for (const auto* how : {"Content-Length: 5\r\n\r\nso", "Content-Length: 5\r\n\r\nsorry"}) {
        Proxied proxied{kAlice};
        proxied.answer(std::string{"HTTP/1.1 407 x\r\nProxy-Authenticate: Basic\r\n"} + how);
        proxied.connect.handle_closed(kNow);
        proxied.sent();
        EXPECT_EQ(proxied.reconnects, 1) << how;
        EXPECT_FALSE(proxied.refused) << how;
    }
}

TEST(HttpConnect, FindsBasicAmongOtherSchemes) {
    Proxied listed{kAlice};
    listed.sent();
    EXPECT_EQ(
        listed.answer("HTTP/1.1 407 x\r\nProxy-Authenticate: Negotiate, Digest realm=\"a\", nonce=\"b\", basic\r\n"
                      "Content-Length: 0\r\n\r\n"),
        kAuthorized);
    Proxied others{kAlice};
    others.answer(
        "HTTP/1.1 407 x\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n"
        "Content-Length: 0\r\n\r\n");
    ASSERT_TRUE(others.refused);
    EXPECT_EQ(others.refused->status, 407);
    EXPECT_THAT(others.refused->detail, HasSubstr("Negotiate, NTLM"));
}

TEST(HttpConnect, OffersItsPasswordOnce) {
    const auto challenge = "HTTP/1.1 407 x\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n";
    Proxied proxied{kAlice};
    proxied.answer(challenge);
    proxied.answer(challenge);
    ASSERT_TRUE(proxied.refused);
    EXPECT_THAT(proxied.refused->detail, HasSubstr("password of Aladdin"));

    Proxied without;
    without.answer(challenge);
    ASSERT_TRUE(without.refused);
    EXPECT_EQ(without.refused->status, 407);
}

TEST(HttpConnect, SaysWhyItIsRefused) {
    Proxied forbidden;
    forbidden.answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    ASSERT_TRUE(forbidden.refused);
    EXPECT_EQ(forbidden.refused->status, 403);
    EXPECT_EQ(forbidden.refused->detail, "the proxy answers 403 Forbidden");

    Proxied other;
    other.answer("220 mail ESMTP\r\n\r\n");
    ASSERT_TRUE(other.refused);
    EXPECT_EQ(other.refused->status, 0);

    Proxied endless;
    endless.answer("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'a'));
    ASSERT_TRUE(endless.refused);
    EXPECT_THAT(endless.refused->detail, HasSubstr("more than 16384 octets"));

    Proxied silent;
    silent.connect.handle_closed(kNow);
    silent.sent();
    ASSERT_TRUE(silent.refused);
    EXPECT_THAT(silent.refused->detail, HasSubstr("hung up"));
}

TEST(HttpConnect, HearsNothingAfterItsEnd) {
    Proxied proxied;
    proxied.answer("HTTP/1.1 403 Forbidden\r\n\r\n");
    proxied.connect.handle_bytes(kNow, as_bytes("HTTP/1.1 200 OK\r\n\r\n"));
    proxied.connect.handle_closed(kNow);
    proxied.connect.start(kNow);
    EXPECT_TRUE(proxied.connect.drain().empty());
}

RC_GTEST_PROP(HttpConnect, ReadsItsAnswersInAnyCut, ()) {
    const std::string stream =
        "HTTP/1.1 407 x\r\nProxy-Authenticate: Basic\r\nContent-Length: 5\r\n\r\nsorryHTTP/1.1 200 OK\r\n\r\nrest";
    Proxied proxied{kAlice};
    std::string rest;
    for (std::size_t at = 0; at < stream.size();) {
        const auto size = *rc::gen::inRange<std::size_t>(1, 40);
        const auto piece = stream.substr(at, size);
        const bool was_open = proxied.open.has_value();
        if (was_open) {
            rest += piece;
        } else {
            proxied.answer(piece);
        }
        if (!was_open && proxied.open) rest += as_text(proxied.open->rest);
        at += piece.size();
    }
    RC_ASSERT(rest == "rest");
}

}  // namespace
}  // namespace gatelab::http
