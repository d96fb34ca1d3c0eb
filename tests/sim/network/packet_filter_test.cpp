#include "sim/network/packet_filter.h"

#include <gmock/gmock.h>

#include "tests/sim/network/filter_support.h"

namespace gatelab::sim {
namespace {

constexpr Endpoint kInside{{10, 0, 0, 5}, 500}, kOutside{{203, 0, 113, 7}, 500};
FilterRule allow_outbound_udp() {
    FilterRule rule;
    rule.action = FilterRule::Action::Allow;
    rule.direction = FilterRule::Direction::Outbound;
    rule.protocol = 17;
    return rule;
}

Bytes icmp_error_quoting(Ipv4Address from, Ipv4Address to, ByteView quoted) {
    ByteWriter writer;
    const auto head = quoted.first(28);
    writer.u8(0x45).u8(0).u16(static_cast<std::uint16_t>(28 + head.size())).u16(9).u16(0).u8(64).u8(1).u16(0);
    writer.u32(from.number()).u32(to.number()).u8(3).u8(3).u16(0).u32(0).bytes(head);
    auto packet = writer.take();
    refresh_checksums(packet);
    return packet;
}

TEST(PacketFilter, LetsRepliesToAllowedFlowsPass) {
    PacketFilter filter{closed_but_for({allow_outbound_udp()})};
    EXPECT_FALSE(filter.pass({}, kIn, udp_packet(kOutside, kInside, "unasked")));
    EXPECT_TRUE(filter.pass({}, kOut, udp_packet(kInside, kOutside, "ask")));
    EXPECT_TRUE(filter.pass({}, kIn, udp_packet(kOutside, kInside, "answer")));
    const Endpoint other_port{kOutside.address, 501};
    EXPECT_FALSE(filter.pass({}, kIn, udp_packet(other_port, kInside, "stranger")));
}

TEST(PacketFilter, ForgetsIdleFlows) {
    PacketFilter filter{closed_but_for({allow_outbound_udp()})};
    EXPECT_TRUE(filter.pass({}, kOut, udp_packet(kInside, kOutside, "ask")));
    EXPECT_TRUE(filter.pass(seconds(179), kIn, udp_packet(kOutside, kInside, "answer")));
    EXPECT_FALSE(filter.pass(seconds(360), kIn, udp_packet(kOutside, kInside, "late")));
}

TEST(PacketFilter, TakesTheFirstRuleThatMatches) {
    auto everything = allow_outbound_udp();
    everything.protocol.reset();
    PacketFilter filter{closed_but_for({drop_ports({500, 4500}), everything})};
    EXPECT_FALSE(filter.pass({}, kOut, udp_packet(kInside, kOutside, "ike")));
    EXPECT_FALSE(filter.pass({}, kOut, udp_packet(kInside, {kOutside.address, 4500}, "ike")));
    EXPECT_TRUE(filter.pass({}, kOut, udp_packet(kInside, {kOutside.address, 53}, "dns")));
    EXPECT_EQ(filter.dropped(), 2u);
}

TEST(PacketFilter, MatchesPrefixes) {
    auto rule = allow_outbound_udp();
    rule.source = Prefix{{10, 0, 0, 0}, 24};
    rule.destination = Prefix{{203, 0, 113, 0}, 24};
    PacketFilter filter{closed_but_for({rule})};
    EXPECT_TRUE(filter.pass({}, kOut, udp_packet(kInside, kOutside, "x")));
    EXPECT_FALSE(filter.pass({}, kOut, udp_packet({{10, 0, 1, 5}, 500}, kOutside, "x")));
    EXPECT_FALSE(filter.pass({}, kOut, udp_packet(kInside, {{203, 0, 114, 7}, 500}, "x")));
}

TEST(PacketFilter, PassesErrorsAboutKnownFlowsOnly) {
    PacketFilter filter{closed_but_for({allow_outbound_udp()})};
    const auto ask = udp_packet(kInside, kOutside, "ask");
    const auto error = icmp_error_quoting(kOutside.address, kInside.address, ask);
    EXPECT_FALSE(filter.pass({}, kIn, error));
    EXPECT_TRUE(filter.pass({}, kOut, ask));
    EXPECT_TRUE(filter.pass({}, kIn, error));
}

TEST(PacketFilter, SendsLaterFragmentsTheWayOfTheFirst) {
    PacketFilter filter{closed_but_for({drop_ports({500}), allow_outbound_udp()})};
    const Endpoint dns{kOutside.address, 53};
    auto later = udp_packet(kInside, dns, "rest");
    write_u16(later, 6, 185);  // offset 1480
    EXPECT_FALSE(filter.pass({}, kOut, later));
    EXPECT_TRUE(filter.pass({}, kOut, udp_packet(kInside, dns, "start", 0x20)));
    EXPECT_TRUE(filter.pass({}, kOut, later));
    EXPECT_FALSE(filter.pass(seconds(60), kOut, later));
}

TEST(PacketFilter, TellsOfDropsEverMoreRarely) {
    PacketFilter filter{closed_but_for({drop_ports({500})})};
    for (int i = 0; i < 100; ++i) filter.pass({}, kOut, udp_packet(kInside, kOutside, "ike"));
    const auto traces = filter.drain();
    ASSERT_EQ(traces.size(), 7u);  // 1, 2, 4 ... 64
    EXPECT_EQ(traces[0].event, "packet-dropped");
    EXPECT_EQ(text_of(traces[0].attributes, "rule"), "rule 1");
    EXPECT_EQ(text_of(traces[0].attributes, "packet"), "udp 10.0.0.5:500 > 203.0.113.7:500");
}

TEST(PacketFilter, KeepsItsTableBounded) {
    PacketFilter filter{closed_but_for({allow_outbound_udp()})};
    for (std::uint32_t i = 0; i < PacketFilter::kMaxFlows + 1000; ++i) {
        filter.pass({}, kOut, udp_packet({Ipv4Address{0x0a000000 + i}, 1}, kOutside, "x"));
    }
    EXPECT_EQ(filter.flows(), PacketFilter::kMaxFlows);
    EXPECT_TRUE(filter.pass(seconds(200), kOut, udp_packet({{10, 200, 0, 1}, 1}, kOutside, "x")));  // room again
}

TEST(PacketFilter, DropsWhatItCannotRead) {
    PacketFilter filter{closed_but_for({allow_outbound_udp()})};
    const auto packet = udp_packet(kInside, kOutside, "x");
    for (std::size_t size = 0; size < 28; ++size) {
        EXPECT_FALSE(filter.pass({}, kOut, ByteView{packet}.first(size)));
    }
}

// --- states and times ---

FilterRule timed(FilterRule rule, FilterRule::State state, Duration from, std::optional<Duration> until = {}) {
    rule.state = state;
    rule.from = from;
    rule.until = until;
    return rule;
}

TEST(PacketFilter, LeavesFlowsAloneWhenARuleForNewOnesComes) {
    PacketFilter filter{open_but_for({timed(drop_ports({500}), FilterRule::State::New, seconds(5))})};
    const auto ask = udp_packet(kInside, kOutside, "ask");
    EXPECT_TRUE(filter.pass(seconds(4), kOut, ask));
    EXPECT_TRUE(filter.pass(seconds(6), kOut, ask));
    EXPECT_FALSE(filter.pass(seconds(6), kOut, udp_packet({kInside.address, 501}, kOutside, "a new one")));
}

TEST(PacketFilter, StopsFlowsBothWaysWhileARuleForThemIsInForce) {
    const auto rule = timed(drop_ports({500}), FilterRule::State::Any, seconds(5), seconds(60));
    PacketFilter filter{open_but_for({rule})};
    const auto ask = udp_packet({kInside.address, 1024}, kOutside, "ask");
    const auto answer = udp_packet(kOutside, {kInside.address, 1024}, "answer");
    EXPECT_TRUE(filter.pass(seconds(4), kOut, ask));
    EXPECT_TRUE(filter.pass(seconds(4), kIn, answer));
    EXPECT_FALSE(filter.pass(seconds(5), kOut, ask));
    EXPECT_FALSE(filter.pass(seconds(59), kIn, answer)) << "the rule is about the flow, not about this packet's ports";
    EXPECT_TRUE(filter.pass(seconds(60), kIn, answer)) << "the flow has not been forgotten";
    EXPECT_TRUE(filter.pass(seconds(61), kOut, ask));
}

TEST(PacketFilter, StopsOnlyWhatExistsByARuleForEstablishedFlows) {
    const auto rule = timed(drop_ports({500}), FilterRule::State::Established, seconds(5));
    PacketFilter filter{open_but_for({rule})};
    EXPECT_TRUE(filter.pass(seconds(4), kOut, udp_packet(kInside, kOutside, "old")));
    EXPECT_FALSE(filter.pass(seconds(6), kOut, udp_packet(kInside, kOutside, "old")));
    const Endpoint other{kInside.address, 501};
    EXPECT_TRUE(filter.pass(seconds(6), kOut, udp_packet(other, kOutside, "its first")));
    EXPECT_FALSE(filter.pass(seconds(6), kOut, udp_packet(other, kOutside, "its second")));
}

TEST(PacketFilter, DropsErrorsAboutFlowsThatAreStopped) {
    PacketFilter filter{open_but_for({timed(drop_ports({500}), FilterRule::State::Any, seconds(5))})};
    const auto ask = udp_packet(kInside, kOutside, "ask");
    const auto error = icmp_error_quoting(kOutside.address, kInside.address, ask);
    EXPECT_TRUE(filter.pass(seconds(4), kOut, ask));
    EXPECT_TRUE(filter.pass(seconds(4), kIn, error));
    EXPECT_FALSE(filter.pass(seconds(5), kIn, error));
}

TEST(PacketFilter, HasItsRulesBeforeTheStart) {
    PacketFilter filter{
        open_but_for({drop_ports({500}), timed(drop_ports({501}), FilterRule::State::New, seconds(1))})};
    EXPECT_FALSE(filter.pass(seconds(-5), kOut, udp_packet(kInside, kOutside, "x")));
    EXPECT_TRUE(filter.pass(seconds(-5), kOut, udp_packet(kInside, {kOutside.address, 501}, "x")));
}

TEST(PacketFilter, LooksAtSourcePorts) {
    FilterRule rule;
    rule.source_ports = {68};
    PacketFilter filter{open_but_for({rule})};
    EXPECT_FALSE(filter.pass({}, kOut, udp_packet({kInside.address, 68}, kOutside, "x")));
    EXPECT_TRUE(filter.pass({}, kOut, udp_packet({kInside.address, 67}, {kOutside.address, 68}, "x")));
}

// --- reject ---

// The only answer to a packet, which must not pass; none when there is none.
std::optional<PacketFilter::Answer> answer_to(PacketFilter& filter, ByteView packet,
                                              PacketFilter::Direction direction = kOut, Duration now = {}) {
    EXPECT_FALSE(filter.pass(now, direction, packet.first(std::min(packet.size(), PacketFilter::kHead))));
    auto answers = filter.take_answers();
    EXPECT_LE(answers.size(), 1u);
    if (answers.empty()) return std::nullopt;
    EXPECT_NE(answers[0].direction, direction) << "it goes back where the packet came from";
    auto fresh = answers[0].packet;
    refresh_checksums(fresh);
    EXPECT_EQ(answers[0].packet, fresh) << "the checksums are not right";
    return answers[0];
}

// RFC 9293 section 3.5.2: "<SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>".
TEST(PacketFilter, RejectsASynAsAClosedPortWould) {
    PacketFilter filter{closed_but_for({reject_everything()})};
    const auto answer = answer_to(filter, tcp_packet({kClient, kServer, 0xfffffffe, 0, kSyn, "ab"}));
    ASSERT_TRUE(answer);
    // 203.0.113.7:443 > 10.0.0.5:40000, SEQ 0, ACK 1. The checksums were computed elsewhere.
    const Bytes expected = {0x45, 0, 0,  40, 0,    0,    0x40, 0,    64,   6,    0xf4, 0xc3, 203, 0,
                            113,  7, 10, 0,  0,    5,    0x01, 0xbb, 0x9c, 0x40, 0,    0,    0,   0,
                            0,    0, 0,  1,  0x50, 0x14, 0,    0,    0xcb, 0xc7, 0,    0};
    EXPECT_EQ(answer->packet, expected);
    EXPECT_EQ(filter.flows(), 0u);
}

// "<SEQ=SEG.ACK><CTL=RST>" when the segment acknowledges something.
TEST(PacketFilter, RejectsWhatAcknowledgesByTheNumberThatItAcknowledges) {
    PacketFilter filter{closed_but_for({reject_everything()})};
    const auto answer = answer_to(filter, tcp_packet({kClient, kServer, 1000, 777, kAck, "data"}));
    ASSERT_TRUE(answer);
    EXPECT_EQ(read_u32(answer->packet, 24), 777u);
    EXPECT_EQ(answer->packet[33], kRst);
    EXPECT_FALSE(answer_to(filter, tcp_packet({kClient, kServer, 1000, 777, kRst}))) << "a RST is never answered";
    EXPECT_TRUE(answer_to(filter, tcp_packet({kServer, kClient, 5, 6, kAck | kFin}), kIn));
}

// RFC 1812 section 5.2.7.1: type 3, code 13; in the name of the packet's destination.
TEST(PacketFilter, RejectsUdpAndEspByAnIcmpError) {
    PacketFilter filter{closed_but_for({reject_everything()})};
    auto packet = udp_packet(kInside, kOutside, "ike");
    for (const std::uint8_t protocol : {17, 50}) {
        packet[9] = protocol;
        refresh_checksums(packet);
        const auto answer = answer_to(filter, packet);
        ASSERT_TRUE(answer);
        const ByteView error{answer->packet};
        EXPECT_EQ(read_u32(error, 12), kOutside.address.number());
        EXPECT_EQ(read_u32(error, 16), kInside.address.number());
        EXPECT_EQ(error[9], 1);
        EXPECT_EQ(error[20], 3);
        EXPECT_EQ(error[21], 13);
        EXPECT_EQ(copy_of(error.subspan(28)), packet) << "it quotes the packet";
        PacketFilter open{open_but_for({})};
        EXPECT_TRUE(open.pass({}, kOut, packet));
        EXPECT_TRUE(open.pass({}, kIn, error.first(std::min(error.size(), PacketFilter::kHead))));
    }
    EXPECT_FALSE(answer_to(filter, icmp_error_quoting(kInside.address, kOutside.address, packet)))
        << "no errors about errors";
    packet[9] = 17;
    write_u16(packet, 6, 185);
    refresh_checksums(packet);
    EXPECT_FALSE(answer_to(filter, packet)) << "nor about fragments without the first octets";
}

TEST(PacketFilter, RejectsWhatNoRuleMatches) {
    auto firewall = closed_but_for({allow_outbound_udp()});
    firewall.otherwise = FilterRule::Action::Reject;
    PacketFilter filter{firewall};
    EXPECT_TRUE(answer_to(filter, udp_packet(kOutside, kInside, "unasked"), kIn));
    const auto traces = filter.drain();
    ASSERT_EQ(traces.size(), 1u);
    EXPECT_EQ(traces[0].event, "packet-rejected");
    EXPECT_EQ(text_of(traces[0].attributes, "rule"), "no rule");
    EXPECT_EQ(text_of(traces[0].attributes, "answer"), "icmp");
}

TEST(PacketFilter, ResetsFlowsThatExistWhenARuleForThemComes) {
    PacketFilter filter{open_but_for({timed(reject_everything(), FilterRule::State::Any, seconds(5))})};
    EXPECT_TRUE(filter.pass(seconds(1), kOut, tcp_packet({kClient, kServer, 0, 0, kSyn})));
    EXPECT_TRUE(filter.pass(seconds(1), kIn, tcp_packet({kServer, kClient, 0, 1, kSyn | kAck})));
    const auto answer = answer_to(filter, tcp_packet({kServer, kClient, 1, 11, kAck, "late"}), kIn, seconds(6));
    ASSERT_TRUE(answer);
    EXPECT_EQ(read_u32(answer->packet, 24), 11u);
}

TEST(PacketFilter, SendsABoundedNumberOfErrors) {
    PacketFilter filter{closed_but_for({reject_everything()})};
    int answers = 0;
    const auto packet = udp_packet(kInside, kOutside, "ike");
    for (int i = 0; i < 1000; ++i) answers += answer_to(filter, packet, kOut, milliseconds(i)).has_value();
    EXPECT_EQ(answers, PacketFilter::kMaxErrorsPerSecond);
    EXPECT_TRUE(answer_to(filter, packet, kOut, seconds(1)));
}

}  // namespace
}  // namespace gatelab::sim
