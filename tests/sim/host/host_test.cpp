#include <gmock/gmock.h>

#include "tests/sim/network/support.h"

namespace gatelab::sim {
namespace {

using testing::ElementsAre;

TEST(SimHost, TellsTheTimeFromTheEpoch) {
    Line line;
    line.network.run_until(seconds(3));
    EXPECT_EQ(line.alice.now(), instant_from_unix(1767225600) + seconds(3));
}

TEST(SimHost, CallsInTheOrderOfTime) {
    Line line;
    std::vector<int> calls;
    const auto start = line.alice.now();
    const auto late = line.alice.call_at(start + seconds(2), [&] { calls.push_back(2); });
    const auto early = line.alice.call_at(start + seconds(1), [&] { calls.push_back(1); });
    const auto past = line.alice.call_at(start - seconds(1), [&] { calls.push_back(0); });
    auto cancelled = line.alice.call_at(start + seconds(1), [&] { calls.push_back(-1); });
    cancelled.reset();
    EXPECT_TRUE(calls.empty());
    line.network.run_until(seconds(3));
    EXPECT_THAT(calls, ElementsAre(0, 1, 2));
}

TEST(SimHost, LetsATimerDropItselfWhileItRuns) {
    Line line;
    int calls = 0;
    Timer timer;
    timer = line.alice.call_at(line.alice.now(), [&] {
        ++calls;
        timer = line.alice.call_at(line.alice.now() + seconds(1), [&] { ++calls; });
    });
    line.network.run_until(seconds(5));
    EXPECT_EQ(calls, 2);
}

TEST(SimHost, DrawsRandomNumbersFromTheSeedAndItsName) {
    const auto draw = [](std::uint64_t seed) {
        Line line{{.seed = seed}};
        return std::pair{line.alice.random().u64(), line.bob.random().u64()};
    };
    EXPECT_EQ(draw(1), draw(1));
    EXPECT_NE(draw(1), draw(2));
    EXPECT_NE(draw(1).first, draw(1).second);
}

TEST(SimHost, StampsEventsWithItsNameAndTheTime) {
    Line line;
    line.network.run_until(seconds(1));
    line.bob.emit("ikev2", {"message-sent", {{"size", std::int64_t{5}}}});
    ASSERT_EQ(line.events.size(), 1u);
    EXPECT_EQ(to_json_line(line.events[0]),
              R"({"t":1.000000000,"node":"bob","component":"ikev2","event":"message-sent","attributes":{"size":5}})");
}

TEST(SimHost, AnswersPingsAndShowsIcmpToRawSockets) {
    Line line;
    const auto icmp = line.alice.open_raw(IpProtocol::Icmp).value();
    std::vector<std::uint8_t> types;
    icmp->on_packet([&](Ipv4Address from, ByteView message) {
        EXPECT_EQ(from, kBob);
        types.push_back(message[0]);
    });
    Bytes echo = {8, 0, 0, 0, 0, 7, 0, 1, 'd', 'a', 't', 'a'};
    write_u16(echo, 2, internet_checksum(echo));
    ASSERT_TRUE(icmp->send(kBob, echo).has_value());
    line.network.run_until(seconds(1));
    EXPECT_THAT(types, ElementsAre(0));
}

TEST(SimHost, CarriesProtocolsWithoutPorts) {
    Line line;
    const auto alice = line.alice.open_raw(IpProtocol::Esp).value(), bob = line.bob.open_raw(IpProtocol::Esp).value();
    std::vector<std::string> received;
    bob->on_packet([&](Ipv4Address from, ByteView payload) {
        EXPECT_EQ(from, kAlice);
        received.push_back(as_text(payload));
    });
    ASSERT_TRUE(alice->send(kBob, as_bytes("sealed")).has_value());
    ASSERT_TRUE(alice->send(kBob, as_bytes(std::string(3000, 'y'))).has_value());  // in fragments
    line.network.run_until(seconds(1));
    EXPECT_THAT(received, ElementsAre("sealed", std::string(3000, 'y')));
    EXPECT_FALSE(line.alice.open_raw(IpProtocol::Esp).has_value());
    EXPECT_FALSE(line.alice.open_raw(IpProtocol::Udp).has_value());
}

// Two hosts with tunnel devices whose packets they carry in UDP to each other.
struct Tunnel {
    Inbox outer;
    std::unique_ptr<TunDevice> device;

