#include "sim/network/tls_watch.h"

#include <gmock/gmock.h>

#include "tests/sim/network/filter_support.h"

namespace gatelab::sim {
namespace {

struct TlsGate {
    PacketFilter filter{closed_but_for({tls_on_443()})};

    bool out(std::uint32_t sequence, std::string_view payload, std::uint32_t acknowledgment = 501) {
        return filter.pass({}, kOut, tcp_packet({kClient, kServer, sequence, acknowledgment, kAck, payload}));
    }
    bool in(std::uint32_t sequence, std::string_view payload) {
        return filter.pass({}, kIn, tcp_packet({kServer, kClient, sequence, 101, kAck, payload}));
    }
    void open() {
        EXPECT_TRUE(filter.pass({}, kOut, tcp_packet({kClient, kServer, 100, 0, kSyn})));
        EXPECT_TRUE(filter.pass({}, kIn, tcp_packet({kServer, kClient, 500, 101, kSyn | kAck})));
        EXPECT_TRUE(out(101, ""));
    }
};

TEST(TlsOnly, LetsTlsPassAndWhatComesAfterItsFirstOctets) {
    TlsGate gate;
    gate.open();
    EXPECT_TRUE(gate.out(101, kClientHello));
    EXPECT_TRUE(gate.in(501, kServerHello));
    EXPECT_TRUE(gate.out(101 + 21, "anything, it is encrypted"));
    EXPECT_TRUE(gate.in(501 + 21, "anything, it is encrypted"));
    EXPECT_TRUE(gate.filter.take_answers().empty());
}

TEST(TlsOnly, LetsAnAlertAnswerAClientHello) {
    TlsGate gate;
    gate.open();
    EXPECT_TRUE(gate.out(101, kClientHello));
    EXPECT_TRUE(gate.in(501, std::string_view{"\x15\x03\x03\x00\x02\x02\x28", 7}));
}

TEST(TlsOnly, CutsOpenVpnWithAResetToBothEnds) {
    TlsGate gate;
    gate.open();
    EXPECT_FALSE(gate.out(101, kOpenVpnReset));
    const auto answers = gate.filter.take_answers();
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[0].direction, kIn);
    auto expected = tcp_packet({kServer, kClient, 501, 0, kRst});  // with the number that the client expects
    write_u16(expected, 4, 0);
    write_u16(expected, 6, 0x4000);
    write_u16(expected, 34, 0);
    refresh_checksums(expected);
    EXPECT_EQ(answers[0].packet, expected);
    EXPECT_EQ(answers[1].direction, kOut);
    EXPECT_EQ(read_u32(answers[1].packet, 12), kClient.address.number());
    EXPECT_EQ(read_u32(answers[1].packet, 24), 101u) << "the number that the server expects";
    EXPECT_EQ(answers[1].packet[33], kRst);
    const auto traces = gate.filter.drain();
    ASSERT_EQ(traces.size(), 1u);
    EXPECT_EQ(traces[0].event, "flow-cut");
    EXPECT_EQ(text_of(traces[0].attributes, "rule"), "rule 1");
    EXPECT_EQ(text_of(traces[0].attributes, "reason"), "its first octets are no ClientHello");

    EXPECT_FALSE(gate.out(101, kOpenVpnReset)) << "it stays cut";
    EXPECT_EQ(gate.filter.take_answers().size(), 1u) << "whoever goes on is told again";
    gate.open();  // and may begin anew
    EXPECT_TRUE(gate.out(101, kClientHello));
}

TEST(TlsOnly, CutsAServerThatIsNoTls) {
    for (const std::string_view banner :
         {"SSH-2.0-OpenSSH_9.2", "HTTP/1.1 200 OK\r\n\r\n", "\x16\x03\x03\x01\x01\x01"}) {
        TlsGate gate;
        gate.open();
        EXPECT_TRUE(gate.out(101, kClientHello));
        EXPECT_FALSE(gate.in(501, banner));
        EXPECT_EQ(gate.filter.take_answers().size(), 2u);
    }
}

TEST(TlsOnly, JudgesOctetsHoweverTheyArrive) {
    TlsGate gate;
    gate.open();
    for (const std::size_t at : {8, 3, 5, 0, 1, 2, 4, 6, 7, 9, 10, 3}) {  // octet by octet, mixed, one of them twice
        EXPECT_TRUE(gate.out(static_cast<std::uint32_t>(101 + at), std::string_view{kClientHello}.substr(at, 1))) << at;
    }
    EXPECT_TRUE(gate.in(501 + 4, std::string_view{kServerHello}.substr(4)));
    EXPECT_TRUE(gate.in(501, std::string_view{kServerHello}.substr(0, 5)));
    EXPECT_TRUE(gate.out(120, "encrypted"));

    TlsGate other;
    other.open();
    EXPECT_TRUE(other.out(101 + 5, std::string_view{kOpenVpnReset}.substr(11))) << "may still be anything";
    EXPECT_FALSE(other.out(101, std::string_view{kOpenVpnReset}.substr(0, 5)));
}

TEST(TlsOnly, IsNotFooledByOctetsSentTwice) {
    TlsGate gate;
    gate.open();
    EXPECT_TRUE(gate.out(101, "\x16\x03"));
    EXPECT_FALSE(gate.out(102, "\x0e"));
}

TEST(TlsOnly, WantsTheBeginningOfAConnection) {
    TlsGate gate;
    EXPECT_FALSE(gate.out(101, kClientHello)) << "no SYN";
    EXPECT_EQ(gate.filter.take_answers().size(), 1u);
    gate.open();
    EXPECT_TRUE(gate.out(101, kClientHello));
    EXPECT_TRUE(gate.in(501, kServerHello));
    gate.open();  // the same ports: another connection
    EXPECT_FALSE(gate.out(101, kOpenVpnReset));
}

TEST(TlsOnly, SurvivesHostileSegments) {
    TlsGate gate;
    SeededRandom random{4};
    for (int i = 0; i < 50'000; ++i) {
        if (i % 100 == 0) gate.filter.pass(milliseconds(i), kOut, tcp_packet({kClient, kServer, 100, 0, kSyn}));
        Bytes packet = tcp_packet({kClient, kServer, random.u32(), random.u32(), kAck, std::string(40, '\x16')});
        if (random.below(2) != 0) write_u32(packet, 24, 101 + static_cast<std::uint32_t>(random.below(12)));
        packet[32] = static_cast<std::uint8_t>(random.u32());
        packet[33] = static_cast<std::uint8_t>(random.u32());
        packet.resize(34 + random.below(packet.size() - 33));
        gate.filter.pass(milliseconds(i), random.below(2) != 0 ? kOut : kIn, packet);
        EXPECT_LE(gate.filter.take_answers().size(), 2u);
        gate.filter.drain();
    }
}

}  // namespace
}  // namespace gatelab::sim
