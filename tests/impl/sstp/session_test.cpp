#include "impl/sstp/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/impl/sstp/pair.h"
#include "tests/support/counted_heap.h"

namespace gatelab::sstp {
namespace {

using namespace std::chrono_literals;
using namespace test;
using ::testing::HasSubstr;

static_assert(Engine<Session>);

TEST(SstpSession, ComesUpAndCarriesPacketsBothWays) {
    Pair pair;
    ASSERT_TRUE(pair.connect());
    const auto up = inner_packet(kInner, kTarget), down = inner_packet(kTarget, kInner, 1400);
    EXPECT_TRUE(pair.send(pair.client, up));
    EXPECT_TRUE(pair.send(pair.server, down));
    pair.run();
    EXPECT_THAT(pair.server.delivered, ::testing::ElementsAre(up));
    EXPECT_THAT(pair.client.delivered, ::testing::ElementsAre(down));

    const auto client = pair.client.session.status(), server = pair.server.session.status();
    EXPECT_EQ(client.state, "client-call-connected");
    EXPECT_EQ(server.state, "server-call-connected");
    EXPECT_EQ(client.tls_version, "TLSv1.2");
    EXPECT_EQ(client.tls_suite, server.tls_suite);
    EXPECT_EQ(client.peer_name, "vpn.example");
    EXPECT_EQ(server.peer_name, "alice");
    EXPECT_EQ(client.binding_hash, kSha256);
    EXPECT_EQ(server.binding_hash, kSha256);
    EXPECT_EQ(client.correlation, server.correlation);
    EXPECT_EQ(client.correlation.size(), 38u);
    EXPECT_EQ(client.control_out, 2u);  // Request, Connected
    EXPECT_EQ(server.control_out, 1u);  // Ack
    EXPECT_EQ(pair.client.last<Session::Opened>()->agreed.address, kInner);
    EXPECT_EQ(pair.server.last<Session::Opened>()->agreed.address, kInner);
    EXPECT_TRUE(pair.server.traced("crypto-binding-verified"));
    EXPECT_NE(pair.client.last<Session::Secret>(), nullptr);
}

TEST(SstpSession, RepeatsOctetByOctet) {
    const auto run = [] {
        Pair pair;
        Bytes all;
        pair.start();
        for (int i = 0; i < 50; ++i) {
            pair.client.take(pair.now);
            append(all, pair.client.out);
            pair.run();
        }
        pair.server.take(pair.now);
        return std::pair{all, pair.client.session.status().correlation};
    };
    EXPECT_EQ(run(), run());
}

TEST(SstpSession, WorksWithPap) {
    auto client = client_options(), server = server_options();
    client.ppp.authentication = server.ppp.authentication = {ppp::Authentication::Pap};
    Pair pair{client, server};
    ASSERT_TRUE(pair.connect());
    EXPECT_EQ(pair.server.session.status().binding_hash, kSha256);
}

TEST(SstpSession, TakesTheStrongestHashThatBothKnow) {
    for (const auto& [offered, known, taken] : {std::tuple{kSha1, std::uint8_t{3}, kSha1},
                                                {std::uint8_t{3}, kSha1, kSha1},
                                                {kSha256, std::uint8_t{3}, kSha256}}) {
        auto client = client_options(), server = server_options();
        client.hashes = known;
        server.hashes = offered;
        Pair pair{client, server};
        ASSERT_TRUE(pair.connect());
        EXPECT_EQ(pair.client.session.status().binding_hash, taken);
        EXPECT_EQ(pair.server.session.status().binding_hash, taken);
    }
    auto client = client_options(), server = server_options();
    client.hashes = kSha1;
    server.hashes = kSha256;
    Pair pair{client, server};
    EXPECT_FALSE(pair.connect());
    pair.run_for(10s);
    EXPECT_EQ(pair.client.closed(), CloseReason::ProtocolError);
    EXPECT_EQ(pair.server.closed(), CloseReason::PeerAborted);
}

TEST(SstpSession, ComesUpWithFramesThatBeginWithAddressAndControl) {
    auto client = client_options(), server = server_options();
    client.ppp.address_control = true;
    Pair pair{client, server};
    ASSERT_TRUE(pair.connect());
    EXPECT_TRUE(pair.send(pair.client, inner_packet(kInner, kTarget)));
    EXPECT_TRUE(pair.send(pair.server, inner_packet(kTarget, kInner)));
    pair.run();
    EXPECT_EQ(pair.server.delivered.size(), 1u);
    EXPECT_EQ(pair.client.delivered.size(), 1u);
}

RC_GTEST_PROP(SstpSession, DoesNotCareHowItsBytesAreCut, ()) {
    Pair pair;
    pair.cut = *rc::gen::inRange<std::size_t>(1, 3000);
    RC_ASSERT(pair.connect());
    std::vector<Bytes> sent;
    for (int i = 0; i < 10; ++i) {
        sent.push_back(inner_packet(kInner, kTarget, *rc::gen::inRange<std::size_t>(20, 1401)));
        RC_ASSERT(pair.send(pair.client, sent.back()));
    }
    pair.run();
    RC_ASSERT(pair.server.delivered == sent);
}

// Records and packets of SSTP have nothing to do with each other.
RC_GTEST_PROP(SstpSession, DoesNotCareHowPacketsLieInRecords, ()) {
    Hand hand{Role::Client, server_options()};
    hand.to_call_connected();
    Bytes stream;
    std::vector<Bytes> sent;
    for (int i = 0; i < 6; ++i) {
        sent.push_back(inner_packet(kInner, kTarget, *rc::gen::inRange<std::size_t>(20, 1401)));
        const auto prefix = *rc::gen::arbitrary<bool>() ? Bytes{0xff, 0x03, 0x00, 0x21} : Bytes{0x00, 0x21};
        ByteWriter packet;
        packet.u8(kVersion).u8(0).u16(static_cast<std::uint16_t>(4 + prefix.size() + sent.back().size()));
        packet.bytes(prefix).bytes(sent.back());
        append(stream, packet.view());
        if (*rc::gen::arbitrary<bool>()) append(stream, encode({MessageType::EchoRequest, {}}));
    }
    for (std::size_t at = 0; at < stream.size();) {
        const auto size = std::min(*rc::gen::inRange<std::size_t>(1, 2000), stream.size() - at);
        hand.say(ByteView{stream}.subspan(at, size));
        at += size;
    }
    RC_ASSERT(hand.peer.delivered == sent);
    RC_ASSERT(!hand.peer.closed());
}

TEST(SstpSession, EndsWithACallDisconnectFromEitherSide) {
    for (const bool by_client : {true, false}) {
        Pair pair;
        ASSERT_TRUE(pair.connect());
        auto& closer = by_client ? pair.client : pair.server;
        auto& other = by_client ? pair.server : pair.client;
        closer.session.close(pair.now);
        EXPECT_FALSE(pair.send(closer, inner_packet(kInner, kTarget)));
        pair.run_for(20s);
        EXPECT_EQ(closer.closed(), CloseReason::Requested);
        EXPECT_EQ(other.closed(), CloseReason::PeerDisconnected);
        EXPECT_FALSE(closer.session.next_timeout());
        EXPECT_FALSE(other.session.next_timeout());
    }
}

TEST(SstpSession, EndsAtAnyTimeOfItsLife) {
    // Cut off after every record that the client gets, and closed there.
    for (int steps = 0; steps < 12; ++steps) {
        Pair pair;
        pair.start();
        for (int i = 0; i < steps; ++i) {
            pair.client.take(pair.now);
            const auto bytes = std::exchange(pair.client.out, {});
            pair.server.session.handle_bytes(pair.now, bytes, [](ByteView) {});
            pair.server.take(pair.now);
            const auto back = std::exchange(pair.server.out, {});
            pair.client.session.handle_bytes(pair.now, back, [](ByteView) {});
        }
        pair.client.session.close(pair.now);
        pair.run_for(30s);
        EXPECT_EQ(pair.client.closed(), CloseReason::Requested) << steps;
        pair.server.session.handle_closed(pair.now, "");
        pair.server.take(pair.now);
        EXPECT_TRUE(pair.server.closed()) << steps;
    }
}

TEST(SstpSession, ToldOfAWrongPasswordSaysSo) {
    Pair pair;
    pair.server.password = "another";
    EXPECT_FALSE(pair.connect());
    pair.run_for(20s);
    EXPECT_EQ(pair.client.closed(), CloseReason::AuthenticationFailed);
    EXPECT_EQ(pair.server.closed(), CloseReason::AuthenticationFailed);
}

TEST(SstpSession, EndsWhenItsConnectionDoes) {
    Pair pair;
    ASSERT_TRUE(pair.connect());
    pair.client.session.handle_closed(pair.now, "");
    pair.server.session.handle_closed(pair.now, "reset by peer");
    pair.run();
    EXPECT_EQ(pair.client.closed(), CloseReason::PeerDisconnected);
    EXPECT_EQ(pair.server.closed(), CloseReason::ConnectionLost);
    EXPECT_EQ(pair.server.why(), "reset by peer");
}

TEST(SstpSession, SendsNothingThatIsLargerThanAPacket) {
    Pair pair;
    ASSERT_TRUE(pair.connect());
    EXPECT_FALSE(pair.send(pair.client, inner_packet(kInner, kTarget, 4088)));
    EXPECT_TRUE(pair.send(pair.client, inner_packet(kInner, kTarget, 4087)));
    pair.run();
    EXPECT_TRUE(pair.server.session.status().up);
}

// A reply that a packet sets off at once leaves after the records that were made before it.
TEST(SstpSession, MaySealWhileAPacketIsDelivered) {
    Hand hand{Role::Client, server_options()};
    hand.to_call_connected();
    const auto packet = inner_packet(kInner, kTarget);
    ByteWriter stream;
    stream.bytes(encode({MessageType::EchoRequest, {}}));
    stream.u8(kVersion).u8(0).u16(static_cast<std::uint16_t>(6 + packet.size())).u16(0x21).bytes(packet);
    hand.tls.write(hand.now, stream.view());
    for (auto& one : hand.tls.drain()) {
        auto* records = std::get_if<tls::Engine::Send>(&one);
        ASSERT_NE(records, nullptr);
        hand.peer.session.handle_bytes(hand.now, records->records, [&](ByteView) {
            EXPECT_TRUE(hand.peer.session.seal(hand.now, inner_packet(kTarget, kInner),
                                               [&](ByteView out) { append(hand.peer.out, out); }));
        });
    }
    hand.exchange();
    EXPECT_EQ(hand.message().type, MessageType::EchoResponse);
    EXPECT_EQ(hand.data_heard > 0, true);
    EXPECT_FALSE(hand.peer.closed());
}

TEST(SstpSession, RefusesOptionsThatCannotBe) {
    SeededRandom random{1};
    const auto refused = [&](Options options) {
        const auto made = Session::create(std::move(options), random);
        return made ? std::string{"made"} : made.error().detail;
    };
    auto options = client_options();
    options.host = "";
    EXPECT_THAT(refused(options), HasSubstr("host"));
    options = server_options();
    options.hashes = 4;
    EXPECT_THAT(refused(options), HasSubstr("hash"));
    options = server_options();
    options.tls.identity.reset();
    EXPECT_THAT(refused(options), HasSubstr("certificate"));
    options = client_options();
    options.max_requests = 0;
    EXPECT_THAT(refused(options), HasSubstr("Call Connect Request"));
    options = client_options();
    options.ppp.credentials.reset();
    EXPECT_NE(refused(options), "made");
}

// Two structures of OpenSSL's own for each record that is written: see tls::Engine::seal().
TEST(SstpPath, TakesNothingOfItsOwnFromTheHeapPerPacket) {
    Pair pair;
    ASSERT_TRUE(pair.connect());
    const auto up = inner_packet(kInner, kTarget, 1400), down = inner_packet(kTarget, kInner, 1400);
    Bytes wire;
    wire.reserve(1 << 16);
    int delivered = 0;
    std::size_t sealing = 0, opening = 0;
    const auto carry = [&](End& from, End& to, const Bytes& packet, std::size_t cut) {
        wire.clear();
        {
            const HeapCount heap;
            from.session.seal(pair.now, packet, [&](ByteView bytes) { append(wire, bytes); });
            sealing += heap.allocations();
        }
        const HeapCount heap;
        for (std::size_t at = 0; at < wire.size(); at += cut)
            to.session.handle_bytes(pair.now, ByteView{wire}.subspan(at, std::min(cut, wire.size() - at)),
                                    [&](ByteView) { ++delivered; });
        opening += heap.allocations();
        EXPECT_TRUE(from.session.drain().empty());
        EXPECT_TRUE(to.session.drain().empty());
    };
    for (int i = 0; i < 2000; ++i) {
        if (i == 20) sealing = opening = 0;
        carry(pair.client, pair.server, up, i % 3 == 0 ? 700 : 5000);
        carry(pair.server, pair.client, down, i % 3 == 0 ? 100 : 5000);
    }
    EXPECT_EQ(delivered, 4000);
    EXPECT_EQ(opening, 0u);
    EXPECT_LE(sealing, 2u * 2 * 1980);
}

}  // namespace
}  // namespace gatelab::sstp
