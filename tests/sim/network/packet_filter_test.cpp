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
