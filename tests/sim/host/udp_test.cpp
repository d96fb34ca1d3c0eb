#include <gmock/gmock.h>

#include "tests/sim/network/support.h"

namespace gatelab::sim {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(SimUdp, CarriesDatagramsAcrossARouter) {
    Line line;
    Inbox alice{line.alice, 500}, bob{line.bob, 4500};
    alice.send({kBob, 4500}, "hello");
    line.network.run_until(milliseconds(10));
    bob.send({kAlice, 500}, "welcome");
    line.network.run_until(milliseconds(20));
    EXPECT_THAT(bob.received, ElementsAre(Pair(Endpoint{kAlice, 500}, "hello")));
    EXPECT_THAT(alice.received, ElementsAre(Pair(Endpoint{kBob, 4500}, "welcome")));
}

TEST(SimUdp, TakesTheTimeThatRateAndDelaySay) {
    Line line;
    Inbox alice{line.alice, 500}, bob{line.bob, 500};
    Duration arrived{};
    bob.socket->on_datagram([&](Endpoint, ByteView) { arrived = line.network.now(); });
    alice.send({kBob, 500}, std::string(972, 'x'));  // 1000 octets of IP packet at 1 Gbit/s: 8 us a link
    line.network.run_until(seconds(1));
    EXPECT_EQ(arrived, milliseconds(2) + std::chrono::microseconds(16));
}

TEST(SimUdp, RefusesATakenPort) {
    Line line;
    const auto first = line.alice.open_udp({{}, 500});
    ASSERT_TRUE(first.has_value());
    const auto second = line.alice.open_udp({{}, 500});
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().fault, Fault::Refused);
}

TEST(SimUdp, GivesAClosedPortBack) {
    Line line;
    { const auto first = line.alice.open_udp({{}, 500}); }
    EXPECT_TRUE(line.alice.open_udp({{}, 500}).has_value());
}

TEST(SimUdp, PicksAFreePortForPortZero) {
    Line line;
    const auto first = line.alice.open_udp({}).value(), second = line.alice.open_udp({}).value();
    EXPECT_NE(first->local().port, 0);
    EXPECT_NE(first->local().port, second->local().port);
}

TEST(SimUdp, ReportsAMissingRoute) {
    Network network({});
    auto& host = network.add_host("alone", {kAlice});
    const auto socket = host.open_udp({{}, 500}).value();
    const auto sent = socket->send({kBob, 500}, as_bytes("x"));
    ASSERT_FALSE(sent.has_value());
    EXPECT_EQ(sent.error().fault, Fault::Io);
}

TEST(SimUdp, MayCloseItselfWhileReceiving) {
    Line line;
    Inbox alice{line.alice, 500};
    auto socket = line.bob.open_udp({{}, 500}).value();
    int received = 0;
    socket->on_datagram([&](Endpoint, ByteView) {
        ++received;
        socket.reset();
        socket = line.bob.open_udp({{}, 500}).value();
    });
    alice.send({kBob, 500}, "one");
    alice.send({kBob, 500}, "two");
    line.network.run_until(seconds(1));
    EXPECT_EQ(received, 1);
}

TEST(SimUdp, DeliversToTheOwnHostAfterTheCallReturned) {
    Line line;
    Inbox a{line.alice, 1000}, b{line.alice, 2000};
    a.send({kAlice, 2000}, "myself");
    EXPECT_TRUE(b.received.empty());
    line.network.run_until(milliseconds(1));
    EXPECT_THAT(b.received, ElementsAre(Pair(Endpoint{kAlice, 1000}, "myself")));
}

TEST(SimUdp, FragmentsAndReassemblesWhatExceedsTheMtu) {
    Line line{{}, 0, 1280};
    Inbox alice{line.alice, 500}, bob{line.bob, 500};
    alice.send({kBob, 500}, std::string(4000, 'x'));
    line.network.run_until(seconds(1));
    ASSERT_EQ(bob.received.size(), 1u);
    EXPECT_EQ(bob.received[0].second, std::string(4000, 'x'));
    EXPECT_GT(line.network.counters("router-bob", "router").sent, line.network.counters("alice-router", "alice").sent);
}

TEST(SimUdp, TakesDatagramsWithoutChecksum) {
    Line line;
    Inbox bob{line.bob, 500};
    auto packet = udp_packet({kAlice, 500}, {kBob, 500}, "bare");
    write_u16(packet, 26, 0);
    line.network.inject("router-bob", "router", packet);
    line.network.run_until(milliseconds(10));
    EXPECT_EQ(bob.received.size(), 1u);
}

TEST(SimUdp, DropsDatagramsWithABrokenChecksum) {
    Line line;
    Inbox bob{line.bob, 500};
    auto packet = udp_packet({kAlice, 500}, {kBob, 500}, "bad");
    packet.back() ^= 1;
    line.network.inject("router-bob", "router", packet);
    line.network.run_until(milliseconds(10));
    EXPECT_TRUE(bob.received.empty());
}

TEST(SimUdp, AnswersPortUnreachableWhenNobodyListens) {
    Line line;
    Inbox alice{line.alice, 500};
    const auto icmp = line.alice.open_raw(IpProtocol::Icmp).value();
    Bytes answer;
    icmp->on_packet([&](Ipv4Address, ByteView message) { answer = copy_of(message); });
    alice.send({kBob, 7}, "anybody?");
    line.network.run_until(seconds(1));
    ASSERT_GE(answer.size(), 2u);
    EXPECT_EQ(answer[0], 3);
    EXPECT_EQ(answer[1], 3);
}

TEST(SimUdp, CutsWhatTheUdpLengthDoesNotCover) {
    Line line;
    Inbox bob{line.bob, 500};
    auto packet = udp_packet({kAlice, 500}, {kBob, 500}, "covered, and not");
    write_u16(packet, 24, 8 + 7);
    write_u16(packet, 26, 0);
    line.network.inject("router-bob", "router", packet);
    write_u16(packet, 24, 200);
    line.network.inject("router-bob", "router", packet);
    line.network.run_until(milliseconds(10));
    ASSERT_EQ(bob.received.size(), 1u);
    EXPECT_EQ(bob.received[0].second, "covered");
}

TEST(SimUdp, OutlivesItsNetworkQuietly) {
    std::unique_ptr<UdpSocket> socket;
    Timer timer;
    {
        Line line;
        socket = line.alice.open_udp({{}, 500}).value();
        timer = line.alice.call_at(line.alice.now() + seconds(1), [] {});
    }
    EXPECT_FALSE(socket->send({kBob, 500}, as_bytes("x")).has_value());
}

}  // namespace
}  // namespace gatelab::sim
