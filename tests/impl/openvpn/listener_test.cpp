#include "impl/openvpn/listener.h"

#include <gmock/gmock.h>

#include <set>

#include "tests/impl/openvpn/crowd.h"
#include "tests/support/counted_heap.h"

namespace gatelab::openvpn {
namespace {

using namespace test;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

ListenerOptions usual(Transport transport = Transport::Udp) {
    ListenerOptions options;
    options.session = server_options(transport);
    return options;
}

Bytes reset_from(const SessionId& session) {
    ControlPacket packet;
    packet.opcode = Opcode::ControlHardResetClientV2;
    packet.session = session;
    return encode(packet);
}

struct Protections {
    const char* name;
    ControlProtection client, server;
};

std::vector<Protections> protections() {
    SeededRandom random{3};
    const auto key = StaticKey::generate(random);
    const auto v2 = TlsCryptV2ServerKey::generate(random);
    return {{"none", Unprotected{}, Unprotected{}},
            {"tls-auth", TlsAuth{key, KeyDirection::Inverse}, TlsAuth{key, KeyDirection::Normal}},
            {"tls-crypt", TlsCrypt{key}, TlsCrypt{key}},
            {"tls-crypt-v2", TlsCryptV2{TlsCryptV2ClientKey::make(v2, random).value()}, TlsCryptV2{v2}}};
}

TEST(Listener, RemembersNothingUntilItsCookieComesBack) {
    Crowd crowd{usual()};
    for (std::uint32_t i = 0; i < 5000; ++i) crowd.inject(address_of(i), reset_from({1, 2, 3}));
    EXPECT_EQ(crowd.listener.size(), 0u);
    EXPECT_EQ(crowd.listener.counters().cookies_sent, 5000u);
    EXPECT_FALSE(crowd.listener.next_timeout());
}

TEST(Listener, AnswersAResetWithACookieAndAnAcknowledgement) {
    Crowd crowd{usual()};
    crowd.inject(kClient, reset_from({1, 2, 3}));
    const auto send = std::get<Listener::Send>(crowd.said.at(0));
    const auto reply = parse_control(send.packet).value();
    EXPECT_EQ(send.to, Listener::Peer{kClient});
    EXPECT_EQ(reply.opcode, Opcode::ControlHardResetServerV2);
    EXPECT_THAT(reply.acks, ElementsAre(0u));
    EXPECT_EQ(reply.peer_session, (SessionId{1, 2, 3}));
    EXPECT_EQ(reply.packet_id, 0u);
    EXPECT_LE(send.packet.size(), 2 * reset_from({}).size()) << "an answer to a forged address must not be much larger";
}

TEST(Listener, CarriesDataBothWaysUnderEveryProtection) {
    for (const auto& protection : protections()) {
        auto options = usual();
        options.session.protection = protection.server;
        Crowd crowd{options};
        auto client = client_options();
        client.protection = protection.client;
        auto& member = crowd.join(client, kClient);
        EXPECT_EQ(crowd.listener.size(), 0u) << protection.name;
        ASSERT_TRUE(crowd.run_until([&] { return member.opened(); })) << protection.name;
        crowd.run_for(seconds(1));
        ASSERT_TRUE(crowd.send(member, inner_packet("up")));
        ASSERT_TRUE(crowd.send(ClientId{1}, inner_packet("down")));
        crowd.run_for(seconds(1));
        EXPECT_THAT(crowd.received, ElementsAre(std::pair{ClientId{1}, inner_packet("up")})) << protection.name;
        EXPECT_THAT(member.received, ElementsAre(inner_packet("down"))) << protection.name;
        EXPECT_EQ(crowd.listener.counters().cookies_sent, 1u) << protection.name;
    }
}

TEST(Listener, ConnectsManyClientsOverABadWire) {
    Crowd crowd{usual(), 5, {.loss = 0.1, .repetition = 0.1, .jitter = milliseconds(40)}};
    for (std::uint32_t i = 0; i < 20; ++i) crowd.join(client_options(), address_of(i));
    EXPECT_TRUE(
        crowd.run_until([&] { return std::ranges::all_of(crowd.members, [](auto& m) { return m->opened(); }); }));
    EXPECT_EQ(crowd.listener.size(), 20u);
    std::set<std::uint32_t> peer_ids;
    for (std::uint64_t id = 1; id <= 20; ++id) peer_ids.insert(crowd.listener.status(ClientId{id})->peer_id.value());
    EXPECT_EQ(peer_ids.size(), 20u) << "each has a peer id of its own";
}

TEST(Listener, TakesAClientThatCannotBringItsKeyAgain) {
    const auto protection = protections().at(3);
    auto options = usual();
    options.session.protection = protection.server;
    Crowd crowd{options};
    ControlPacket reset;
    reset.opcode = Opcode::ControlHardResetClientV3;
    reset.session = {1, 2, 3};
    ControlChannel old{protection.client, Role::Client};  // its first number is 1
    crowd.inject(kClient, old.protect(kStart, encode(reset)));
    EXPECT_EQ(crowd.listener.size(), 1u);
    EXPECT_EQ(crowd.listener.counters().cookies_sent, 0u);
    const auto reply = old.unprotect(kStart, std::get<Listener::Send>(crowd.said.back()).packet);
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_TRUE(parse_control(*reply)->payload.empty());
}

TEST(Listener, MakesNoSessionOfAWrongCookie) {
    Crowd crowd{usual()};
    ControlPacket answer;
    answer.opcode = Opcode::AckV1;
    answer.session = {1, 2, 3};
    answer.acks = {0};
    answer.peer_session = SessionId{4, 5, 6};
    crowd.inject(kClient, encode(answer));
    EXPECT_EQ(crowd.listener.counters().cookies_wrong, 1u);

    crowd.inject(kClient, reset_from({1, 2, 3}));
    answer.peer_session = parse_control(std::get<Listener::Send>(crowd.said.back()).packet)->session;
    auto later = answer;
    later.acks = {3};
    crowd.inject(kClient, encode(later));  // of a session that was lost
    EXPECT_EQ(crowd.listener.counters().unknown, 1u);
    crowd.inject({kClient.address, 40001}, encode(answer));
    EXPECT_EQ(crowd.listener.counters().cookies_wrong, 2u);
    EXPECT_EQ(crowd.listener.size(), 0u);
    crowd.inject(kClient, encode(answer));
    EXPECT_EQ(crowd.listener.size(), 1u);
}

TEST(Listener, CountsWhatItCannotUse) {
    auto options = usual();
    options.session.protection = protections().at(2).server;
    Crowd crowd{options};
    crowd.inject(kClient, {});
    crowd.inject(kClient, Bytes{0xff});
    crowd.inject(kClient, Bytes{0x38, 1, 2});
    EXPECT_EQ(crowd.listener.counters().malformed, 3u);
    crowd.inject(kClient, reset_from({1, 2, 3}));  // no tls-crypt around it
    EXPECT_EQ(crowd.listener.counters().unauthentic, 1u);
    crowd.inject(kClient, Bytes{0x48, 0, 0, 9, 1, 2, 3});  // data of peer 9
    crowd.inject(kClient, Bytes{0x30, 1, 2, 3});           // and of this address
    EXPECT_EQ(crowd.listener.counters().unknown, 2u);
    EXPECT_THAT(crowd.said, IsEmpty());
}

struct Connected {
    explicit Connected(ListenerOptions options = usual(), std::uint64_t seed = 1) : crowd(std::move(options), seed) {
        auto client = client_options();
        client.explicit_exit_notify = 1;
        member = &crowd.join(client, kClient);
        EXPECT_TRUE(crowd.run_until([&] { return member->opened(); }));
        crowd.run_for(seconds(1));
    }
    Crowd crowd;
    Member* member = nullptr;
};

constexpr Endpoint kElsewhere{Ipv4Address{10, 1, 0, 2}, 50000};

TEST(Listener, FollowsAClientToItsNewAddress) {
    Connected net;
    net.member->address = kElsewhere;
    net.crowd.send(*net.member, inner_packet("from elsewhere"));
    net.crowd.run_for(seconds(1));
    EXPECT_THAT(net.crowd.received, ElementsAre(std::pair{ClientId{1}, inner_packet("from elsewhere")}));
    EXPECT_EQ(net.crowd.listener.peer(ClientId{1}), Listener::Peer{kElsewhere});
    EXPECT_EQ(net.crowd.count<Listener::Floated>(), 1);
    net.crowd.send(ClientId{1}, inner_packet("back"));
    net.crowd.run_for(seconds(1));
    EXPECT_THAT(net.member->received, ElementsAre(inner_packet("back")));
    net.crowd.call([&] { net.crowd.listener.renegotiate(net.crowd.now, ClientId{1}); });
    net.crowd.run_for(seconds(5));
    EXPECT_EQ(net.crowd.listener.status(ClientId{1})->renegotiations, 1) << "control packets follow too";
}

TEST(Listener, MovesNoSessionForACopiedPacket) {
    Connected net;
    net.crowd.send(*net.member, inner_packet("once"));
    net.crowd.run_for(seconds(1));
    net.crowd.inject(kElsewhere, net.crowd.seen.back());
    auto forged = net.crowd.seen.back();
    forged.back() ^= 1;
    net.crowd.inject(kElsewhere, forged);
    EXPECT_EQ(net.crowd.listener.counters().unauthentic, 2u);
    EXPECT_EQ(net.crowd.listener.peer(ClientId{1}), Listener::Peer{kClient});
    EXPECT_EQ(net.crowd.received.size(), 1u);
}

TEST(Listener, KeepsAClientWhereItIsWithoutFloat) {
    auto options = usual();
    options.allow_float = false;
    Connected net{options};
    net.member->address = kElsewhere;
    net.crowd.send(*net.member, inner_packet("from elsewhere"));
    net.crowd.run_for(seconds(1));
    EXPECT_THAT(net.crowd.received, IsEmpty());
    EXPECT_EQ(net.crowd.listener.peer(ClientId{1}), Listener::Peer{kClient});
}

TEST(Listener, KeepsTheOldSessionUntilTheNewOneHasAuthenticated) {
    Connected net;
    auto& crowd = net.crowd;
    // A forged reset, and even one that answers the cookie, does not disturb it.
    crowd.inject(kClient, reset_from({9, 9, 9}));
    ControlPacket answer;
    answer.opcode = Opcode::AckV1;
    answer.session = {9, 9, 9};
    answer.acks = {0};
    answer.peer_session = parse_control(std::get<Listener::Send>(crowd.said.back()).packet)->session;
    crowd.inject(kClient, encode(answer));
    EXPECT_EQ(crowd.listener.size(), 2u);
    crowd.send(*net.member, inner_packet("still here"));
    crowd.run_for(seconds(1));
    EXPECT_EQ(crowd.received.size(), 1u);

    crowd.leave(*net.member);  // the program was killed, and starts again from the same port
    auto& again = crowd.join(client_options(), kClient);
    ASSERT_TRUE(crowd.run_until([&] { return again.opened(); }));
    EXPECT_THAT(crowd.closings(), ElementsAre("2 peer-silent", "1 peer-silent"));
    EXPECT_EQ(crowd.listener.size(), 1u);
    crowd.send(again, inner_packet("anew"));
    crowd.run_for(seconds(1));
    EXPECT_EQ(crowd.received.back(), (std::pair{ClientId{3}, inner_packet("anew")}));
}

TEST(Listener, KeepsASessionThatSharesItsAddressWithAnothersClient) {
    Connected net;
    auto other = client_options();
    other.tls.identity = pki().other_client;
    net.member->address = kElsewhere;  // the NAT gave its old address away before it said anything from the new one
    auto& member = net.crowd.join(other, kClient);
    ASSERT_TRUE(net.crowd.run_until([&] { return member.opened(); }));
    EXPECT_EQ(net.crowd.listener.size(), 2u);
    net.crowd.send(*net.member, inner_packet("alice"));
    net.crowd.send(member, inner_packet("bob"));
    net.crowd.run_for(seconds(1));
    EXPECT_THAT(net.crowd.received, ElementsAre(std::pair{ClientId{1}, inner_packet("alice")},
                                                std::pair{ClientId{2}, inner_packet("bob")}));
}

TEST(Listener, ForgetsAClientThatLeaves) {
    Connected net;
    net.crowd.call([&] { net.member->session.close(net.crowd.now); });
    net.crowd.run_for(seconds(10));
    EXPECT_THAT(net.crowd.closings(), ElementsAre("1 peer-exit"));
    EXPECT_EQ(net.crowd.listener.size(), 0u);
    EXPECT_FALSE(net.crowd.listener.next_timeout());
    EXPECT_FALSE(net.crowd.send(ClientId{1}, inner_packet("gone")));
}

TEST(Listener, ForgetsAClientThatFellSilent) {
    auto options = usual();
    options.session.ping_restart = seconds(30);
    Connected net{options};
    net.crowd.leave(*net.member);
    net.crowd.run_for(seconds(60));
    EXPECT_THAT(net.crowd.closings(), ElementsAre("1 peer-silent"));
    EXPECT_EQ(net.crowd.listener.size(), 0u);
}

TEST(Listener, GivesNoPeerIdAgainSoon) {
    Connected net;
    std::set<std::uint32_t> ids{*net.crowd.listener.status(ClientId{1})->peer_id};
    for (std::uint64_t i = 2; i < 8; ++i) {
        net.crowd.leave(*net.crowd.members.back());
        auto& again = net.crowd.join(client_options(), kClient);
        ASSERT_TRUE(net.crowd.run_until([&] { return again.opened(); }));
        ids.insert(*net.crowd.listener.status(ClientId{i})->peer_id);
    }
    EXPECT_EQ(ids.size(), 7u);
}

// Clients that answer the cookie and then say nothing more.
void half_open(Crowd& crowd, std::uint32_t from, std::uint32_t to) {
    for (auto i = from; i < to; ++i) {
        crowd.inject(address_of(i), reset_from({1, 2, 3}));
        ControlPacket answer;
        answer.opcode = Opcode::AckV1;
        answer.session = {1, 2, 3};
        answer.acks = {0};
        answer.peer_session = parse_control(std::get<Listener::Send>(crowd.said.back()).packet)->session;
        crowd.inject(address_of(i), encode(answer));
    }
}

TEST(Listener, EvictsTheOldestOfTooManyHalfOpenSessions) {
    auto options = usual();
    options.half_open = 5;
    Connected net{options};
    half_open(net.crowd, 10, 18);
    EXPECT_EQ(net.crowd.listener.size(), 6u) << "five, and the one that is authenticated";
    EXPECT_EQ(net.crowd.listener.counters().half_open_evicted, 3u);
    EXPECT_THAT(net.crowd.closings(), ElementsAre("2 handshake-timeout", "3 handshake-timeout", "4 handshake-timeout"));
    net.crowd.run_for(seconds(61));
    EXPECT_EQ(net.crowd.listener.size(), 1u) << "the others did not come through in time";
}

TEST(Listener, RefusesMoreThanItMayHave) {
    auto options = usual();
    options.sessions = 2;
    Connected net{options};
    half_open(net.crowd, 10, 12);
    EXPECT_EQ(net.crowd.listener.counters().half_open_evicted, 1u);
    auto& second = net.crowd.join(client_options(), address_of(1));
    ASSERT_TRUE(net.crowd.run_until([&] { return second.opened(); }));
    half_open(net.crowd, 20, 21);
    EXPECT_EQ(net.crowd.listener.counters().refused, 1u);
    EXPECT_EQ(net.crowd.listener.size(), 2u);
}

TEST(Listener, IsNotMadeOfOptionsThatCannotBe) {
    SeededRandom random{1};
    ListenerOptions client;
    client.session = client_options();
    EXPECT_EQ(Listener::create(client, random).error().fault, Fault::Refused);
    auto none = usual();
    none.sessions = 0;
    EXPECT_EQ(Listener::create(none, random).error().fault, Fault::Refused);
    auto many = usual();
    many.sessions = 1u << 24;
    EXPECT_EQ(Listener::create(many, random).error().fault, Fault::Refused);
    auto no_identity = usual();
    no_identity.session.tls.identity.reset();
    EXPECT_FALSE(Listener::create(no_identity, random));
}

TEST(TcpListener, KeepsOneSessionForEachConnection) {
    Crowd crowd{usual(Transport::Tcp)};
    auto& one = crowd.join(client_options(Transport::Tcp), {});
    auto& two = crowd.join(client_options(Transport::Tcp), {});
    ASSERT_TRUE(crowd.run_until([&] { return one.opened() && two.opened(); }));
    EXPECT_EQ(crowd.listener.counters().cookies_sent, 0u);
    crowd.run_for(seconds(1));
    crowd.send(one, inner_packet("one"));
    crowd.send(two, inner_packet("two"));
    crowd.send(ClientId{2}, inner_packet("to two"));
    crowd.run_for(seconds(1));
    EXPECT_THAT(crowd.received,
                ElementsAre(std::pair{ClientId{1}, inner_packet("one")}, std::pair{ClientId{2}, inner_packet("two")}));
    EXPECT_THAT(two.received, ElementsAre(inner_packet("to two")));
    crowd.call([&] { crowd.listener.handle_disconnect(crowd.now, ConnectionId{1}); });
    EXPECT_THAT(crowd.closings(), ElementsAre("1 peer-silent"));
    EXPECT_EQ(crowd.count<Listener::CloseConnection>(), 0) << "it is closed already";
    crowd.call([&] { crowd.listener.close(crowd.now, ClientId{2}); });
    crowd.run_for(seconds(10));
    EXPECT_EQ(crowd.count<Listener::CloseConnection>(), 1);
    EXPECT_EQ(crowd.listener.size(), 0u);
}

TEST(TcpListener, ClosesAConnectionThatSaysNothing) {
    auto options = usual(Transport::Tcp);
    options.half_open = 2;
    Crowd crowd{options};
    for (std::uint64_t id = 100; id < 103; ++id)
        crowd.call([&] { crowd.listener.handle_connect(crowd.now, ConnectionId{id}); });
    EXPECT_EQ(crowd.listener.size(), 2u);
    EXPECT_EQ(crowd.count<Listener::CloseConnection>(), 1);
    crowd.run_for(seconds(61));
    EXPECT_EQ(crowd.count<Listener::CloseConnection>(), 3);
    EXPECT_EQ(crowd.listener.size(), 0u);
}

TEST(Listener, TakesNothingFromTheHeapForADataPacket) {
    Connected net;
    auto& [crowd, member] = net;
    std::vector<Bytes> packets;
    const auto inner = inner_packet("data", 1200);
    for (int i = 0; i < 300; ++i)
        member->session.seal(crowd.now, inner, [&](ByteView packet) { packets.push_back(copy_of(packet)); });
    std::size_t passed = 0;
    const auto run = [&](std::size_t from, std::size_t to) {
        for (std::size_t i = from; i < to; ++i) {
            passed += crowd.listener.handle_packet(crowd.now, kClient, packets[i]).has_value();
            crowd.listener.seal(crowd.now, ClientId{1}, inner, [&](const Listener::Peer&, ByteView) { ++passed; });
            (void)crowd.listener.drain();
        }
    };
    run(0, 100);
    const HeapCount count;
    run(100, 300);
    EXPECT_EQ(count.allocations(), 0u);
    EXPECT_EQ(passed, 600u);
}

// Anything at all, and packets that were genuine before a bit of them changed, from few addresses and many.
TEST(Listener, StaysBoundedWhateverComes) {
    auto options = usual();
    options.half_open = 8;
    Connected net{options};
    auto& crowd = net.crowd;
    crowd.send(*net.member, inner_packet("something to copy"));
    std::vector<Bytes> genuine{crowd.seen.back(), reset_from({7, 7, 7})};
    for (const auto& output : crowd.said)
        if (const auto* send = std::get_if<Listener::Send>(&output)) genuine.push_back(send->packet);
    SeededRandom random{11};
    for (int i = 0; i < 20'000; ++i) {
        auto packet = random.below(2) == 0 ? random.bytes(random.below(80)) : genuine[random.below(genuine.size())];
        if (!packet.empty() && random.below(2) == 0)
            packet[random.below(packet.size())] ^= static_cast<std::uint8_t>(1 << random.below(8));
        if (!packet.empty() && random.below(4) == 0) packet.resize(random.below(packet.size()));
        (void)crowd.listener.handle_packet(crowd.now, address_of(static_cast<std::uint32_t>(random.below(500))),
                                           packet);
        for (const auto& output : crowd.listener.drain()) {
            if (const auto* send = std::get_if<Listener::Send>(&output)) genuine.back() = send->packet;
        }
        if (i % 100 == 0) crowd.listener.handle_timeout(crowd.now += milliseconds(50));
        ASSERT_LE(crowd.listener.size(), 9u);
    }
    crowd.send(*net.member, inner_packet("unharmed"));
    crowd.run_for(seconds(1));
    EXPECT_THAT(crowd.received, Contains(std::pair{ClientId{1}, inner_packet("unharmed")}));
}

}  // namespace
}  // namespace gatelab::openvpn
