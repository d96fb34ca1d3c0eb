#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "impl/esp/security_association.h"
#include "tests/impl/ikev2/pair.h"

namespace gatelab::ikev2::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

void bring_up(Pair& pair) {
    pair.dial();
    pair.run_for(std::chrono::seconds(5));
    ASSERT_TRUE(pair.client.established());
}

// The one open child carries a packet each way, which proves that the keys fit.
void expect_traffic(const Pair& pair) {
    ASSERT_THAT(pair.client.open_children(), SizeIs(1));
    ASSERT_THAT(pair.gateway.open_children(), SizeIs(1));
    const auto client = pair.client.open_children()[0];
    const auto gateway = pair.gateway.open_children()[0];
    const Bytes packet =
        ByteWriter{}.u8(0x45).u8(0).u16(28).u32(0).u8(64).u8(1).u16(0).u32(0x0a3c0001).u32(0x0a320001).zeros(8).take();
    esp::OutboundSa out{client.outbound};
    esp::InboundSa in{gateway.inbound};
    Bytes sealed(out.sealed_size(packet.size())), opened(2000);
    const auto size = out.seal(packet, sealed);
    ASSERT_TRUE(size);
    const auto inner = in.open(ByteView{sealed}.first(*size), opened);
    ASSERT_TRUE(inner) << esp::name_of(inner.error());
    EXPECT_EQ(copy_of(*inner), packet);
}

class RekeyFrom : public testing::TestWithParam<bool> {
protected:
    End& here(Pair& pair) { return GetParam() ? pair.client : pair.gateway; }
    End& there(Pair& pair) { return GetParam() ? pair.gateway : pair.client; }
};

TEST_P(RekeyFrom, ReplacesTheChildAndClosesTheOldOne) {
    Pair pair{client_connection(), {gateway_connection()}};
    bring_up(pair);
    const auto old_here = here(pair).open_children().at(0);
    const auto old_there = there(pair).open_children().at(0);
    pair.call([&] { here(pair).engine.rekey_child(pair.now, old_here.child); });
    pair.settle();
    expect_traffic(pair);
    EXPECT_EQ(here(pair).open_children()[0].replaces, old_here.child);
    EXPECT_EQ(there(pair).open_children()[0].replaces, old_there.child);
    EXPECT_EQ(here(pair).last<Engine::ChildClosed>().reason, CloseReason::Rekeyed);
    EXPECT_EQ(there(pair).last<Engine::ChildClosed>().reason, CloseReason::Rekeyed);
    EXPECT_EQ(here(pair).open_children()[0].inbound.local, old_here.inbound.local);
    EXPECT_THAT(here(pair).ladder(), Contains(HasSubstr("CREATE_CHILD_SA request N(REKEY_SA) SA No")));
}

TEST_P(RekeyFrom, KeepsTheOldChildUntilItsDelete) {
    Pair pair{client_connection(), {gateway_connection()}};
    bring_up(pair);
    pair.wire.on_send = [&](Instant, Parcel&) { return there(pair).all<Engine::ChildEstablished>().size() < 2; };
    pair.call([&] { here(pair).engine.rekey_child(pair.now, here(pair).open_children()[0].child); });
    pair.run_for(std::chrono::seconds(3));
    EXPECT_THAT(there(pair).open_children(), SizeIs(2));
}

