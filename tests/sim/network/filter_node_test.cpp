#include <gmock/gmock.h>

#include "tests/sim/network/filter_support.h"

namespace gatelab::sim {
namespace {

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
