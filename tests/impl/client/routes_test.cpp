#include "impl/client/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatelab::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> texts(const std::vector<Prefix>& prefixes) {
    std::vector<std::string> all;
    for (const auto& prefix : prefixes) all.push_back(to_string(prefix));
    return all;
}

TEST(PrefixesBetween, AreOneForAWholePrefix) {
    EXPECT_THAT(texts(prefixes_between({10, 1, 0, 0}, {10, 1, 255, 255})), ElementsAre("10.1.0.0/16"));
    EXPECT_THAT(texts(prefixes_between({10, 1, 0, 4}, {10, 1, 0, 4})), ElementsAre("10.1.0.4/32"));
}

TEST(PrefixesBetween, AreOneForEverything) {
    EXPECT_THAT(texts(prefixes_between({}, {255, 255, 255, 255})), ElementsAre("0.0.0.0/0"));
}

TEST(PrefixesBetween, AreTheFewestForAnyRange) {
    EXPECT_THAT(texts(prefixes_between({10, 0, 0, 1}, {10, 0, 0, 9})),
                ElementsAre("10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/30", "10.0.0.8/31"));
    EXPECT_EQ(prefixes_between({0, 0, 0, 1}, {255, 255, 255, 254}).size(), 62u);
}

TEST(PrefixesBetween, AreNoneForARangeTurnedRound) {
    EXPECT_THAT(prefixes_between({10, 0, 0, 9}, {10, 0, 0, 1}), IsEmpty());
}

TEST(ClassBasedNetwork, IsWhatAnAddressMeantBeforePrefixes) {
    EXPECT_EQ(class_based_network({10, 60, 0, 2}), (Prefix{{10, 0, 0, 0}, 8}));
    EXPECT_EQ(class_based_network({172, 16, 201, 2}), (Prefix{{172, 16, 0, 0}, 16}));
    EXPECT_EQ(class_based_network({192, 168, 7, 2}), (Prefix{{192, 168, 7, 0}, 24}));
    EXPECT_EQ(class_based_network({240, 0, 0, 1}), (Prefix{{240, 0, 0, 1}, 32}));
}

TEST(Destinations, NameEachAddressOnce) {
    const esp::TrafficSelectors selectors{
        esp::TrafficSelector::of(Prefix{{10, 2, 0, 0}, 16}), esp::TrafficSelector::of(Prefix{{10, 1, 0, 0}, 16}),
        esp::TrafficSelector::of(Prefix{{10, 1, 7, 0}, 24}), esp::TrafficSelector::of(Prefix{{10, 1, 0, 0}, 16})};
    EXPECT_THAT(texts(destinations(selectors)), ElementsAre("10.1.0.0/16", "10.2.0.0/16"));
}

}  // namespace
}  // namespace gatelab::client