TEST_P(RekeyFrom, ReplacesTheIkeSaAndItsChildrenMoveOn) {
    Pair pair{client_connection(), {gateway_connection()}};
    bring_up(pair);
    const auto old = here(pair).last<Engine::SaEstablished>();
    const auto child = here(pair).open_children()[0].child;
    pair.call([&] { here(pair).engine.rekey_ike(pair.now, old.sa); });
    pair.settle();
    const auto fresh = here(pair).last<Engine::SaEstablished>();
    const auto other = there(pair).last<Engine::SaEstablished>();
    EXPECT_EQ(fresh.replaces, old.sa);
    EXPECT_TRUE(fresh.initiator);
    EXPECT_FALSE(other.initiator);
    EXPECT_NE(fresh.keys.spi_i, old.keys.spi_i);
    EXPECT_EQ(fresh.keys.spi_r, other.keys.spi_r);
    EXPECT_EQ(fresh.keys.sk_ei, other.keys.sk_ei);
    EXPECT_NE(fresh.keys.sk_ei, old.keys.sk_ei);
    EXPECT_TRUE(here(pair).closed_with(CloseReason::Rekeyed));
    EXPECT_TRUE(there(pair).closed_with(CloseReason::Rekeyed));
    expect_traffic(pair);
    // The inherited child can be rekeyed and deleted on the new SA, from the other side too.
    pair.call([&] { here(pair).engine.rekey_child(pair.now, child); });
    pair.settle();
    expect_traffic(pair);
    pair.call([&] { there(pair).engine.rekey_ike(pair.now, other.sa); });
    pair.settle();
    EXPECT_EQ(there(pair).all<Engine::SaEstablished>().size(), 3u);
    pair.call([&] { there(pair).engine.delete_child(pair.now, there(pair).open_children()[0].child); });
    pair.settle();
    EXPECT_THAT(here(pair).open_children(), IsEmpty());
    EXPECT_EQ(here(pair).last<Engine::ChildClosed>().reason, CloseReason::PeerDeleted);
    EXPECT_EQ(there(pair).last<Engine::ChildClosed>().reason, CloseReason::Requested);
}

TEST_P(RekeyFrom, MakesAnotherChild) {
    Pair pair{client_connection(), {gateway_connection()}};
    bring_up(pair);
    pair.call([&] { here(pair).engine.create_child(pair.now, here(pair).last<Engine::SaEstablished>().sa, {}, {}); });
    pair.settle();
    EXPECT_THAT(pair.client.open_children(), SizeIs(2));
    EXPECT_THAT(pair.gateway.open_children(), SizeIs(2));
    EXPECT_FALSE(here(pair).open_children()[1].replaces);
}

TEST_P(RekeyFrom, ClosesOnBothSides) {
    Pair pair{client_connection(), {gateway_connection()}};
    bring_up(pair);
    pair.call([&] { here(pair).engine.close(pair.now, here(pair).last<Engine::SaEstablished>().sa); });
    pair.settle();
    EXPECT_TRUE(here(pair).closed_with(CloseReason::Requested));
    EXPECT_TRUE(there(pair).closed_with(CloseReason::PeerDeleted));
    EXPECT_FALSE(here(pair).engine.next_timeout());
    EXPECT_FALSE(there(pair).engine.next_timeout());
}

TEST_P(RekeyFrom, SurvivesABadWire) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE(seed);
        Pair pair{client_connection(pki().client_ecdsa),
                  {gateway_connection(pki().gateway_ecdsa)},
                  seed,
                  {0.15, 0.3, std::chrono::milliseconds(20), std::chrono::milliseconds(600)}};
        pair.dial();
        pair.run_for(std::chrono::seconds(60));
        ASSERT_TRUE(pair.client.established());
        for (int i = 0; i < 3; ++i) {
            pair.call([&] { here(pair).engine.rekey_child(pair.now, here(pair).open_children()[0].child); });
            pair.run_for(std::chrono::seconds(90));
            pair.call([&] { here(pair).engine.rekey_ike(pair.now, here(pair).last<Engine::SaEstablished>().sa); });
            pair.run_for(std::chrono::seconds(90));
        }
        EXPECT_EQ(there(pair).all<Engine::SaEstablished>().size(), 4u);
        expect_traffic(pair);
    }
}

INSTANTIATE_TEST_SUITE_P(Either, RekeyFrom, testing::Bool(),
                         [](const auto& side) { return side.param ? "Client" : "Gateway"; });

TEST(Rekey, HappensByItselfAtTheAgreedAge) {
    auto client = client_connection();
    client.lifetimes.child = std::chrono::minutes(10);
    client.lifetimes.ike = std::chrono::minutes(35);
    Pair pair{client, {gateway_connection()}};
    pair.dial();
    pair.run_for(std::chrono::minutes(60));
    EXPECT_GE(pair.client.all<Engine::ChildEstablished>().size(), 6u);
    EXPECT_LE(pair.client.all<Engine::ChildEstablished>().size(), 8u);
    EXPECT_EQ(pair.client.all<Engine::SaEstablished>().size(), 2u);
    expect_traffic(pair);
}

