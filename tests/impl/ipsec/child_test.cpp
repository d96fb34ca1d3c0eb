#include "impl/ipsec/child.h"

#include <gtest/gtest.h>

#include "tests/support/ip_packet.h"

namespace gatelab::ipsec {
namespace {

constexpr Ipv4Address kHere{10, 60, 0, 2}, kThere{10, 1, 0, 4}, kElsewhere{10, 9, 0, 1};

esp::Parameters parameters(std::uint32_t spi, Ipv4Address there) {
    esp::Parameters made;
    made.spi = esp::Spi{spi};
    made.encryption_key = Bytes(esp::encryption_key_size(made.suite), 0x11);
    made.local = {esp::TrafficSelector::of(Prefix{kHere, 32})};
    made.remote = {esp::TrafficSelector::of(Prefix{there, 32})};
    return made;
}

ikev2::Engine::ChildEstablished established(std::uint64_t id, Ipv4Address there = kThere) {
    ikev2::Engine::ChildEstablished made{};
    made.child = ikev2::ChildId{id};
    made.inbound = parameters(static_cast<std::uint32_t>(1000 + id), there);
    made.outbound = parameters(static_cast<std::uint32_t>(2000 + id), there);
    return made;
}

// The id of the child that carries a packet to `there`; 0 for none.
std::uint64_t carrier(Children& children, Ipv4Address there = kThere) {
    Bytes out(2000);
    const auto sealed = children.seal(testing::echo_packet(kHere, there, {}), out);
    return sealed.by ? sealed.by->id.value() : 0;
}

TEST(ChildSas, SendOnTheNewestWhenWeRekeyed) {
    Children children;
    children.add(established(1));
    auto newer = established(2);
    newer.replaces = ikev2::ChildId{1};
    newer.initiator = true;
    children.add(newer);
    EXPECT_EQ(carrier(children), 2u);
}

TEST(ChildSas, KeepSendingOnTheOldWhenThePeerRekeyed) {
    Children children;
    children.add(established(1));
    auto newer = established(2);
    newer.replaces = ikev2::ChildId{1};
    children.add(newer);
    EXPECT_EQ(carrier(children), 1u);  // RFC 7296 section 2.8
    children.remove(ikev2::ChildId{1});
    EXPECT_EQ(carrier(children), 2u);
}

TEST(ChildSas, LetTheSelectorsChooseAmongThem) {
    Children children;
    children.add(established(1, kThere));
    children.add(established(2, kElsewhere));
    EXPECT_EQ(carrier(children, kThere), 1u);
    EXPECT_EQ(carrier(children, kElsewhere), 2u);
}

TEST(ChildSas, RefuseAndCountWhatNoneOfThemCarries) {
    Children children;
    children.add(established(1));
    EXPECT_EQ(carrier(children, kElsewhere), 0u);
    EXPECT_EQ(children.traffic().refused_out, 1u);
}

TEST(ChildSas, CountOnAfterOneIsGone) {
    Children children;
    children.add(established(1));
    carrier(children);
    children.remove(ikev2::ChildId{1});
    children.add(established(2));
    carrier(children);
    EXPECT_EQ(children.traffic().packets_out, 2u);
}

}  // namespace
}  // namespace gatelab::ipsec
