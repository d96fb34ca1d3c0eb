// What else happens on an open link: other protocols, echoes, hostile bytes, options that cannot be.
#include <gtest/gtest.h>

#include "tests/impl/ppp/pair.h"
#include "tests/support/counted_heap.h"

namespace gatelab::ppp::test {
namespace {

constexpr auto kPap = Authentication::Pap;
const Bytes kInner = testing::echo_packet(kClientAddress, kHost, {.size = 1300});

TEST(OtherProtocols, AreRejectedOnceTheLinkCouldCarryThem) {
    Lone lone{server_options(kPap)};
    lone.to_network();
    for (const auto protocol : {Protocol::Ccp, Protocol::Ipv6cp, Protocol::Eap, static_cast<Protocol>(0x002d)}) {
        const auto frame = frame_of(protocol, 1, 7, hex("120600000040"));
        const auto answer = lone.feed(frame);
        ASSERT_EQ(answer.size(), 1u);
        EXPECT_EQ(answer[0].protocol, Protocol::Lcp);
        EXPECT_TRUE(answer[0].is(Code::ProtocolReject));
        EXPECT_EQ(answer[0].data, frame);  // protocol and information
    }
    EXPECT_EQ(lone.end.counters().rejected_protocols, 4u);
    EXPECT_EQ(lone.end.phase(), Phase::Network);
}

TEST(OtherProtocols, AreRejectedInFramesThatThePeerTakes) {
    Lone lone{server_options(kPap)};
    lone.to_open();
    Bytes frame{0x80, 0xfd};
    frame.resize(4000);
    EXPECT_EQ(lone.feed(frame).at(0).data.size() + kPacketHeader, 1500u);
}

TEST(OtherProtocols, AreDiscardedBeforeThat) {
    Lone lone{server_options(kPap)};
    lone.start();
    EXPECT_TRUE(lone.feed(Protocol::Ccp, 1, 7).empty());
    EXPECT_TRUE(lone.feed(Protocol::Ipcp, 1, 7, hex("030600000000")).empty());
    EXPECT_TRUE(lone.feed(Protocol::Pap, 1, 7).empty());
    EXPECT_TRUE(lone.feed(ip_frame(kInner)).empty());
    lone.agree(Protocol::Lcp, hex("0506deadbeef"));
    ASSERT_EQ(lone.end.phase(), Phase::Authenticate);
    EXPECT_TRUE(lone.feed(Protocol::Ccp, 1, 7).empty());
    EXPECT_TRUE(lone.feed(Protocol::Ipcp, 1, 7, hex("030600000000")).empty());
    EXPECT_TRUE(lone.feed(ip_frame(kInner)).empty());
    EXPECT_TRUE(lone.end.received.empty());
    EXPECT_EQ(lone.end.counters().rejected_protocols, 0u);
}

TEST(ProtocolReject, EndsALinkThatCannotBeWithout) {
    for (const auto* rejected : {"8021", "0021", "c023", "c021"}) {
        Lone lone{server_options(kPap)};
        lone.to_open();
        lone.feed(Protocol::Lcp, Code::ProtocolReject, 1, hex(rejected));
        lone.wait(seconds(10));
        EXPECT_EQ(lone.end.closed(), CloseReason::ProtocolError) << rejected;
    }
}

TEST(ProtocolReject, OfWhatWeNeverSentIsPassedOver) {
    Lone lone{server_options(kPap)};
    lone.to_open();
    for (const auto* rejected : {"80fd", "8057", "c223", "", "80"})
        EXPECT_TRUE(lone.feed(Protocol::Lcp, Code::ProtocolReject, 1, hex(rejected)).empty());
    EXPECT_EQ(lone.end.phase(), Phase::Open);
}

TEST(Echo, IsAnsweredWithOurMagicNumber) {
    Lone lone{server_options(kPap)};
    lone.to_open();
    const auto magic = *last_request(lone.log, Protocol::Lcp).option(5);
    const auto answer = lone.feed(Protocol::Lcp, Code::EchoRequest, 42, hex("deadbeef 010203"));
    ASSERT_EQ(answer.size(), 1u);
    EXPECT_TRUE(answer[0].is(Code::EchoReply));
    EXPECT_EQ(answer[0].identifier, 42);
    EXPECT_EQ(to_hex(answer[0].data), to_hex(magic) + "010203");
    EXPECT_EQ(lone.end.counters().echoes_answered, 1u);
}

TEST(Echo, IsNotAnsweredBeforeLcpIsOpenNorWithoutANumber) {
    Lone lone{server_options(kPap)};
    lone.start();
    EXPECT_TRUE(lone.feed(Protocol::Lcp, Code::EchoRequest, 1, hex("deadbeef")).empty());
    lone.agree(Protocol::Lcp, hex("0506deadbeef"));
    EXPECT_TRUE(lone.feed(Protocol::Lcp, Code::EchoRequest, 1, hex("deadbe")).empty());
    EXPECT_EQ(lone.feed(Protocol::Lcp, Code::EchoRequest, 1, hex("deadbeef")).size(), 1u);
}

TEST(Echo, OfOurOwnShowsALoop) {
    Lone lone{server_options(kPap)};
    lone.to_open();
    const auto magic = *last_request(lone.log, Protocol::Lcp).option(5);
    lone.feed(Protocol::Lcp, Code::EchoRequest, 1, magic);
    lone.wait(seconds(10));
    EXPECT_EQ(lone.end.why_closed(), "protocol-error: the line leads back to ourselves");
}

TEST(Echo, FindsOutThatThePeerIsGone) {
    Lone lone{client_options(kPap)};
    lone.to_open();
    const auto asked = lone.wait(seconds(119));
    ASSERT_EQ(asked.size(), 3u);  // after 30, 60 and 90 s
    for (const auto& one : asked) EXPECT_TRUE(one.is(Code::EchoRequest));
    EXPECT_EQ(lone.end.phase(), Phase::Open);
    EXPECT_TRUE(lone.wait(seconds(1)).at(0).is(Code::TerminateRequest));
    lone.wait(seconds(10));
    EXPECT_EQ(lone.end.why_closed(), "peer-silent: 3 echo-requests went unanswered");
    EXPECT_EQ(lone.end.counters().echoes_sent, 3u);
}

TEST(Echo, IsNotAskedForWhileSomethingComes) {
    Lone lone{server_options(kPap)};
    lone.to_open();
    for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(lone.wait(seconds(29)).empty());
        lone.feed(ip_frame(kInner));
    }
    EXPECT_EQ(lone.wait(seconds(30)).size(), 1u);
}

TEST(Echo, KeepsAQuietLinkOpen) {
    Pair pair;
    ASSERT_TRUE(pair.connect());
    pair.run_for(minutes(60));
    EXPECT_EQ(pair.client.phase(), Phase::Open);
    EXPECT_EQ(pair.server.phase(), Phase::Open);
    EXPECT_GT(pair.client.counters().echoes_sent + pair.server.counters().echoes_sent, 100u);
}

TEST(Echo, IsNeverSentWhenSwitchedOff) {
    auto options = client_options(kPap);
    options.echo_after = Duration::zero();
    Lone lone{options};
    lone.to_open();
    EXPECT_FALSE(lone.end.session.next_timeout());
}

TEST(InnerPacket, LosesThePaddingBehindIt) {
    Lone lone{server_options(kPap)};
    lone.to_open();
    auto frame = ip_frame(kInner);
    frame.resize(frame.size() + 7);
    lone.feed(frame);
    EXPECT_EQ(lone.end.received, std::vector<Bytes>{kInner});
}

TEST(InnerPacket, IsDroppedWhenItIsNone) {
    for (const auto& options : {client_options(kPap), server_options(kPap)}) {
        Lone lone{options};
        lone.to_open();
        const auto whole = ip_frame(kInner);
        for (std::size_t size = 2; size < whole.size(); ++size) lone.feed(ByteView{whole}.first(size));
        EXPECT_EQ(lone.end.counters().malformed, whole.size() - 2);
        auto six = whole;
        six[2] = 0x65;
        lone.feed(six);
        auto short_length = whole;
        short_length[4] = 0, short_length[5] = 19;
        lone.feed(short_length);
        EXPECT_EQ(lone.end.counters().malformed, whole.size());
        EXPECT_TRUE(lone.end.received.empty());
        EXPECT_EQ(lone.end.phase(), Phase::Open);
    }
}

TEST(InnerPacket, TakesNothingFromTheHeap) {
    for (const bool long_form : {false, true}) {
        auto options = server_options(kPap);
        options.address_control = long_form;
        Lone lone{options};
        lone.to_open();
        const auto frame = ip_frame(kInner);
        const auto foreign = ip_frame(testing::echo_packet(kHost, kHost, {}));
        int delivered = 0;
        std::size_t prefix = 0;
        for (int i = 0; i < 20; ++i) lone.feed(foreign);  // the log of drops is full now
        const HeapCount heap;
        for (int i = 0; i < 100; ++i) {
            prefix += lone.end.session.seal(lone.now, kInner).size();
            lone.end.session.handle_frame(lone.now, frame, [&](ByteView) { ++delivered; });
        }
        EXPECT_EQ(heap.allocations(), 0u);
        EXPECT_EQ(delivered, 100);
        EXPECT_EQ(prefix, long_form ? 400u : 200u);
    }
}

TEST(HostileBytes, NeverMoveALinkByATruncation) {
    const Bytes frames[] = {frame_of(Protocol::Lcp, Code::EchoRequest, 1, hex("deadbeef0102")),
                            frame_of(Protocol::Lcp, Code::ProtocolReject, 1, hex("80210101")),
                            frame_of(Protocol::Lcp, Code::ConfigureRequest, 1, hex("010405dc0506deadbeef")),
                            frame_of(Protocol::Ipcp, Code::ConfigureRequest, 1, hex("03060a3c0002")),
                            frame_of(Protocol::Ipcp, Code::TerminateRequest, 1, hex("00")),
                            frame_of(Protocol::Pap, 1, 1, hex("05616c69636506733363726574"))};
    Lone lone{server_options(kPap)};
    lone.to_open();
    for (const auto& frame : frames)
        for (std::size_t size = 0; size < frame.size(); ++size) lone.feed(ByteView{frame}.first(size));
    EXPECT_EQ(lone.end.phase(), Phase::Open);
    EXPECT_GT(lone.end.counters().malformed, 50u);
}

TEST(HostileBytes, WithWrongLengthsAreDropped) {
    Lone lone{server_options(kPap)};
    lone.to_open();
    // A Configure-Request whose Length is too small, too large; options of length 0 and 1, and beyond the end.
    for (const auto* frame :
         {"c021 01010003", "c021 01010000", "c021 0101ffff", "c021 01010006 0100", "c021 01010006 0101",
          "c021 01010006 01ff", "8021 01010006 0300", "8021 0101000a 0307 0a3c0002", "c021 07010004"})
        EXPECT_TRUE(lone.feed(hex(frame)).empty()) << frame;
    EXPECT_EQ(lone.end.counters().malformed, 9u);
    EXPECT_EQ(lone.end.phase(), Phase::Open);
}

TEST(HostileBytes, AreToldOfInMeasure) {
    Lone lone{server_options(kPap)};
    lone.to_open();
    const auto before = lone.end.said.size();
    for (int i = 0; i < 1000; ++i) lone.feed(hex("00"));
    EXPECT_EQ(lone.end.said.size() - before, 10u);
    EXPECT_EQ(lone.end.counters().malformed, 1000u);
}

TEST(HostileBytes, AreAnsweredOnceEachAndToldOfInMeasure) {
    Lone lone{server_options(kPap)};
    lone.to_open();
    const auto traces = lone.end.all<Trace>().size(), sends = lone.end.all<Session::Send>().size();
    for (int i = 0; i < 1000; ++i) lone.feed(Protocol::Lcp, 99, 1);
    EXPECT_EQ(lone.end.all<Session::Send>().size() - sends, 1000u);
    EXPECT_LE(lone.end.all<Trace>().size() - traces, 100u);
}

TEST(PppOptions, ThatContradictThemselvesAreRefused) {
    SeededRandom random{1};
    const auto why_not = [&](auto change, Options options = client_options()) {
        change(options);
        const auto made = Session::create(options, random);
        return made ? std::string{} : made.error().detail;
    };
    EXPECT_EQ(why_not([](Options&) {}), "");
    EXPECT_EQ(why_not([](Options& o) { o.authentication.clear(); }), "PPP needs at least one way to authenticate");
    EXPECT_EQ(why_not([](Options& o) { o.credentials.reset(); }), "a PPP client needs a name and a password");
    EXPECT_NE(why_not([](Options& o) { o.credentials->name.clear(); }), "");
    EXPECT_NE(why_not([](Options& o) { o.credentials->name.assign(256, 'a'); }), "");
    EXPECT_NE(why_not([](Options& o) { o.credentials->password.assign(256, 'a'); }), "");
    EXPECT_EQ(why_not([](Options& o) { o.credentials->password = "a\xff"; }), "the PPP password: no UTF-8 at octet 1");
    EXPECT_EQ(why_not([](Options& o) { o.mru = 575; }), "a PPP MRU of 575 octets; 576 to 4091 are possible");
    EXPECT_NE(why_not([](Options& o) { o.restart = Duration::zero(); }), "");
    EXPECT_NE(why_not([](Options& o) { o.echo_after = -seconds(1); }), "");
    EXPECT_NE(why_not([](Options& o) { o.max_failure = 0; }), "");
    EXPECT_EQ(why_not([](Options& o) { o.credentials.reset(); }, server_options()), "");
    EXPECT_NE(why_not([](Options& o) { o.name.assign(256, 'a'); }, server_options()), "");
}

}  // namespace
}  // namespace gatelab::ppp::test