TEST(Rekey, ComesUpToATenthSoonerAndNeverLater) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        auto client = client_connection(pki().client_ecdsa);
        client.lifetimes.child = std::chrono::minutes(10);
        Pair pair{client, {gateway_connection(pki().gateway_ecdsa)}, seed};
        pair.dial();
        pair.run_for(std::chrono::minutes(9));
        EXPECT_EQ(pair.client.all<Engine::ChildEstablished>().size(), 1u);
        pair.run_for(std::chrono::minutes(1) + std::chrono::seconds(1));
        EXPECT_EQ(pair.client.all<Engine::ChildEstablished>().size(), 2u);
    }
}

TEST(Rekey, FromBothSidesAtOnceLeavesOneTunnel) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE(seed);
        Pair pair{client_connection(pki().client_ecdsa), {gateway_connection(pki().gateway_ecdsa)}, seed};
        bring_up(pair);
        const auto both = [&](const std::function<void(End&)>& command) {
            pair.call([&] {
                command(pair.client);
                command(pair.gateway);
            });
            pair.settle();
        };
        both([&](End& end) { end.engine.rekey_child(pair.now, end.open_children()[0].child); });
        expect_traffic(pair);
        both([&](End& end) { end.engine.rekey_ike(pair.now, end.last<Engine::SaEstablished>().sa); });
        expect_traffic(pair);
        pair.call([&] {
            pair.client.engine.rekey_ike(pair.now, pair.client.last<Engine::SaEstablished>().sa);
            pair.gateway.engine.rekey_child(pair.now, pair.gateway.open_children()[0].child);
        });
        pair.settle();
        expect_traffic(pair);
        both([&](End& end) { end.engine.delete_child(pair.now, end.open_children()[0].child); });
        EXPECT_THAT(pair.client.open_children(), IsEmpty());
        EXPECT_THAT(pair.gateway.open_children(), IsEmpty());
        both([&](End& end) { end.engine.close(pair.now, end.last<Engine::SaEstablished>().sa); });
        EXPECT_FALSE(pair.client.engine.next_timeout());
        EXPECT_FALSE(pair.gateway.engine.next_timeout());
    }
}

// Every cell of the documented policy: 17 IKE rows by 11 IPsec rows, with a rekey that exercises the PFS group.
class Cell : public testing::TestWithParam<std::size_t> {};

TEST_P(Cell, IsNegotiatedAndRekeyed) {
    const auto& ike = p2s_ike_policy()[GetParam()];
    for (const auto& row : p2s_ipsec_policy()) {
        SCOPED_TRACE(to_string(ike) + " x " + to_string(row));
        auto client = client_connection();
        auto gateway = gateway_connection();
        use_pre_shared_key(client, "a long secret");
        use_pre_shared_key(gateway, "a long secret");
        client.ike_policy = {ike};
        client.child_policy = {row};
        Pair pair{client, {gateway}};
        bring_up(pair);
        EXPECT_EQ(pair.gateway.last<Engine::SaEstablished>().keys.suite, ike);
        EXPECT_EQ(pair.gateway.last<Engine::ChildEstablished>().suite.esp, row.esp);
        expect_traffic(pair);
        pair.call([&] { pair.client.engine.rekey_child(pair.now, pair.client.open_children()[0].child); });
        pair.settle();
        EXPECT_EQ(pair.gateway.last<Engine::ChildEstablished>().suite, row);
        EXPECT_EQ(pair.client.last<Engine::ChildEstablished>().suite, row);
        expect_traffic(pair);
        // And from the gateway, whose first row may not be what the client accepts.
        pair.call([&] { pair.gateway.engine.rekey_child(pair.now, pair.gateway.open_children()[0].child); });
        pair.settle();
        EXPECT_EQ(pair.client.last<Engine::ChildEstablished>().suite, row);
        EXPECT_EQ(pair.client.all<Engine::ChildEstablished>().size(), 3u);
        expect_traffic(pair);
    }
}

INSTANTIATE_TEST_SUITE_P(P2sPolicy, Cell, testing::Range(std::size_t{0}, std::size_t{17}));

}  // namespace
}  // namespace gatelab::ikev2::test
