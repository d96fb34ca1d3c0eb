#include "impl/gateway/address_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatelab::gateway {
namespace {

using ::testing::ElementsAre;

TEST(AddressPool, HandsOutTheLowestFreeAddressFirst) {
    AddressPool pool{Prefix{{10, 60, 0, 0}, 24}};
    EXPECT_EQ(pool.take(), (Ipv4Address{10, 60, 0, 2}));
    EXPECT_EQ(pool.take(), (Ipv4Address{10, 60, 0, 3}));
    EXPECT_EQ(pool.take(), (Ipv4Address{10, 60, 0, 4}));
    pool.give_back({10, 60, 0, 3});
    EXPECT_EQ(pool.take(), (Ipv4Address{10, 60, 0, 3}));
    EXPECT_EQ(pool.take(), (Ipv4Address{10, 60, 0, 5}));
}

TEST(AddressPool, KeepsTheFirstHostAddressForTheGateway) {
    EXPECT_EQ(own_address_in(Prefix{{10, 60, 0, 0}, 24}), (Ipv4Address{10, 60, 0, 1}));
}

TEST(AddressPool, NeverHandsOutTheNetworkOrTheBroadcastAddress) {
    AddressPool pool{Prefix{{10, 60, 0, 8}, 29}};
    EXPECT_EQ(pool.capacity(), 5u);
    for (std::uint8_t last = 10; last <= 14; ++last) EXPECT_EQ(pool.take(), (Ipv4Address{10, 60, 0, last}));
    EXPECT_EQ(pool.free(), 0u);
    EXPECT_EQ(pool.take(), std::nullopt);
}

TEST(AddressPool, TakesBackOnlyWhatIsTaken) {
    AddressPool pool{Prefix{Ipv4Address{10, 60, 0, 0}, 29}};
    const auto address = *pool.take();
    for (const auto& other : {Ipv4Address{10, 60, 0, 1}, Ipv4Address{10, 60, 0, 3}, Ipv4Address{10, 59, 0, 2}})
        pool.give_back(other);
    EXPECT_EQ(pool.free(), pool.capacity() - 1);
    pool.give_back(address);
    pool.give_back(address);
    EXPECT_EQ(pool.free(), pool.capacity());
}

Prefix ten_sixty(std::uint8_t third, std::uint8_t last, std::uint8_t length) {
    return Prefix{{10, 60, third, last}, length};
}

TEST(PoolSplit, HalvesASmallPool) {  // P2S-FAQ-02, -10
    const auto parts = split(ten_sixty(0, 0, 28));
    EXPECT_THAT(parts.others, ElementsAre(ten_sixty(0, 0, 29)));
    EXPECT_EQ(parts.sstp, ten_sixty(0, 8, 29));
    EXPECT_EQ(split(ten_sixty(0, 0, 24)).sstp, ten_sixty(0, 128, 25));
}

TEST(PoolSplit, GivesSstpAtMost128AddressesAndTheOthersTheSurplus) {  // P2S-FAQ-02
    const auto parts = split(ten_sixty(0, 0, 22));
    EXPECT_EQ(parts.sstp, ten_sixty(3, 128, 25));
    EXPECT_THAT(parts.others, ElementsAre(ten_sixty(0, 0, 23), ten_sixty(2, 0, 24), ten_sixty(3, 0, 25)));
}

TEST(PoolSplit, LeavesTheGatewaysOwnAndTheBroadcastAddressOutOfEitherPart) {
    const auto whole = ten_sixty(0, 0, 29);
    const auto parts = split(whole);
    AddressPool others{whole, parts.others}, sstp{whole, {parts.sstp}};
    EXPECT_EQ(others.capacity(), 2u);
    EXPECT_EQ(others.take(), (Ipv4Address{10, 60, 0, 2}));
    EXPECT_EQ(others.take(), (Ipv4Address{10, 60, 0, 3}));
    EXPECT_EQ(others.take(), std::nullopt);
    EXPECT_EQ(sstp.capacity(), 3u);
    EXPECT_EQ(sstp.take(), (Ipv4Address{10, 60, 0, 4}));
    EXPECT_EQ(sstp.take(), (Ipv4Address{10, 60, 0, 5}));
    EXPECT_EQ(sstp.take(), (Ipv4Address{10, 60, 0, 6}));
    EXPECT_EQ(sstp.take(), std::nullopt);
    sstp.give_back({10, 60, 0, 3});
    EXPECT_EQ(sstp.free(), 0u);
}

}  // namespace
}  // namespace gatelab::gateway
