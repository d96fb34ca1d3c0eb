#include "impl/openvpn/cookie.h"

#include <gtest/gtest.h>

namespace gatelab::openvpn {
namespace {

using namespace std::chrono_literals;

constexpr Endpoint kClient{Ipv4Address{10, 1, 0, 2}, 40000};
constexpr SessionId kSession{1, 2, 3, 4, 5, 6, 7, 8};
constexpr auto kSlotBegins = instant_from_unix(1'767'225'600);  // a multiple of 30 s

TEST(SessionCookie, HoldsForHalfTheWindowAtLeastAndAllOfItAtMost) {
    SeededRandom random{1};
    SessionCookies cookies{random, 60s};
    const auto early = cookies.make(kSlotBegins, kClient, kSession);
    EXPECT_TRUE(cookies.holds(kSlotBegins + 59s, early, kClient, kSession));
    EXPECT_FALSE(cookies.holds(kSlotBegins + 60s, early, kClient, kSession));
    const auto late = cookies.make(kSlotBegins + 29s, kClient, kSession);
    EXPECT_TRUE(cookies.holds(kSlotBegins + 59s, late, kClient, kSession));
    EXPECT_FALSE(cookies.holds(kSlotBegins - 1s, early, kClient, kSession)) << "nor before its time";
}

TEST(SessionCookie, IsForOneAddressOnePortAndOneSession) {
    SeededRandom random{1};
    SessionCookies cookies{random, 60s};
    const auto cookie = cookies.make(kSlotBegins, kClient, kSession);
    EXPECT_TRUE(cookies.holds(kSlotBegins, cookie, kClient, kSession));
    EXPECT_FALSE(cookies.holds(kSlotBegins, cookie, {kClient.address, 40001}, kSession));
    EXPECT_FALSE(cookies.holds(kSlotBegins, cookie, {Ipv4Address{10, 1, 0, 3}, 40000}, kSession));
    EXPECT_FALSE(cookies.holds(kSlotBegins, cookie, kClient, {1, 2, 3, 4, 5, 6, 7, 9}));
    auto changed = cookie;
    changed[7] ^= 1;
    EXPECT_FALSE(cookies.holds(kSlotBegins, changed, kClient, kSession));
}

TEST(SessionCookie, IsKnownToItsServerAlone) {
    SeededRandom random{1};
    SessionCookies ours{random, 60s}, others{random, 60s};
    EXPECT_FALSE(others.holds(kSlotBegins, ours.make(kSlotBegins, kClient, kSession), kClient, kSession));
}

TEST(SessionCookie, HasAWindowEvenWhenHandshakesHaveNone) {
    SeededRandom random{1};
    SessionCookies cookies{random, Duration::zero()};
    EXPECT_TRUE(cookies.holds(kSlotBegins + 30s, cookies.make(kSlotBegins, kClient, kSession), kClient, kSession));
}

}  // namespace
}  // namespace gatelab::openvpn
