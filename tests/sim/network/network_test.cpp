#include "sim/network/network.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <thread>

#include "tests/sim/network/support.h"

namespace gatelab::sim {
namespace {

using testing::ElementsAre;

// Sends `count` numbered datagrams from alice to bob, one a millisecond; which of them arrived.
std::vector<int> survivors(std::uint64_t seed, double loss, int count) {
    Line line{{.seed = seed}, loss};
    Inbox alice{line.alice, 9}, bob{line.bob, 9};
    for (int i = 0; i < count; ++i) {
        line.network.at(milliseconds(i), [&, i] { alice.send({kBob, 9}, std::to_string(i)); });
    }
    line.network.run_until(milliseconds(count + 100));
    std::vector<int> arrived;
    for (const auto& [from, text] : bob.received) arrived.push_back(std::stoi(text));
    EXPECT_EQ(line.network.counters("router-bob", "router").lost, count - arrived.size());
    return arrived;
}

TEST(Link, LosesItsShareFromTheSeed) {
    const auto arrived = survivors(7, 0.1, 5000);
    EXPECT_NEAR(1 - static_cast<double>(arrived.size()) / 5000, 0.1, 0.02);
    EXPECT_EQ(arrived, survivors(7, 0.1, 5000));
    EXPECT_NE(arrived, survivors(8, 0.1, 5000));
}

TEST(Link, DropsWhatItsQueueCannotHold) {
    topologies::Link slow = link_called("slow");
    slow.bits_per_second = 10'000'000;
    Network network({});
    auto& a = network.add_host("a", {kAlice});
    auto& b = network.add_host("b", {kBob});
    network.connect("a", "b", slow);
    network.add_route("a", kEverywhere, "b");
    Inbox from{a, 9}, to{b, 9};
    for (int i = 0; i < 500; ++i) from.send({kBob, 9}, std::string(1472, 'x'));
    network.run_until(seconds(10));
    const auto counters = network.counters("slow", "a");
    EXPECT_EQ(counters.sent, 500u);
    EXPECT_EQ(counters.delivered, to.received.size());
    EXPECT_EQ(counters.delivered + counters.overflowed, 500u);
    EXPECT_NEAR(static_cast<double>(counters.delivered), 101, 1);  // 100 packets and the one being sent
}

TEST(Link, CarriesPacketsBeforeTheStart) {
    NetworkOptions options;
    options.lead = seconds(10);
    Network network(options);
    auto& a = network.add_host("a", {kAlice});
    auto& b = network.add_host("b", {kBob});
    network.connect("a", "b", link_called("link"));
    network.add_route("a", kEverywhere, "b");
    Inbox from{a, 9}, to{b, 9};
    from.send({kBob, 9}, "early");
    network.run_until(seconds(-9));
    EXPECT_EQ(to.received.size(), 1u);
}

TEST(Link, DropsWhatExceedsItsMtuWhenNobodyFragments) {
    Network network({});
    auto& port = network.add_port("port");
    network.add_port("far");
    network.connect("port", "far", link_called("link", 0, 600));
    port.inject(udp_packet({kAlice, 1}, {kBob, 1}, std::string(573, 'x')));
    port.inject(udp_packet({kAlice, 1}, {kBob, 1}, std::string(572, 'x')));
    network.run_until(milliseconds(10));
    EXPECT_EQ(network.counters("link", "port").oversized, 1u);
    EXPECT_EQ(network.counters("link", "port").delivered, 1u);
}

TEST(Node, SeesPacketsLaterByItsProcessingDelayAndInTheirOrder) {
    Scratch scratch;
    Line line;
    line.network.set_processing_delay("router", milliseconds(3));
    line.network.set_processing_delay("bob", milliseconds(5));
    ASSERT_TRUE(line.network.capture("bob", "router-bob", scratch.path / "bob.pcap"));
    Inbox alice{line.alice, 9}, bob{line.bob, 9};
    for (const auto* text : {"one", "two", "three"}) alice.send({kBob, 9}, text);
    line.network.run_until(milliseconds(9));
    EXPECT_TRUE(bob.received.empty());
    line.network.run_until(milliseconds(11));  // 2 links of 1 ms, 3 ms and 5 ms, and a little to send
    ASSERT_EQ(bob.received.size(), 3u);
    EXPECT_EQ(bob.received[0].second, "one");
    EXPECT_EQ(bob.received[2].second, "three");
    ASSERT_TRUE(line.network.finish_captures());
    // The first record's time: when the packet came to bob's card, not when bob saw it.
    const auto file = file_bytes(scratch.path / "bob.pcap");
    ASSERT_GE(file.size(), 32u);
    const auto at = [&](std::size_t i) { return file[i] | file[i + 1] << 8 | file[i + 2] << 16 | file[i + 3] << 24; };
    EXPECT_NEAR(at(28), 5'000'000, 10'000);
}

TEST(Node, DelaysPacketsAtBoxesAndPortsToo) {
    Network network({});
    auto& port = network.add_port("port");
    auto& far = network.add_port("far");
    topologies::Firewall firewall;
    firewall.inside = "port";
    network.add_filter("wall", firewall);
    network.set_processing_delay("wall", milliseconds(2));
    network.connect("port", "wall", link_called("inner"));
    network.connect("wall", "far", link_called("outer"));
    network.set_processing_delay("far", milliseconds(4));  // also after its link
    Duration seen{};
    far.on_packet([&](ByteView) { seen = network.now(); });
    port.inject(udp_packet({kAlice, 1}, {kBob, 1}, "x"));
    network.run_until(seconds(1));
    EXPECT_NEAR(static_cast<double>(seen.count()), 8e6, 1e4);
}

TEST(Interceptor, SeesDropsAndReplacesPackets) {
    Line line;
    Inbox alice{line.alice, 9}, bob{line.bob, 9};
    std::vector<std::string> senders;
    line.network.intercept("alice-router", [&](const std::string& from, ByteView packet) -> Verdict {
        senders.push_back(from);
        const auto text = as_text(packet.subspan(28));
        if (text == "drop") return {Verdict::Kind::Drop, {}};
        if (text == "swap") return {Verdict::Kind::Replace, udp_packet({kAlice, 9}, {kBob, 9}, "swapped")};
        return {};
    });
    for (const auto* text : {"pass", "drop", "swap"}) alice.send({kBob, 9}, text);
    line.network.run_until(milliseconds(10));
    bob.send({kAlice, 9}, "back");
    line.network.run_until(milliseconds(20));
    ASSERT_EQ(bob.received.size(), 2u);
    EXPECT_EQ(bob.received[0].second, "pass");
    EXPECT_EQ(bob.received[1].second, "swapped");
    EXPECT_THAT(senders, ElementsAre("alice", "alice", "alice", "router"));
    EXPECT_EQ(line.network.counters("alice-router", "alice").intercepted, 1u);
    line.network.intercept("alice-router", nullptr);
    alice.send({kBob, 9}, "drop");
    line.network.run_until(milliseconds(30));
    EXPECT_EQ(bob.received.size(), 3u);
}

TEST(Interceptor, MayReplaceItselfAndInject) {
    Line line;
    Inbox alice{line.alice, 9}, bob{line.bob, 9};
    line.network.intercept("router-bob", [&](const std::string& from, ByteView packet) -> Verdict {
        line.network.inject("router-bob", from, packet);  // a duplicate, past the interceptor
        line.network.intercept("router-bob", nullptr);
        return {};
    });
    alice.send({kBob, 9}, "twice");
    alice.send({kBob, 9}, "once");
    line.network.run_until(milliseconds(10));
    EXPECT_EQ(bob.received.size(), 3u);
}

TEST(NetworkRun, ChecksAConditionAfterEveryEventAndMillisecond) {
    Line line;
    line.network.at(milliseconds(5), [&] { line.alice.emit("test", {"reached", {}}); });
    EXPECT_TRUE(line.network.run_until([&] { return !line.events.empty(); }, seconds(1)));
    EXPECT_EQ(line.network.now(), milliseconds(5));
    bool flag = false;
    line.network.at(milliseconds(7) + Duration{1}, [&] { flag = true; });
    EXPECT_TRUE(line.network.run_until([&] { return flag; }, seconds(1)));
    EXPECT_EQ(line.network.now(), milliseconds(8));
    EXPECT_FALSE(line.network.run_until([] { return false; }, milliseconds(20)));
    EXPECT_EQ(line.network.now(), milliseconds(20));
    line.network.run_until(seconds(2));
    EXPECT_EQ(line.network.now(), seconds(2));
}

TEST(NetworkRun, StopsWhenAsked) {
    Line line;
    line.network.at(milliseconds(5), [&] { line.network.stop(); });
    line.network.run_until(seconds(1));
    EXPECT_EQ(line.network.now(), milliseconds(5));
    line.network.run_until(milliseconds(9));
    EXPECT_EQ(line.network.now(), milliseconds(9));
}

// Some traffic with losses; the captures of both hosts and the events, as one string of bytes.
Bytes evidence(std::uint64_t seed) {
    Scratch scratch;
    Line line{{.seed = seed}, 0.2};
    EXPECT_TRUE(line.network.capture("alice", "alice-router", scratch.path / "alice.pcap"));
    EXPECT_TRUE(line.network.capture("bob", "router-bob", scratch.path / "bob.pcap"));
    Inbox alice{line.alice, 9}, bob{line.bob, 9};
    const auto listener = line.bob.listen_tcp({{}, 443}).value();
    std::unique_ptr<TcpStream> accepted;
    listener->on_accept([&](std::unique_ptr<TcpStream> stream) {
        accepted = std::move(stream);
        TcpStream::Callbacks callbacks;
        callbacks.received = [&](ByteView bytes) {
            line.bob.emit("tcp", {"received", {{"size", static_cast<std::int64_t>(bytes.size())}}});
        };
        accepted->set_callbacks(std::move(callbacks));
    });
    const auto stream = line.alice.connect_tcp({kBob, 443}).value();
    (void)stream->write(Bytes(20'000, 'x'));
    for (int i = 0; i < 100; ++i) {
        line.network.at(milliseconds(10 * i), [&] { alice.send({kBob, 9}, to_hex(line.alice.random().bytes(8))); });
    }
    line.network.run_until(seconds(30));
    EXPECT_TRUE(line.network.finish_captures());
    auto bytes = file_bytes(scratch.path / "alice.pcap");
    append(bytes, file_bytes(scratch.path / "bob.pcap"));
    for (const auto& event : line.events) append(bytes, as_bytes(to_json_line(event)));
    return bytes;
}

TEST(NetworkRun, RepeatsByteForByteInOneProcess) {
    const auto first = evidence(1);
    EXPECT_GT(first.size(), 10'000u);
    EXPECT_EQ(first, evidence(1));
    EXPECT_NE(first, evidence(2));
    EXPECT_EQ(first, evidence(1));
}

TEST(NetworkRun, StopsTheProgramOnMisuse) {
    EXPECT_DEATH(
        {
            Network network({});
            network.connect("a", "b", link_called("link"));
        },
        "there is no node a");
}

TEST(Capture, ShowsPacketsAndSimulatedTimesToTshark) {
    if (output_of("command -v tshark").empty()) GTEST_SKIP() << "tshark is not installed";
    Scratch scratch;
    Line line;
    ASSERT_TRUE(line.network.capture("bob", "router-bob", scratch.path / "bob.pcap"));
    Inbox alice{line.alice, 500}, bob{line.bob, 7};
    alice.send({kBob, 7}, std::string(972, 'x'));
    line.network.run_until(seconds(1));
    bob.send({kAlice, 500}, "y");
    line.network.run_until(seconds(2));
    ASSERT_TRUE(line.network.finish_captures());
    const auto seen = output_of("tshark -r " + (scratch.path / "bob.pcap").string() +
                                " -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -T fields -e frame.time_epoch"
                                " -e ip.src -e udp.dstport -e udp.length -e ip.checksum.status -e udp.checksum.status"
                                " 2>/dev/null");
    EXPECT_EQ(seen,
              "1767225600.002016000\t10.0.0.1\t7\t980\t1\t1\n"
              "1767225601.000000000\t10.0.0.2\t500\t9\t1\t1\n");
}

TEST(Capture, RecordsTunnelDevicesOpenedLater) {
    Scratch scratch;
    Line line;
    ASSERT_TRUE(line.network.capture("alice", "p2s0", scratch.path / "p2s0.pcap"));
    const auto device = line.alice.open_tun({"p2s0", {172, 16, 0, 1}, 1400}).value();
    device->write(udp_packet({{172, 16, 0, 2}, 5}, {{172, 16, 0, 1}, 5}, "in"));
    ASSERT_TRUE(line.network.finish_captures());
    EXPECT_EQ(file_bytes(scratch.path / "p2s0.pcap").size(), 24u + 16 + 30);
}

TEST(Capture, SaysWhyAFileCannotBeWritten) {
    Line line;
    const auto result = line.network.capture("alice", "alice-router", "/nonexistent/a.pcap");
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().fault, Fault::Io);
    EXPECT_NE(result.error().detail.find("/nonexistent/a.pcap"), std::string::npos);
}

TEST(Capture, NoticesAFullDisk) {
    if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "/dev/full is not there";
    Line line;
    ASSERT_TRUE(line.network.capture("alice", "alice-router", "/dev/full"));
    Inbox alice{line.alice, 9};
    alice.send({kBob, 9}, "x");
    line.network.run_until(seconds(1));
    EXPECT_FALSE(line.network.finish_captures());
    EXPECT_FALSE(line.network.finish_captures());
}

// A program outside at `port`, behind a router, talks with bob.
struct Outside {
    Network network;
    Host& bob;
    Port& port;
    std::vector<std::string> received;

    explicit Outside(NetworkOptions options = {})
        : network(std::move(options)), bob(network.add_host("bob", {kBob})), port(network.add_port("port")) {
        network.connect("port", "bob", link_called("link"));
        network.add_route("bob", kEverywhere, "port");
        port.on_packet([this](ByteView packet) { received.push_back(as_text(packet.subspan(28))); });
    }
};

TEST(Port, ExchangesWholePackets) {
    Outside outside;
    Inbox bob{outside.bob, 9};
    outside.port.inject(udp_packet({kAlice, 9}, {kBob, 9}, "in"));
    outside.network.run_until(milliseconds(10));
    bob.send({kAlice, 9}, "out");
    outside.network.run_until(milliseconds(20));
    EXPECT_EQ(bob.received.size(), 1u);
    EXPECT_THAT(outside.received, ElementsAre("out"));
}

TEST(Port, SurvivesHostilePackets) {
    Outside outside;
    SeededRandom random{1};
    for (int i = 0; i < 20'000; ++i) {
        Bytes packet(20 + random.below(60));
        random.fill(packet);
        packet[0] = 0x45;
        write_u16(packet, 2, static_cast<std::uint16_t>(packet.size()));
        const std::array<std::uint8_t, 4> protocols{1, 6, 17, 50};
        packet[9] = protocols[random.below(4)];
        if (random.below(4) != 0) write_u16(packet, 6, 0);  // else fragments of all kinds
        write_u32(packet, 16, kBob.number());
        refresh_checksums(packet);
        outside.port.inject(packet);
        outside.network.run_until(outside.network.now() + std::chrono::microseconds(10));
    }
    outside.network.run_until(seconds(120));
    Inbox bob{outside.bob, 9};
    outside.port.inject(udp_packet({kAlice, 9}, {kBob, 9}, "well"));
    outside.network.run_until(seconds(121));
    EXPECT_EQ(bob.received.size(), 1u);
}

TEST(RealTime, KeepsStepAndTakesPacketsFromOtherThreads) {
    Outside outside{{.real_time = true}};
    Inbox bob{outside.bob, 9};
    std::thread other{[&] {
        for (int i = 0; i < 10; ++i) {
            std::this_thread::sleep_for(milliseconds(5));
            outside.port.inject(udp_packet({kAlice, 9}, {kBob, 9}, "in"));
        }
    }};
    const auto before = std::chrono::steady_clock::now();
    EXPECT_TRUE(outside.network.run_until([&] { return bob.received.size() == 10; }, seconds(20)));
    outside.network.run_until(outside.network.now() + milliseconds(200));  // a second slice
    const auto took = std::chrono::steady_clock::now() - before;
    other.join();
    EXPECT_EQ(bob.received.size(), 10u);
    EXPECT_GE(took, milliseconds(250));
    EXPECT_LT(took, seconds(20));
    EXPECT_GE(outside.network.lateness().size(), 20u);
    for (const auto late : outside.network.lateness()) EXPECT_GE(late, -milliseconds(1));
}

}  // namespace
}  // namespace gatelab::sim
