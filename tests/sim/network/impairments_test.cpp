#include "sim/network/impairments.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/sim/network/support.h"

namespace gatelab::sim {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using topologies::LinkFault;

// alice and bob on one link of 1 ms.
struct Pair {
    std::vector<Event> events;
    Network network;
    Host& alice;
    Host& bob;

    explicit Pair(topologies::Link link, std::vector<LinkFault> faults = {}, std::uint64_t seed = 1)
        : network({.seed = seed, .events = [this](Event event) { events.push_back(std::move(event)); }}),
          alice(network.add_host("alice", {kAlice})),
          bob(network.add_host("bob", {kBob})) {
        link.name = "wire";
        network.connect("alice", "bob", link);
        network.add_route("alice", kEverywhere, "bob");
        network.add_route("bob", kEverywhere, "alice");
        for (auto& fault : faults) {
            fault.link = "wire";
            network.add_fault(fault);
        }
    }
    LinkCounters counters() const { return network.counters("wire", "alice"); }
};

// Sends `count` numbered datagrams of 100 octets to bob's port, one a millisecond; what arrived, in order.
std::vector<int> arrivals(Pair& pair, int count, std::uint16_t port = 9) {
    Inbox alice{pair.alice, 9}, bob{pair.bob, port};
    const auto start = pair.network.now();
    for (int i = 0; i < count; ++i) {
        pair.network.at(start + milliseconds(i), [&alice, i, port] {
            auto text = std::to_string(i);
            text.resize(100, ' ');
            alice.send({kBob, port}, text);
        });
    }
    pair.network.run_until(start + milliseconds(count + 500));
    std::vector<int> arrived;
    for (const auto& [from, text] : bob.received) {
        EXPECT_EQ(text.size(), 100u);
        EXPECT_EQ(text.find_first_not_of("0123456789 "), text.npos) << "a damaged datagram was taken: " << text;
        arrived.push_back(std::stoi(text));
    }
    return arrived;
}

std::vector<int> numbers_to(int count) {
    std::vector<int> all;
    for (int i = 0; i < count; ++i) all.push_back(i);
    return all;
}

topologies::Link with(double topologies::Link::*what, double share) {
    topologies::Link link;
    link.*what = share;
    return link;
}

TEST(Impairments, DuplicateTheirShare) {
    Pair pair{with(&topologies::Link::duplicate, 0.1)};
    const auto arrived = arrivals(pair, 2000);
    EXPECT_NEAR(static_cast<double>(arrived.size()) / 2000, 1.1, 0.03);
    auto distinct = arrived;
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    EXPECT_EQ(distinct, numbers_to(2000)) << "each arrives, and in order";
    EXPECT_EQ(pair.counters().duplicated, arrived.size() - 2000);
    EXPECT_EQ(pair.counters().delivered, arrived.size());
}

TEST(Impairments, ChangeABitThatTheReceiverNotices) {
    Pair pair{with(&topologies::Link::corrupt, 0.2)};
    const auto arrived = arrivals(pair, 2000);
    const auto counters = pair.counters();
    EXPECT_NEAR(static_cast<double>(counters.corrupted) / 2000, 0.2, 0.03);
    EXPECT_EQ(counters.delivered, 2000u) << "they come to the card";
    EXPECT_EQ(arrived.size(), 2000 - counters.corrupted) << "and no further";
}

TEST(Impairments, ChangeBitsThatTcpNotices) {
    Pair pair{with(&topologies::Link::corrupt, 0.05)};
    const auto listener = pair.bob.listen_tcp({{}, 80}).value();
    std::string received;
    std::unique_ptr<TcpStream> accepted;
    listener->on_accept([&](std::unique_ptr<TcpStream> stream) {
        accepted = std::move(stream);
        accepted->set_callbacks({.connected = {},
                                 .received = [&](ByteView bytes) { received += as_text(bytes); },
                                 .writable = {},
                                 .closed = {}});
    });
    const auto stream = pair.alice.connect_tcp({kBob, 80}).value();
    pair.network.run_until(seconds(4));
    std::string text(100'000, ' ');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
    ASSERT_EQ(stream->write(as_bytes(text)), text.size());
    pair.network.run_until(seconds(120));
    EXPECT_EQ(received, text);
    EXPECT_GT(pair.counters().corrupted, 0u);
}

TEST(Impairments, ChangeBitsThatPingsNotice) {
    Pair pair{with(&topologies::Link::corrupt, 0.3)};
    const auto raw = pair.alice.open_raw(IpProtocol::Icmp).value();
    Bytes request(200, 0x55);
    request[0] = 8;
    request[1] = 0;
    write_u16(request, 2, 0);
    write_u16(request, 2, internet_checksum(request));
    auto expected = request;
    expected[0] = 0;
    write_u16(expected, 2, 0);
    write_u16(expected, 2, internet_checksum(expected));
    int replies = 0;
    raw->on_packet([&](Ipv4Address, ByteView payload) {
        ++replies;
        EXPECT_EQ(copy_of(payload), expected);
    });
    for (int i = 0; i < 500; ++i) pair.network.at(milliseconds(i), [&] { EXPECT_TRUE(raw->send(kBob, request)); });
    pair.network.run_until(seconds(1));
    EXPECT_NEAR(replies / 500.0, 0.7 * 0.7, 0.08);
}

TEST(Impairments, LetLaterPacketsOvertake) {
    auto link = with(&topologies::Link::reorder, 0.1);
    link.reorder_by = milliseconds(10);
    Pair pair{link};
    auto arrived = arrivals(pair, 2000);
    EXPECT_FALSE(std::is_sorted(arrived.begin(), arrived.end()));
    for (std::size_t i = 0; i < arrived.size(); ++i) EXPECT_NEAR(arrived[i], static_cast<double>(i), 11);
    EXPECT_NEAR(static_cast<double>(pair.counters().delayed) / 2000, 0.1, 0.03);
    std::sort(arrived.begin(), arrived.end());
    EXPECT_EQ(arrived, numbers_to(2000)) << "none is lost";
}

TEST(Impairments, SwallowWhatIsLargerThanABlackHoleLetsThrough) {
    topologies::Link link;
    link.black_hole_above = 600;
    Pair pair{link};
    Inbox alice{pair.alice, 9}, bob{pair.bob, 9};
    for (const std::size_t size : {572, 573, 1472}) alice.send({kBob, 9}, std::string(size, 'x'));
    pair.network.run_until(seconds(1));
    ASSERT_EQ(bob.received.size(), 1u);
    EXPECT_EQ(bob.received[0].second.size(), 572u);
    EXPECT_EQ(pair.counters().black_holed, 2u);
    EXPECT_TRUE(alice.received.empty());
    EXPECT_EQ(pair.network.counters("wire", "bob").sent, 0u) << "nobody is told";
}

TEST(Impairments, RepeatFromTheSeedAndLeaveEachOtherAlone) {
    topologies::Link all;
    all.loss = all.duplicate = all.corrupt = all.reorder = 0.05;
    const auto run = [](const topologies::Link& link, std::uint64_t seed) {
        Pair pair{link, {}, seed};
        return arrivals(pair, 1000);
    };
    EXPECT_EQ(run(all, 7), run(all, 7));
    EXPECT_NE(run(all, 7), run(all, 8));
    // What is lost by loss alone is lost with all the others too.
    const auto lost = [&](const topologies::Link& link) {
        auto missing = numbers_to(1000);
        for (const auto arrived : run(link, 7)) std::erase(missing, arrived);
        return missing;
    };
    auto without_corruption = all;
    without_corruption.corrupt = 0;
    EXPECT_EQ(lost(with(&topologies::Link::loss, 0.05)), lost(without_corruption));
}

TEST(Impairments, OfNobodyChangeNothing) {
    const auto capture_of = [](bool elsewhere) {
        Scratch scratch;
        Line line{{.seed = 5}, 0.05};
        LinkFault fault;
        fault.link = "alice-router";
        fault.at = seconds(3600);
        if (elsewhere) line.network.add_fault(fault);
        EXPECT_TRUE(line.network.capture("bob", "router-bob", scratch.path / "bob.pcap"));
        Inbox alice{line.alice, 9}, bob{line.bob, 9};
        for (int i = 0; i < 500; ++i)
            line.network.at(milliseconds(i), [&] { alice.send({kBob, 9}, std::string(50, 'x')); });
        line.network.run_until(seconds(2));
        EXPECT_TRUE(line.network.finish_captures());
        return file_bytes(scratch.path / "bob.pcap");
    };
    EXPECT_EQ(capture_of(false), capture_of(true));
}

// --- faults ---

LinkFault drop_numbers(std::vector<std::uint32_t> numbers) {
    LinkFault fault;
    fault.numbers = std::move(numbers);
    return fault;
}

TEST(Faults, DropTheNumberedPackets) {
    Pair pair{{}, {drop_numbers({1, 3, 4})}};
    EXPECT_THAT(arrivals(pair, 6), ElementsAre(1, 4, 5));
    EXPECT_EQ(pair.counters().faulted, 3u);
    ASSERT_EQ(pair.events.size(), 2u);  // the first and the second; the fourth would be the next
    EXPECT_EQ(pair.events[0].node, "alice");
    EXPECT_EQ(pair.events[0].component, "link");
    EXPECT_EQ(pair.events[0].event, "packet-dropped");
    EXPECT_EQ(text_of(pair.events[0].attributes, "link"), "wire");
    EXPECT_EQ(text_of(pair.events[0].attributes, "packet"), "udp 10.0.0.1:9 > 10.0.0.2:9");
}

TEST(Faults, GoDarkForAWhile) {
    LinkFault dark;
    dark.at = milliseconds(10);
    dark.until = milliseconds(20);
    Pair pair{{}, {dark}};
    auto expected = numbers_to(30);
    expected.erase(expected.begin() + 10, expected.begin() + 20);
    EXPECT_EQ(arrivals(pair, 30), expected);
}

TEST(Faults, MeetOneDirectionOnly) {
    LinkFault one_way;
    for (const auto* sender : {"bob", "alice"}) {
        one_way.from = sender;
        Pair pair{{}, {one_way}};
        EXPECT_EQ(arrivals(pair, 5).size(), one_way.from == "bob" ? 5u : 0u);
    }
}

TEST(Faults, PickPacketsByProtocolAndPort) {
    LinkFault tcp, other_port, this_port;
    tcp.protocol = 6;
    other_port.ports = {10};
    this_port.protocol = 17;
    this_port.ports = {7, 9};
    {
        Pair pair{{}, {tcp, other_port}};
        EXPECT_EQ(arrivals(pair, 5), numbers_to(5));
    }
    Pair pair{{}, {this_port}};
    EXPECT_THAT(arrivals(pair, 5), IsEmpty());
}

TEST(Faults, DuplicateCorruptAndDelay) {
    auto duplicate = drop_numbers({1}), corrupt = drop_numbers({2}), delay = drop_numbers({3});
    duplicate.kind = LinkFault::Kind::Duplicate;
    corrupt.kind = LinkFault::Kind::Corrupt;
    delay.kind = LinkFault::Kind::Delay;
    delay.delay = milliseconds(3);
    Pair pair{{}, {duplicate, corrupt, delay}};
    EXPECT_THAT(arrivals(pair, 6), ElementsAre(0, 0, 3, 4, 2, 5));
    EXPECT_EQ(pair.counters().duplicated, 1u);
    EXPECT_EQ(pair.counters().corrupted, 1u);
    EXPECT_EQ(pair.counters().delayed, 1u);
}

TEST(Faults, MeetTheirShareFromTheSeed) {
    LinkFault some;
    some.share = 0.25;
    const auto run = [&](std::uint64_t seed) {
        Pair pair{{}, {some}, seed};
        return arrivals(pair, 2000);
    };
    const auto arrived = run(3);
    EXPECT_NEAR(static_cast<double>(arrived.size()) / 2000, 0.75, 0.03);
    EXPECT_EQ(arrived, run(3));
    EXPECT_NE(arrived, run(4));
}

TEST(Faults, CountTheirPacketsFromTheirStart) {
    auto third = drop_numbers({1});
    third.at = milliseconds(2);
    Pair pair{{}, {third}};
    EXPECT_THAT(arrivals(pair, 4), ElementsAre(0, 1, 3));
}

TEST(Faults, SpareTheTimeBeforeTheStart) {
    Network network({.lead = seconds(1)});
    auto& alice = network.add_host("alice", {kAlice});
    auto& bob = network.add_host("bob", {kBob});
    network.connect("alice", "bob", link_called("wire"));
    network.add_route("alice", kEverywhere, "bob");
    LinkFault all;
    all.link = "wire";
    network.add_fault(all);
    Inbox from{alice, 9}, to{bob, 9};
    from.send({kBob, 9}, "early");
    network.run_until(milliseconds(-500));
    EXPECT_EQ(to.received.size(), 1u);
    network.run_until(milliseconds(1));
    from.send({kBob, 9}, "late");
    network.run_until(seconds(1));
    EXPECT_EQ(to.received.size(), 1u);
}

}  // namespace
}  // namespace gatelab::sim
