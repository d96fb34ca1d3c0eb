#include "sim/network/translator.h"

#include <gmock/gmock.h>

#include <set>

#include "tests/sim/network/support.h"

namespace gatelab::sim {
namespace {

using std::chrono::minutes;

constexpr Ipv4Address kPublic{198, 51, 100, 1};
constexpr Endpoint kOne{{192, 168, 0, 1}, 500}, kTwo{{192, 168, 0, 2}, 500};
constexpr Endpoint kServer{{203, 0, 113, 7}, 500}, kOther{{203, 0, 113, 8}, 500};

topologies::Nat nat(bool endpoint_dependent = false) {
    topologies::Nat nat;
    nat.outside = "isp";
    nat.outside_address = kPublic;
    nat.endpoint_dependent = endpoint_dependent;
    return nat;
}

Endpoint source_of(ByteView packet) { return {Ipv4Address{read_u32(packet, 12)}, read_u16(packet, 20)}; }
Endpoint destination_of(ByteView packet) { return {Ipv4Address{read_u32(packet, 16)}, read_u16(packet, 22)}; }

// Sends a packet out; the endpoint it comes from afterwards, or none.
std::optional<Endpoint> out(Translator& translator, Endpoint from, Endpoint to, Duration now = {},
                            std::size_t link = 0) {
    auto packet = udp_packet(from, to, "odd");
    if (!translator.outbound(now, link, packet).pass) return std::nullopt;
    auto fresh = packet;
    refresh_checksums(fresh);
    EXPECT_EQ(packet, fresh) << "the checksums are not right";
    return source_of(packet);
}

// Sends a packet in; the endpoint it goes to afterwards, or none.
std::optional<Endpoint> in(Translator& translator, Endpoint from, std::uint16_t port, Duration now = {}) {
    auto packet = udp_packet(from, {kPublic, port}, "odd");
    if (!translator.inbound(now, packet).pass) return std::nullopt;
    auto fresh = packet;
    refresh_checksums(fresh);
    EXPECT_EQ(packet, fresh) << "the checksums are not right";
    return destination_of(packet);
}

TEST(Translator, GivesTheSecondClientAnotherPort) {
    Translator translator{nat()};
    EXPECT_EQ(out(translator, kOne, kServer), (Endpoint{kPublic, 500}));
    EXPECT_EQ(out(translator, kTwo, kServer), (Endpoint{kPublic, 1024}));
    EXPECT_EQ(in(translator, kServer, 500), kOne);
    EXPECT_EQ(in(translator, kServer, 1024), kTwo);
    EXPECT_EQ(in(translator, kServer, 1025), std::nullopt);
}

TEST(Translator, RemembersOnWhichLinkAnInsideHostIs) {
    Translator translator{nat()};
    out(translator, kOne, kServer, {}, 0);
    out(translator, kTwo, kServer, {}, 2);
    auto packet = udp_packet(kServer, {kPublic, 1024}, "x");
    EXPECT_EQ(translator.inbound({}, packet).inside, 2u);
}

TEST(Translator, ReusesAnEndpointIndependentMappingForAllRemotes) {
    Translator translator{nat()};
    EXPECT_EQ(out(translator, kOne, kServer), out(translator, kOne, kOther));
    EXPECT_EQ(translator.mappings(), 1u);
    EXPECT_EQ(in(translator, {{203, 0, 113, 99}, 7}, 500), kOne);
}

TEST(Translator, MakesAnEndpointDependentMappingForEachRemote) {
    Translator translator{nat(true)};
    EXPECT_EQ(out(translator, kOne, kServer), (Endpoint{kPublic, 500}));
    EXPECT_EQ(out(translator, kOne, kOther), (Endpoint{kPublic, 1024}));
    EXPECT_EQ(in(translator, kOther, 500), std::nullopt);
    EXPECT_EQ(in(translator, kOther, 1024), kOne);
    EXPECT_EQ(in(translator, kServer, 500), kOne);
}

TEST(Translator, ForgetsAMappingThatOnlyTheOutsideUses) {
    Translator translator{nat()};
    out(translator, kOne, kServer);
    EXPECT_EQ(in(translator, kServer, 500, seconds(119)), kOne);
    EXPECT_EQ(in(translator, kServer, 500, seconds(121)), std::nullopt);
    EXPECT_EQ(out(translator, kTwo, kServer, seconds(121)), (Endpoint{kPublic, 500}));  // the port is free again
    EXPECT_EQ(out(translator, kOne, kServer, seconds(121)), (Endpoint{kPublic, 1024}));
}

TEST(Translator, KeepsAMappingThatTheInsideUses) {
    Translator translator{nat()};
    for (int i = 0; i < 10; ++i) out(translator, kOne, kServer, seconds(100 * i));
    EXPECT_EQ(in(translator, kServer, 500, seconds(1000)), kOne);
    EXPECT_EQ(translator.drain().size(), 1u);  // one mapping-created
}

TEST(Translator, LeavesAMissingUdpChecksumMissing) {
    Translator translator{nat()};
    auto packet = udp_packet(kOne, kServer, "x");
    write_u16(packet, 26, 0);
    ASSERT_TRUE(translator.outbound({}, 0, packet).pass);
    EXPECT_EQ(read_u16(packet, 26), 0);
}

Bytes esp_packet(Ipv4Address from, Ipv4Address to) {
    auto packet = udp_packet({from, 1}, {to, 2}, "sealed");
    packet[9] = 50;
    refresh_checksums(packet);
    return packet;
}

TEST(Translator, GivesEspToTheFirstInsideHost) {
    Translator translator{nat()};
    auto first = esp_packet(kOne.address, kServer.address), second = esp_packet(kTwo.address, kServer.address);
    auto reply = esp_packet(kServer.address, kPublic), stranger = esp_packet(kOther.address, kPublic);
    EXPECT_TRUE(translator.outbound({}, 0, first).pass);
    EXPECT_FALSE(translator.outbound({}, 1, second).pass);
    EXPECT_TRUE(translator.inbound({}, reply).pass);
    EXPECT_EQ(read_u32(reply, 16), kOne.address.number());
    EXPECT_FALSE(translator.inbound({}, stranger).pass);
    EXPECT_TRUE(translator.outbound(seconds(121), 1, second).pass);
}

TEST(Translator, TranslatesEchoIdentifiers) {
    Translator translator{nat()};
    const auto echo = [](Ipv4Address from, Ipv4Address to, std::uint8_t type, std::uint16_t identifier) {
        auto packet = udp_packet({from, 0}, {to, 0}, "");
        packet[9] = 1;
        packet[20] = type;
        packet[21] = 0;
        write_u16(packet, 24, identifier);
        write_u16(packet, 26, 1);
        refresh_checksums(packet);
        return packet;
    };
    auto one = echo(kOne.address, kServer.address, 8, 7), two = echo(kTwo.address, kServer.address, 8, 7);
    ASSERT_TRUE(translator.outbound({}, 0, one).pass);
    ASSERT_TRUE(translator.outbound({}, 0, two).pass);
    EXPECT_EQ(two, echo(kPublic, kServer.address, 8, 1024));
    auto reply = echo(kServer.address, kPublic, 0, 1024);
    ASSERT_TRUE(translator.inbound({}, reply).pass);
    EXPECT_EQ(reply, echo(kServer.address, kTwo.address, 0, 7));
}

TEST(Translator, TurnsErrorsBackToTheirSender) {
    Translator translator{nat()};
    out(translator, kOne, kServer);
    auto sent = udp_packet(kTwo, kServer, "x");
    const auto original = sent;
    ASSERT_TRUE(translator.outbound({}, 0, sent).pass);
    const auto error = [](Ipv4Address to, ByteView quoted) {
        auto packet = udp_packet({kServer.address, 0x0303}, {to, 0}, as_text(quoted.first(28)));
        packet[9] = 1;
        write_u16(packet, 24, 0);
        refresh_checksums(packet);
        return packet;
    };
    auto packet = error(kPublic, sent);
    ASSERT_TRUE(translator.inbound({}, packet).pass);
    EXPECT_EQ(packet, error(kTwo.address, original));
    auto unknown = error(kPublic, udp_packet({kPublic, 9999}, kServer, "x"));
    EXPECT_FALSE(translator.inbound({}, unknown).pass);
}

TEST(Translator, SendsLaterFragmentsTheWayOfTheFirst) {
    Translator translator{nat()};
    auto first = udp_packet(kOne, kServer, "start", 0x20), later = udp_packet(kOne, kServer, "rest");
    write_u16(later, 6, 185);
    refresh_checksums(later);
    auto orphan = later;
    EXPECT_FALSE(translator.outbound({}, 0, orphan).pass);
    EXPECT_TRUE(translator.outbound({}, 0, first).pass);
    EXPECT_TRUE(translator.outbound({}, 0, later).pass);
    EXPECT_EQ(read_u32(later, 12), kPublic.number());
    EXPECT_EQ(read_u16(later, 20), 500);  // payload, not a port: untouched
}

TEST(Translator, SurvivesHostilePackets) {
    for (const bool dependent : {false, true}) {
        Translator translator{nat(dependent)};
        SeededRandom random{3};
        for (int i = 0; i < 50'000; ++i) {
            Bytes packet(20 + random.below(60));
            random.fill(packet);
            packet[0] = 0x45;
            write_u16(packet, 2, static_cast<std::uint16_t>(packet.size()));
            packet[9] = std::array<std::uint8_t, 4>{1, 6, 17, 50}[random.below(4)];
            if (random.below(4) != 0) write_u16(packet, 6, 0);
            if (packet.size() > 28) packet[28] = 0x45;
            if (random.below(2) != 0) {
                translator.outbound(milliseconds(i), random.below(3), packet);
            } else {
                write_u32(packet, 16, kPublic.number());
                translator.inbound(milliseconds(i), packet);
            }
        }
        EXPECT_LE(translator.mappings(), Translator::kMaxMappings);
    }
}

// one and two behind nat; server outside.
TEST(NatNode, ServesTwoClientsOnTwoLinks) {
    std::vector<Event> events;
    Network network({.events = [&](Event event) { events.push_back(std::move(event)); }});
    auto& one = network.add_host("one", {kOne.address});
    auto& two = network.add_host("two", {kTwo.address});
    auto& server = network.add_host("server", {kServer.address});
    auto with_outside = nat();
    with_outside.outside = "server";
    network.add_nat("nat", with_outside);
    network.connect("one", "nat", link_called("one-nat"));
    network.connect("nat", "server", link_called("nat-server"));
    network.connect("two", "nat", link_called("two-nat"));
    for (const auto* name : {"one", "two", "server"}) network.add_route(name, kEverywhere, "nat");
    Inbox first{one, 500}, second{two, 500}, at_server{server, 500};
    at_server.socket->on_datagram([&](Endpoint from, ByteView) { at_server.send(from, to_string(from)); });
    first.send(kServer, "x");
    network.run_until(milliseconds(5));
    second.send(kServer, "x");
    network.run_until(milliseconds(20));
    ASSERT_EQ(first.received.size(), 1u);
    ASSERT_EQ(second.received.size(), 1u);
    EXPECT_EQ(first.received[0].second, "198.51.100.1:500");
    EXPECT_EQ(second.received[0].second, "198.51.100.1:1024");
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[1].event, "mapping-created");
    EXPECT_EQ(text_of(events[1].attributes, "inside"), "192.168.0.2:500");
}

topologies::Nat rebinding_nat() {
    auto rebinding = nat();
    rebinding.rebind_every = minutes(5);
    return rebinding;
}

// --- short lives ---

// A keepalive every 20 s does not keep a mapping of 10 s: each one gets another port where the old one has been taken,
// and what comes in between finds nobody.
TEST(Translator, LosesAMappingBetweenKeepalives) {
    auto hurried = nat();
    hurried.udp_timeout = seconds(10);
    Translator translator{hurried};
    EXPECT_EQ(out(translator, kOne, kServer), (Endpoint{kPublic, 500}));
    EXPECT_EQ(in(translator, kServer, 500, seconds(9)), kOne);
    EXPECT_EQ(in(translator, kServer, 500, seconds(10)), std::nullopt);
    EXPECT_EQ(out(translator, kTwo, kServer, seconds(12)), (Endpoint{kPublic, 500})) << "the port is another's now";
    EXPECT_EQ(out(translator, kOne, kServer, seconds(20)), (Endpoint{kPublic, 1024}));
    EXPECT_EQ(in(translator, kServer, 500, seconds(21)), kTwo);
    EXPECT_EQ(in(translator, kServer, 1024, seconds(21)), kOne);
}

TEST(Translator, TakesLivesAsShortAsASecond) {
    for (const bool dependent : {false, true}) {
        auto hurried = nat(dependent);
        hurried.udp_timeout = hurried.tcp_timeout = seconds(1);
        Translator translator{hurried};
        out(translator, kOne, kServer);
        EXPECT_EQ(in(translator, kServer, 500, milliseconds(999)), kOne);
        EXPECT_EQ(in(translator, kServer, 500, seconds(1)), std::nullopt);
        auto segment = tcp_packet({.from = kOne, .to = kServer, .flags = 2});
        ASSERT_TRUE(translator.outbound(seconds(2), 0, segment).pass);
        auto answer = tcp_packet({.from = kServer, .to = {kPublic, 500}, .flags = 18});
        EXPECT_TRUE(translator.inbound(seconds(2) + milliseconds(999), answer).pass);
        answer = tcp_packet({.from = kServer, .to = {kPublic, 500}});
        EXPECT_FALSE(translator.inbound(seconds(3), answer).pass);
    }
}

// --- hairpin (RFC 4787 section 6) ---

topologies::Nat hairpin_nat(bool endpoint_dependent = false) {
    auto hairpin = nat(endpoint_dependent);
    hairpin.hairpin = true;
    return hairpin;
}

TEST(Translator, LetsInsideHostsMeetAtTheOutsideAddress) {
    Translator translator{hairpin_nat()};
    out(translator, kTwo, kServer, {}, 3);
    auto packet = udp_packet(kOne, {kPublic, 500}, "odd");
    const auto decision = translator.outbound({}, 1, packet);
    ASSERT_TRUE(decision.pass);
    EXPECT_TRUE(decision.hairpin);
    EXPECT_EQ(decision.inside, 3u) << "the link of the receiver";
    EXPECT_EQ(packet, udp_packet({kPublic, 1024}, kTwo, "odd"))
        << "REQ-9: the sender's outside endpoint, and checksums";
    auto answer = udp_packet(kTwo, {kPublic, 1024}, "odd");
    ASSERT_TRUE(translator.outbound({}, 3, answer).pass);
    EXPECT_EQ(answer, udp_packet({kPublic, 500}, kOne, "odd"));
}

TEST(Translator, DropsHairpinsWithoutHairpinningOrMapping) {
    Translator without{nat()}, with{hairpin_nat()}, dependent{hairpin_nat(true)};
    for (auto* translator : {&without, &dependent}) {
        out(*translator, kTwo, kServer);
        auto packet = udp_packet(kOne, {kPublic, 500}, "x");
        EXPECT_FALSE(translator->outbound({}, 0, packet).pass);
    }
    auto nobody = udp_packet(kOne, {kPublic, 9999}, "x");
    EXPECT_FALSE(with.outbound({}, 0, nobody).pass);
    auto esp = esp_packet(kOne.address, kPublic);
    EXPECT_FALSE(with.outbound({}, 0, esp).pass);
}

// Endpoint-dependent: each must have sent to the other before either hears of it.
TEST(Translator, OpensEndpointDependentHairpinsFromBothSides) {
    Translator translator{hairpin_nat(true)};
    auto knock = udp_packet(kOne, {kPublic, 1024}, "x");  // makes one's mapping 500 towards 1024
    EXPECT_FALSE(translator.outbound({}, 0, knock).pass);
    auto other = udp_packet(kTwo, {kPublic, 500}, "x");  // two is 1024 towards 500
    ASSERT_TRUE(translator.outbound({}, 1, other).pass);
    EXPECT_EQ(other, udp_packet({kPublic, 1024}, kOne, "x"));
    auto again = udp_packet(kOne, {kPublic, 1024}, "x");
    ASSERT_TRUE(translator.outbound({}, 0, again).pass);
    EXPECT_EQ(again, udp_packet({kPublic, 500}, kTwo, "x"));
}

TEST(Translator, DoesNotMendDamagedErrors) {
    Translator translator{nat()};
    auto sent = udp_packet(kOne, kServer, "x");
    ASSERT_TRUE(translator.outbound({}, 0, sent).pass);
    auto error = udp_packet({kServer.address, 0x0303}, {kPublic, 0}, as_text(ByteView{sent}.first(28)));
    error[9] = 1;
    write_u16(error, 24, 0);
    refresh_checksums(error);
    auto damaged = error;
    damaged[26] ^= 1;
    EXPECT_FALSE(translator.inbound({}, damaged).pass);
    EXPECT_TRUE(translator.inbound({}, error).pass);
}

TEST(NatNode, JoinsTwoInsideHostsAtItsOutsideAddress) {
    Network network({});
    auto& one = network.add_host("one", {kOne.address});
    auto& two = network.add_host("two", {kTwo.address});
    network.add_host("server", {kServer.address});
    auto with_outside = hairpin_nat();
    with_outside.outside = "server";
    network.add_nat("nat", with_outside);
    for (const auto* name : {"one", "two", "server"}) {
        network.connect(name, "nat", link_called(std::string(name) + "-nat"));
        network.add_route(name, kEverywhere, "nat");
    }
    Inbox first{one, 500}, second{two, 600};
    second.send(kServer, "open");
    network.run_until(milliseconds(10));
    first.send({kPublic, 600}, "hello");
    network.run_until(milliseconds(20));
    ASSERT_EQ(second.received.size(), 1u);
    EXPECT_EQ(second.received[0].first, (Endpoint{kPublic, 500}));
    second.send(second.received[0].first, "hello yourself");
    network.run_until(milliseconds(30));
    ASSERT_EQ(first.received.size(), 1u);
    EXPECT_EQ(first.received[0].first, (Endpoint{kPublic, 600}));
}

// A header's checksum may be zero; one packet in 65536 has such a one.
TEST(Translator, KeepsEveryHeaderChecksumRight) {
    Translator translator{nat()};
    const auto fresh = udp_packet(kOne, kServer, "odd");
    for (std::uint32_t identification = 0; identification <= 0xffff; ++identification) {
        auto packet = fresh;
        write_u16(packet, 4, static_cast<std::uint16_t>(identification));
        refresh_checksums(packet);
        ASSERT_TRUE(translator.outbound({}, 0, packet).pass);
        auto expected = packet;
        refresh_checksums(expected);
        ASSERT_EQ(packet, expected) << identification;
        rewrite_u16(packet, 8, static_cast<std::uint16_t>((packet[8] - 1) << 8 | packet[9]), 10);
        expected = packet;
        refresh_checksums(expected);
        ASSERT_EQ(packet, expected) << identification;
    }
}

TEST(Translator, TakesOtherPortsWheneverItRebinds) {
    Translator translator{rebinding_nat()};
    EXPECT_EQ(out(translator, kOne, kServer), (Endpoint{kPublic, 500}));
    EXPECT_EQ(out(translator, kOne, kServer, minutes(5) - seconds(1)), (Endpoint{kPublic, 500}));
    std::set<std::uint16_t> ports{500};
    for (int times = 1; times <= 12; ++times) {
        const auto now = minutes(5) * times;
        EXPECT_EQ(in(translator, kServer, *ports.rbegin(), now), std::nullopt);
        const auto outside = out(translator, kOne, kServer, now);
        ASSERT_TRUE(outside);
        EXPECT_TRUE(ports.insert(outside->port).second) << outside->port << " was used before";
        EXPECT_EQ(in(translator, kServer, outside->port, now + seconds(1)), kOne);
        EXPECT_EQ(out(translator, kOne, kServer, now + seconds(2)), outside) << "and stays until the next time";
    }
}

TEST(Translator, RebindsOnceHoweverLongNothingPassed) {
    Translator translator{rebinding_nat()};
    out(translator, kOne, kServer, seconds(1));
    translator.drain();
    out(translator, kOne, kServer, minutes(5) * 7 + seconds(1));
    const auto traces = translator.drain();
    ASSERT_EQ(traces.size(), 2u);
    EXPECT_EQ(traces[0].event, "rebound");
    EXPECT_EQ(traces[1].event, "mapping-created");
    out(translator, kOne, kServer, minutes(5) * 8 - seconds(1));
    EXPECT_EQ(translator.drain().at(0).event, "mapping-created") << "the former one has expired";
    out(translator, kOne, kServer, minutes(5) * 8);
    EXPECT_EQ(translator.drain().at(0).event, "rebound") << "the schedule counts from the start";
}

TEST(NatNode, CarriesTcp) {
    Network network({});
    auto& one = network.add_host("one", {kOne.address});
    auto& server = network.add_host("server", {kServer.address});
    auto with_outside = nat(true);
    with_outside.outside = "server";
    network.add_nat("nat", with_outside);
    network.connect("one", "nat", link_called("one-nat"));
    network.connect("nat", "server", link_called("nat-server"));
    for (const auto* name : {"one", "server"}) network.add_route(name, kEverywhere, "nat");
    const auto listener = server.listen_tcp({{}, 443}).value();
    std::unique_ptr<TcpStream> accepted;
    listener->on_accept([&](std::unique_ptr<TcpStream> stream) { accepted = std::move(stream); });
    const auto stream = one.connect_tcp({kServer.address, 443}).value();
    network.run_until(seconds(1));
    ASSERT_TRUE(accepted);
    EXPECT_EQ(accepted->remote().address, kPublic);
}

}  // namespace
}  // namespace gatelab::sim
