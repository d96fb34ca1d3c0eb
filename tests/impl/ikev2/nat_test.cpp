// NAT detection, the float to port 4500, keepalives and moving peers: RFC 7296 section 2.23, RFC 3948.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "impl/ikev2/packet.h"
#include "tests/impl/ikev2/pair.h"

namespace gatelab::ikev2::test {
namespace {

using testing::Each;
using testing::IsEmpty;

// A NAT before the client: its packets seem to come from `outside`, on a port of its own per inner port.
struct Nat {
    Ipv4Address outside{203, 0, 113, 7};
    std::uint16_t shift = 20000;
    bool operator()(Instant, Parcel& parcel) const {
        if (parcel.from.address == kClient.address)
            parcel.from = {outside, static_cast<std::uint16_t>(parcel.from.port + shift)};
        else if (parcel.to.address == outside)
            parcel.to = {kClient.address, static_cast<std::uint16_t>(parcel.to.port - shift)};
        return true;
    }
};

void bring_up(Pair& pair) {
    pair.dial();
    pair.run_for(std::chrono::seconds(5));
    ASSERT_TRUE(pair.client.established());
}

TEST(Nat, IsFoundByBothAndMovesAllToPort4500) {
    Pair pair{client_connection(), {gateway_connection()}};
    pair.wire.on_send = Nat{};
    bring_up(pair);
    const auto client = pair.client.last<Engine::SaEstablished>();
    const auto gateway = pair.gateway.last<Engine::SaEstablished>();
    EXPECT_TRUE(client.nat_here);
    EXPECT_FALSE(client.nat_there);
    EXPECT_FALSE(gateway.nat_here);
    EXPECT_TRUE(gateway.nat_there);
    EXPECT_EQ(client.path, (Path{{kClient.address, 4500}, {kGateway.address, 4500}}));
    EXPECT_EQ(gateway.path.remote, (Endpoint{Ipv4Address{203, 0, 113, 7}, 24500}));
    EXPECT_TRUE(pair.client.last<Engine::ChildEstablished>().udp_encapsulation);
    EXPECT_TRUE(pair.gateway.last<Engine::ChildEstablished>().udp_encapsulation);
    // The non-ESP marker stands before every message on port 4500, and before none on 500.
    for (const auto& parcel : pair.sent) {
        const bool marked = ByteReader{parcel.bytes}.u32() == 0;
        EXPECT_EQ(marked, parcel.from.port == 4500);
    }
}

TEST(Nat, GetsKeepalivesFromBehindIt) {
    auto client = client_connection();
    client.lifetimes.nat_keepalive = std::chrono::seconds(20);
    auto gateway = gateway_connection();
    gateway.lifetimes.nat_keepalive = std::chrono::seconds(20);
    Pair pair{client, {gateway}};
    pair.wire.on_send = Nat{};
    bring_up(pair);
    const auto before = pair.sent.size();
    pair.run_for(std::chrono::seconds(60));
    ASSERT_EQ(pair.sent.size() - before, 3u);
    for (std::size_t i = before; i < pair.sent.size(); ++i) {
        EXPECT_EQ(pair.sent[i].bytes, Bytes{0xff});
        EXPECT_EQ(pair.sent[i].from, (Endpoint{kClient.address, 4500}));
    }
    EXPECT_EQ(pair.gateway.traced("dropped"), 0) << "a keepalive is nothing to talk about";
}

TEST(Nat, ThatForgetsItsMappingIsFollowedByTheGateway) {
    Pair pair{client_connection(), {gateway_connection()}};
    pair.wire.on_send = Nat{};
    bring_up(pair);
    pair.wire.on_send = Nat{Ipv4Address{203, 0, 113, 8}, 30000};
    pair.call([&] { pair.client.engine.check_liveness(pair.now, pair.client.last<Engine::SaEstablished>().sa); });
    pair.run_for(std::chrono::seconds(1));
    EXPECT_EQ(pair.gateway.last<Engine::PathChanged>().path.remote, (Endpoint{Ipv4Address{203, 0, 113, 8}, 34500}));
    pair.call([&] { pair.gateway.engine.check_liveness(pair.now, pair.gateway.last<Engine::SaEstablished>().sa); });
    pair.settle();
    EXPECT_THAT(pair.gateway.all<Engine::SaClosed>(), IsEmpty());
}

TEST(Nat, IsFollowedByEspAsWell) {
    Pair pair{client_connection(), {gateway_connection()}};
    pair.wire.on_send = Nat{};
    bring_up(pair);
    const Path moved{{kGateway.address, 4500}, {Ipv4Address{203, 0, 113, 9}, 1234}};
    pair.call([&] { pair.gateway.engine.note_inbound_esp(pair.now, pair.gateway.open_children()[0].child, moved); });
    EXPECT_EQ(pair.gateway.last<Engine::PathChanged>().path, moved);
}

TEST(Nat, OfWhichThereIsNoneLetsNobodyMoveAPeer) {
    Pair pair{client_connection(), {gateway_connection()}};
    bring_up(pair);
    const Path moved{{kGateway.address, 4500}, {Ipv4Address{203, 0, 113, 9}, 1234}};
    pair.call([&] { pair.gateway.engine.note_inbound_esp(pair.now, pair.gateway.open_children()[0].child, moved); });
    EXPECT_THAT(pair.gateway.all<Engine::PathChanged>(), IsEmpty());
}

TEST(Nat, CannotBeMovedByARepeatedPacketFromElsewhere) {
    Pair pair{client_connection(), {gateway_connection()}};
    pair.wire.on_send = Nat{};
    bring_up(pair);
    pair.call([&] { pair.client.engine.check_liveness(pair.now, pair.client.last<Engine::SaEstablished>().sa); });
    pair.run_for(std::chrono::seconds(1));
    const auto request = pair.sent.at(pair.sent.size() - 2);
    const Path elsewhere{{kGateway.address, 4500}, {Ipv4Address{198, 51, 100, 1}, 4500}};
    pair.call([&] { pair.gateway.engine.handle_datagram(pair.now, elsewhere, request.bytes); });
    EXPECT_THAT(pair.gateway.all<Engine::PathChanged>(), IsEmpty());
}

TEST(Nat, KeepsItsPlaceThroughAnIkeRekey) {
    Pair pair{client_connection(), {gateway_connection()}};
    pair.wire.on_send = Nat{};
    bring_up(pair);
    pair.call([&] { pair.gateway.engine.rekey_ike(pair.now, pair.gateway.last<Engine::SaEstablished>().sa); });
    pair.settle();
    EXPECT_EQ(pair.client.all<Engine::SaEstablished>().size(), 2u);
    EXPECT_TRUE(pair.client.last<Engine::SaEstablished>().nat_here);
    EXPECT_EQ(pair.client.last<Engine::SaEstablished>().path.local.port, 4500);
}

}  // namespace
}  // namespace gatelab::ikev2::test
