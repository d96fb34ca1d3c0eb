#include "impl/http/head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace gatelab::http {
namespace {

using testing::HasSubstr;

constexpr std::string_view kSstp =
    "SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\n"
    "Content-Length: 18446744073709551615\r\n"
    "Host: vpn.example\r\n"
    "SSTPCORRELATIONID: {62DFA5C0-E2E0-FD50-D7C9-C1C2B8BC7D52}\r\n\r\n";

TEST(HttpRequest, IsReadAndWrittenAsItIs) {
    const auto request = parse_request(kSstp);
    ASSERT_TRUE(request) << request.error().detail;
    EXPECT_EQ(request->method, "SSTP_DUPLEX_POST");
    EXPECT_EQ(request->target, "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/");
    EXPECT_EQ(request->version, "HTTP/1.1");
    EXPECT_EQ(field(request->fields, "sstpcorrelationid"), "{62DFA5C0-E2E0-FD50-D7C9-C1C2B8BC7D52}");
    EXPECT_EQ(*content_length(request->fields), std::optional{18446744073709551615u});
    EXPECT_EQ(as_text(encode(*request)), kSstp);
}

TEST(HttpRequest, MayEndItsLinesWithABareLineFeed) {
    const auto request = parse_request("GET / HTTP/1.0\nHost:  a  \n\n");
    ASSERT_TRUE(request) << request.error().detail;
    EXPECT_EQ(field(request->fields, "host"), "a");
}

TEST(HttpRequest, IsMalformedWithTheLineThatIs) {
    const auto why = [](std::string_view head) {
        const auto parsed = parse_request(head);
        return parsed ? std::string{"parsed"} : parsed.error().detail;
    };
    EXPECT_THAT(why(""), HasSubstr("line 1"));
    EXPECT_THAT(why("GET /\r\n\r\n"), HasSubstr("line 1"));
    EXPECT_THAT(why("GET / HTTP/11\r\n\r\n"), HasSubstr("line 1"));
    EXPECT_THAT(why("GET / a HTTP/1.1\r\n\r\n"), HasSubstr("line 1"));
    EXPECT_THAT(why("G(T / HTTP/1.1\r\n\r\n"), HasSubstr("line 1"));
    EXPECT_THAT(why("GET / HTTP/1.1\r\nHost: a\r\n"), HasSubstr("line 3: the head ends without"));
    EXPECT_THAT(why("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n"), HasSubstr("line 3: not a field"));
    EXPECT_THAT(why("GET / HTTP/1.1\r\nHost : a\r\n\r\n"), HasSubstr("line 2: not a field"));
    EXPECT_THAT(why("GET / HTTP/1.1\r\nHost\r\n\r\n"), HasSubstr("line 2: not a field"));
    EXPECT_THAT(why("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n"), HasSubstr("line 2: control characters"));
    EXPECT_THAT(why("GET / HTTP/1.1\r\n\r\nmore"), HasSubstr("goes on"));
}

TEST(HttpResponse, IsReadWithAndWithoutAReason) {
    EXPECT_EQ(parse_response("HTTP/1.1 200\r\n\r\n")->status, 200);
    EXPECT_EQ(parse_response("HTTP/1.0 407 Proxy Authentication Required\r\n\r\n")->reason,
              "Proxy Authentication Required");
    for (const auto* wrong : {"HTTP/1.1 20\r\n\r\n", "HTTP/1.1 2000\r\n\r\n", "HTTP/1.1 999 x\r\n\r\n",
                              "ICY 200 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 -20 OK\r\n\r\n"})
        EXPECT_FALSE(parse_response(wrong)) << wrong;
}

TEST(HttpResponse, ComesBackFromItsBytes) {
    const Response response{200, "OK", "HTTP/1.1", {{"Server", "x"}, {"Date", "Thu, 09 Nov 2006 00:51:09 GMT"}}};
    const auto back = parse_response(as_text(encode(response)));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->fields, response.fields);
}

TEST(HttpFields, ListTokensWhateverTheCase) {
    const Fields fields{{"Connection", "TE, Close"}, {"X", "close-not"}};
    EXPECT_TRUE(lists(fields, "connection", "close"));
    EXPECT_FALSE(lists(fields, "connection", "e"));
    EXPECT_FALSE(lists(fields, "x", "close"));
}

TEST(HttpFields, HaveOneContentLengthOrNone) {
    EXPECT_EQ(*content_length({}), std::nullopt);
    EXPECT_EQ(*content_length({{"Content-Length", "7"}, {"content-length", "7"}}), std::optional{7u});
    EXPECT_FALSE(content_length({{"Content-Length", "7"}, {"Content-Length", "8"}}));
    EXPECT_FALSE(content_length({{"Content-Length", "18446744073709551616"}}));
    EXPECT_FALSE(content_length({{"Content-Length", "-1"}}));
    EXPECT_FALSE(content_length({{"Content-Length", "7 "}}));
}

TEST(HttpPlainAnswer, ClosesItsConnection) {
    const auto text = as_text(plain_answer(405, "Method Not Allowed", "no\n", {{"Allow", "SSTP_DUPLEX_POST"}}));
    EXPECT_EQ(text,
              "HTTP/1.1 405 Method Not Allowed\r\nAllow: SSTP_DUPLEX_POST\r\nContent-Type: text/plain\r\n"
              "Content-Length: 3\r\nConnection: close\r\n\r\nno\n");
}

TEST(HttpDate, IsWrittenAsRfc9110Does) {
    EXPECT_EQ(date(instant_from_unix(1163033469)), "Thu, 09 Nov 2006 00:51:09 GMT");
    EXPECT_EQ(date(instant_from_unix(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(HttpHeadReader, TellsWhatFollowsTheHead) {
    HeadReader reader;
    const auto head = reader.take(as_bytes(std::string{kSstp} + "\x10\x01"));
    ASSERT_TRUE(head && *head);
    EXPECT_EQ((*head)->text, kSstp);
    EXPECT_EQ((*head)->used, kSstp.size());
    EXPECT_EQ(reader.held(), 0u);
}

RC_GTEST_PROP(HttpHeadReader, FindsTheSameHeadInAnyCut, ()) {
    const std::string stream = std::string{kSstp} + "rest";
    HeadReader reader;
    std::size_t at = 0;
    while (true) {
        const auto size = *rc::gen::inRange<std::size_t>(1, 50);
        const auto piece = std::string_view{stream}.substr(at, size);
        const auto head = reader.take(as_bytes(piece));
        RC_ASSERT(head.has_value());
        if (*head) {
            RC_ASSERT((*head)->text == kSstp);
            RC_ASSERT(at + (*head)->used == kSstp.size());
            break;
        }
        at += piece.size();
        RC_ASSERT(at < kSstp.size());
    }
}

TEST(HttpHeadReader, HoldsNoMoreThanItsLimit) {
    HeadReader exact{kSstp.size()};
    EXPECT_TRUE(exact.take(as_bytes(kSstp)).value());

    HeadReader reader{100};
    const Bytes pour(1 << 20, 'a');
    EXPECT_EQ(reader.take(pour).error().fault, Fault::Refused);
    EXPECT_EQ(reader.take(pour).error().detail, "HTTP head of more than 100 octets");
    EXPECT_EQ(reader.held(), 100u);

    HeadReader drip{100};
    int octets = 0;
    while (drip.take(as_bytes("a")).has_value()) ++octets;
    EXPECT_EQ(octets, 100);
}

}  // namespace
}  // namespace gatelab::http
