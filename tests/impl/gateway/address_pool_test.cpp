#include "impl/gateway/address_pool.h"

#include <gtest/gtest.h>

namespace gatelab::gateway {
namespace {

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
    EXPECT_EQ((AddressPool{Prefix{{10, 60, 0, 0}, 24}}.own_address()), (Ipv4Address{10, 60, 0, 1}));
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

}  // namespace
}  // namespace gatelab::gateway
