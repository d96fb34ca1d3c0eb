#include "sim/network/packet_filter.h"

#include <gmock/gmock.h>

#include "tests/sim/network/support.h"

namespace gatelab::sim {
namespace {

using topologies::FilterRule;
using Direction = PacketFilter::Direction;

constexpr Endpoint kInside{{10, 0, 0, 5}, 500}, kOutside{{203, 0, 113, 7}, 500};
constexpr auto kOut = Direction::Outbound, kIn = Direction::Inbound;

topologies::Firewall closed_but_for(std::vector<FilterRule> rules) {
    topologies::Firewall firewall;
    firewall.inside = "inside";
    firewall.rules = std::move(rules);
    firewall.otherwise = FilterRule::Action::Drop;
    return firewall;
}

FilterRule allow_outbound_udp() {
    FilterRule rule;
    rule.action = FilterRule::Action::Allow;
    rule.direction = FilterRule::Direction::Outbound;
    rule.protocol = 17;
    return rule;
}

FilterRule drop_ports(std::vector<std::uint16_t> ports) {
    FilterRule rule;
    rule.protocol = 17;
    rule.destination_ports = std::move(ports);
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

topologies::Firewall open_but_for(std::vector<FilterRule> rules) {
    auto firewall = closed_but_for(std::move(rules));
    firewall.otherwise = FilterRule::Action::Allow;
    return firewall;
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

constexpr Endpoint kClient{{10, 0, 0, 5}, 40000}, kServer{{203, 0, 113, 7}, 443};
constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;

FilterRule reject_everything() {
    FilterRule rule;
    rule.action = FilterRule::Action::Reject;
    return rule;
}

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

// --- TLS only ---

const std::string kClientHello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and so on", 21);
const std::string kServerHello("\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03 and so on", 21);
const std::string kOpenVpnReset("\x00\x0e\x38\x10\x20\x30\x40\x50\x60\x70\x80\x00\x00\x00\x00\x00", 16);

FilterRule tls_on_443() {
    FilterRule rule;
    rule.action = FilterRule::Action::Allow;
    rule.direction = FilterRule::Direction::Outbound;
    rule.protocol = 6;
    rule.destination_ports = {443};
    rule.tls_only = true;
    return rule;
}

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

// --- on a network ---

// alice - wall - bob.
struct Walled {
    std::vector<Event> events;
    Network network{{.events = [this](Event event) { events.push_back(std::move(event)); }}};
    Host& alice = network.add_host("alice", {kAlice});
    Host& bob = network.add_host("bob", {kBob});

    explicit Walled(topologies::Firewall firewall) {
        firewall.inside = "alice";
        network.add_filter("wall", std::move(firewall));
        network.connect("alice", "wall", link_called("alice-wall"));
        network.connect("wall", "bob", link_called("wall-bob"));
        network.add_route("alice", kEverywhere, "wall");
        network.add_route("bob", kEverywhere, "wall");
    }
};

// What a stream lived through.
struct Life {
    std::unique_ptr<TcpStream> stream;
    bool connected = false;
    std::string received;
    std::optional<std::string> end;
    Duration ended{};

    void watch(Network& network, std::unique_ptr<TcpStream> of) {
        stream = std::move(of);
        stream->set_callbacks({.connected = [this] { connected = true; },
                               .received = [this](ByteView bytes) { received += as_text(bytes); },
                               .writable = {},
                               .closed =
                                   [this, &network](const std::string& why) {
                                       end = why;
                                       ended = network.now();
                                   }});
    }
};

TEST(FilterNode, RefusesAConnectionAtOnce) {
    Walled walled{open_but_for({reject_everything()})};
    Life alice;
    alice.watch(walled.network, walled.alice.connect_tcp({kBob, 443}).value());
    walled.network.run_until(seconds(5));
    ASSERT_TRUE(alice.end);
    EXPECT_FALSE(alice.connected);
    EXPECT_LT(alice.ended, milliseconds(3)) << "there and back over one link of 1 ms";
    EXPECT_EQ(*alice.end, "connection failed: refused, or no answer");
    EXPECT_EQ(walled.network.counters("wall-bob", "wall").sent, 0u);
}

TEST(FilterNode, ResetsARunningConnectionWhenARuleComes) {
    auto rule = reject_everything();
    rule.state = FilterRule::State::Any;
    rule.from = seconds(2);
    Walled walled{open_but_for({rule})};
    const auto listener = walled.bob.listen_tcp({{}, 443}).value();
    Life alice, bob;
    listener->on_accept([&](std::unique_ptr<TcpStream> stream) { bob.watch(walled.network, std::move(stream)); });
    alice.watch(walled.network, walled.alice.connect_tcp({kBob, 443}).value());
    walled.network.at(seconds(1), [&] { alice.stream->write(as_bytes("early")); });
    walled.network.at(seconds(3), [&] { alice.stream->write(as_bytes("late")); });
    walled.network.run_until(seconds(5));
    EXPECT_EQ(bob.received, "early");
    ASSERT_TRUE(alice.end);
    EXPECT_EQ(*alice.end, "connection lost: reset by the peer, or no answer");
    EXPECT_LT(alice.ended, seconds(3) + milliseconds(3));
}

TEST(FilterNode, CutsBothEndsOfWhatIsNoTls) {
    auto rule = tls_on_443();
    Walled walled{closed_but_for({rule})};
    const auto listener = walled.bob.listen_tcp({{}, 443}).value();
    for (const bool tls : {true, false}) {
        Life alice, bob;
        listener->on_accept([&](std::unique_ptr<TcpStream> stream) { bob.watch(walled.network, std::move(stream)); });
        const auto start = walled.network.now();
        alice.watch(walled.network, walled.alice.connect_tcp({kBob, 443}).value());
        walled.network.at(start + seconds(1),
                          [&] { alice.stream->write(as_bytes(tls ? kClientHello : kOpenVpnReset)); });
        walled.network.at(start + seconds(2), [&] {
            if (tls) bob.stream->write(as_bytes(kServerHello));
        });
        walled.network.run_until(start + seconds(4));
        EXPECT_TRUE(alice.connected);
        EXPECT_EQ(bob.received, tls ? kClientHello : "");
        EXPECT_EQ(alice.received, tls ? kServerHello : "");
        EXPECT_EQ(alice.end.has_value(), !tls);
        EXPECT_EQ(bob.end.has_value(), !tls);
    }
}

TEST(FilterNode, TellsAUdpSocketsHostThatItsPacketIsProhibited) {
    Scratch scratch;
    Walled walled{open_but_for({reject_everything()})};
    Inbox alice{walled.alice, 500};
    std::vector<Bytes> errors;
    const auto raw = walled.alice.open_raw(IpProtocol::Icmp).value();
    raw->on_packet([&](Ipv4Address from, ByteView payload) {
        EXPECT_EQ(from, kBob);
        errors.push_back(copy_of(payload));
    });
    alice.send({kBob, 500}, "ike");
    walled.network.run_until(seconds(1));
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0][0], 3);
    EXPECT_EQ(errors[0][1], 13);
}

TEST(FilterNode, SendsWhatTsharkCanRead) {
    if (output_of("command -v tshark").empty()) GTEST_SKIP() << "tshark is not installed";
    Scratch scratch;
    Walled walled{open_but_for({reject_everything()})};
    ASSERT_TRUE(walled.network.capture("alice", "alice-wall", scratch.path / "alice.pcap"));
    Inbox udp{walled.alice, 500};
    udp.send({kBob, 500}, "ike");
    walled.network.run_until(seconds(1));
    Life tcp;
    tcp.watch(walled.network, walled.alice.connect_tcp({kBob, 443}).value());
    walled.network.run_until(seconds(2));
    ASSERT_TRUE(walled.network.finish_captures());
    const auto seen =
        output_of("tshark -r " + (scratch.path / "alice.pcap").string() +
                  " -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -Y 'ip.src == 10.0.0.2'"
                  " -T fields -E occurrence=f -e ip.checksum.status -e icmp.type -e icmp.code"
                  " -e icmp.checksum.status -e udp.dstport -e tcp.flags.reset -e tcp.seq_raw -e tcp.ack_raw"
                  " -e tcp.checksum.status -e _ws.malformed 2>/dev/null");
    EXPECT_EQ(seen,
              "1\t3\t13\t1\t500\t\t\t\t\t\n"
              "1\t\t\t\t\t1\t0\t1\t1\t\n");
}

TEST(FilterNode, BlocksPortsBetweenTwoLinks) {
    std::vector<Event> events;
    Network network({.events = [&](Event event) { events.push_back(std::move(event)); }});
    auto& alice = network.add_host("alice", {kAlice});
    auto& bob = network.add_host("bob", {kBob});
    topologies::Firewall firewall;
    firewall.inside = "alice";
    firewall.rules = {drop_ports({500, 4500})};
    network.add_filter("wall", firewall);
    network.connect("wall", "bob", link_called("wall-bob"));
    network.connect("alice", "wall", link_called("alice-wall"));
    network.add_route("alice", kEverywhere, "wall");
    network.add_route("bob", kEverywhere, "wall");
    Inbox from{alice, 500}, ike{bob, 500}, dns{bob, 53};
    from.send({kBob, 500}, "ike");
    from.send({kBob, 53}, "dns");
    network.run_until(milliseconds(10));
    EXPECT_TRUE(ike.received.empty());
    EXPECT_EQ(dns.received.size(), 1u);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].node, "wall");
    EXPECT_EQ(events[0].component, "filter");
}

}  // namespace
}  // namespace gatelab::sim