    Tunnel(Host& host, Ipv4Address inner, Ipv4Address remote, Ipv4Address remote_inner)
        : outer(host, 4500), device(host.open_tun({"p2s0", inner, 1400}).value()) {
        EXPECT_TRUE(host.routes().add({Prefix{remote_inner, 32}, "p2s0", {}}).has_value());
        device->on_packet([this, remote](ByteView packet) { EXPECT_TRUE(outer.socket->send({remote, 4500}, packet)); });
        outer.socket->on_datagram([this](Endpoint, ByteView packet) { device->write(packet); });
    }
};

TEST(SimTun, CarriesTheHostsPacketsOverATunnel) {
    Line line;
    const Ipv4Address inner_alice{172, 16, 0, 1}, inner_bob{172, 16, 0, 2};
    Tunnel alice{line.alice, inner_alice, kBob, inner_bob}, bob{line.bob, inner_bob, kAlice, inner_alice};
    Inbox from{line.alice, 7}, to{line.bob, 7};
    EXPECT_EQ(line.alice.routes().source_for(inner_bob).value(), inner_alice);
    from.send({inner_bob, 7}, "inside");
    line.network.run_until(milliseconds(10));
    ASSERT_EQ(to.received.size(), 1u);
    EXPECT_EQ(to.received[0].first, (Endpoint{inner_alice, 7}));
    to.send({inner_alice, 7}, "and back");
    line.network.run_until(milliseconds(20));
    EXPECT_EQ(from.received.size(), 1u);
}

TEST(SimTun, MayOpenWhenAPacketArrives) {
    Line line;
    std::vector<std::unique_ptr<TunDevice>> devices;
    Inbox from{line.alice, 7}, to{line.bob, 7};
    to.socket->on_datagram([&](Endpoint, ByteView) {
        for (int i = 0; i < 8; ++i)
            devices.push_back(line.bob.open_tun({"p2s" + std::to_string(i), {172, 16, 0, 1}, 1400}).value());
    });
    from.send({kBob, 7}, "open");
    line.network.run_until(milliseconds(10));
    EXPECT_EQ(devices.size(), 8u);
}

TEST(SimTun, TakesItsRoutesAndAddressAlong) {
    Line line;
    auto& routes = line.alice.routes();
    auto device = line.alice.open_tun({"p2s0", {172, 16, 0, 1}, 1400}).value();
    EXPECT_FALSE(line.alice.open_tun({"p2s0", {172, 16, 0, 1}, 1400}).has_value());
    ASSERT_TRUE(routes.add({Prefix{kBob, 32}, "p2s0", {}}).has_value());
    EXPECT_EQ(routes.lookup(kBob)->interface, "p2s0");
    device.reset();
    EXPECT_EQ(routes.lookup(kBob)->interface, "alice-router");
    EXPECT_FALSE(routes.add({Prefix{kBob, 32}, "p2s0", {}}).has_value());
    EXPECT_FALSE(line.alice.open_udp({{172, 16, 0, 1}, 9}).has_value());
    EXPECT_TRUE(line.alice.open_tun({"p2s0", {172, 16, 0, 9}, 1300}).has_value());
}

TEST(SimTun, IgnoresBytesThatAreNoPacket) {
    Line line;
    const auto device = line.alice.open_tun({"p2s0", {172, 16, 0, 1}, 1400}).value();
    const auto whole = udp_packet({{172, 16, 0, 2}, 5}, {{172, 16, 0, 1}, 5}, "whole");
    Inbox inbox{line.alice, 5};
    for (std::size_t size = 0; size < whole.size(); ++size) device->write(ByteView{whole}.first(size));
    device->write(Bytes(100, 0xff));
    line.network.run_until(milliseconds(1));
    EXPECT_TRUE(inbox.received.empty());
    device->write(whole);
    line.network.run_until(milliseconds(2));
    EXPECT_EQ(inbox.received.size(), 1u);
}

TEST(SimRoutes, PreferTheLongestPrefixAndThenTheNewest) {
    Line line;
    auto& routes = line.alice.routes();
    const auto first = line.alice.open_tun({"tun0", {172, 16, 0, 1}, 1400}).value();
    const auto second = line.alice.open_tun({"tun1", {172, 16, 0, 2}, 1400}).value();
    const Prefix wide{{10, 0, 0, 0}, 8}, narrow{{10, 1, 0, 0}, 16};
    ASSERT_TRUE(routes.add({wide, "tun0", {}}));
    ASSERT_TRUE(routes.add({narrow, "tun0", {}}));
    ASSERT_TRUE(routes.add({wide, "tun1", {}}));
    EXPECT_EQ(routes.lookup({10, 2, 0, 0})->interface, "tun1");
    EXPECT_EQ(routes.lookup({10, 1, 2, 3})->interface, "tun0");
    EXPECT_EQ(routes.source_for({10, 2, 0, 0}).value(), Ipv4Address(172, 16, 0, 2));
    routes.remove({wide, "tun1", {}});
    EXPECT_EQ(routes.lookup({10, 2, 0, 0})->interface, "tun0");
    EXPECT_EQ(routes.lookup({11, 0, 0, 0})->interface, "alice-router");
    EXPECT_EQ(routes.add({wide, "nowhere", {}}).error().fault, Fault::NotFound);
}

TEST(SimRoutes, AnswerFragmentationNeededToWhatMustNotBeFragmented) {
    Line line{{}, 0, 1280};
    const auto icmp = line.alice.open_raw(IpProtocol::Icmp).value();
    Bytes answer;
    icmp->on_packet([&](Ipv4Address, ByteView message) { answer = copy_of(message); });
    const auto packet = udp_packet({kAlice, 5}, {kBob, 5}, std::string(1400, 'x'), 0x40);
    line.network.inject("alice-router", "alice", packet);
    line.network.run_until(milliseconds(10));
    ASSERT_GE(answer.size(), 8u);
    EXPECT_EQ(answer[0], 3);
    EXPECT_EQ(answer[1], 4);
    EXPECT_EQ(read_u16(answer, 6), 1280);
}

TEST(SimRoutes, ReportExpiryFromTheDummyAddress) {
    Line line;
    const auto icmp = line.alice.open_raw(IpProtocol::Icmp).value();
    std::optional<Ipv4Address> reporter;
    icmp->on_packet([&](Ipv4Address from, ByteView message) {
        if (message[0] == 11) reporter = from;
    });
    auto packet = udp_packet({kAlice, 5}, {kBob, 5}, "short-lived");
    packet[8] = 1;
    refresh_checksums(packet);
    line.network.inject("alice-router", "alice", packet);
    line.network.run_until(milliseconds(10));
    EXPECT_EQ(reporter, Ipv4Address(192, 0, 0, 8));
}

// A host with an address for each of its two neighbours.
TEST(SimRoutes, TakeTheSourceAddressOfTheInterface) {
    Network network({});
    auto& gateway = network.add_host("gateway", {{20, 0, 0, 4}, {10, 1, 0, 4}});
    network.add_host("internet", {kAlice});
    auto& machine = network.add_host("machine", {{10, 1, 1, 1}});
    network.connect("gateway", "internet", link_called("gateway-internet"));
    network.connect("gateway", "machine", link_called("gateway-machine"));
    network.add_route("gateway", kEverywhere, "internet");
    network.add_route("gateway", Prefix{{10, 1, 1, 0}, 24}, "machine");
    network.set_source("gateway", "machine", {10, 1, 0, 4});
    EXPECT_EQ(gateway.routes().source_for(kAlice).value(), Ipv4Address(20, 0, 0, 4));
    EXPECT_EQ(gateway.routes().source_for({10, 1, 1, 1}).value(), Ipv4Address(10, 1, 0, 4));
    Inbox from{gateway, 5}, to{machine, 5};
    from.send({{10, 1, 1, 1}, 5}, "x");
    network.run_until(milliseconds(10));
    ASSERT_EQ(to.received.size(), 1u);
    EXPECT_EQ(to.received[0].first.address, Ipv4Address(10, 1, 0, 4));
}

}  // namespace
}  // namespace gatelab::sim
