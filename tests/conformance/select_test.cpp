#include <gmock/gmock.h>

#include <map>
#include <set>

#include "conformance/runner.h"

namespace gatelab::conformance {
namespace {

using testing::HasSubstr;

std::string refusal(const Options& options) {
    const auto jobs = select(options);
    if (jobs) return "";
    EXPECT_EQ(jobs.error().fault, Fault::Refused);
    return jobs.error().detail;
}

Options with(RealPeers mode, std::optional<std::string> client = {}, std::optional<std::string> gateway = {}) {
    Options options;
    options.real_peers = mode;
    options.client = std::move(client);
    options.gateway = std::move(gateway);
    return options;
}

// How many cases each pair has.
std::map<std::string, std::size_t> pairs_of(const Options& options) {
    std::map<std::string, std::size_t> pairs;
    const auto jobs = select(options).value();
    for (const auto& job : jobs) ++pairs[to_string(job.pair)];
    return pairs;
}

TEST(Select, TakesEveryCaseForEveryPairWithOneOfOurs) {
    const auto all = cases().size();
    const std::map<std::string, std::size_t> virtual_time = {
        {"gatelab-gatelab", all}, {"gatelab-strongswan", all}, {"strongswan-gatelab", all}};
    EXPECT_EQ(pairs_of(with(RealPeers::Virtual)), virtual_time);
    EXPECT_EQ(pairs_of(with(RealPeers::None)), virtual_time);
    EXPECT_EQ(pairs_of(with(RealPeers::RealTime)),
              (std::map<std::string, std::size_t>{{"gatelab-gatelab", all},
                                                  {"gatelab-strongswan-realtime", all},
                                                  {"strongswan-realtime-gatelab", all}}));
}

TEST(Select, AddsAFewCasesInRealTimeToThoseInVirtualTime) {
    const auto pairs = pairs_of(with(RealPeers::VirtualMost));
    EXPECT_EQ(pairs.at("gatelab-strongswan"), cases().size());
    EXPECT_GE(pairs.at("gatelab-strongswan-realtime"), 5u);
    EXPECT_LE(pairs.at("gatelab-strongswan-realtime"), 10u);
    const auto jobs = select(with(RealPeers::VirtualMost)).value();
    for (const auto& job : jobs)
        EXPECT_TRUE(!job.real_time() || job.what->in_real_time_too) << job.what->id;
}

TEST(Select, TakesANameForTheProgramInTheTimeThatWasAskedFor) {
    const auto only = [](RealPeers mode, const char* client) {
        const auto pairs = pairs_of(with(mode, client, "gatelab"));
        EXPECT_EQ(pairs.size(), 1u);
        EXPECT_EQ(pairs.begin()->second, cases().size()) << "a player asked for by name takes part in every case";
        return pairs.begin()->first;
    };
    EXPECT_EQ(only(RealPeers::Virtual, "strongswan"), "strongswan-gatelab");
    EXPECT_EQ(only(RealPeers::VirtualMost, "strongswan"), "strongswan-gatelab");
    EXPECT_EQ(only(RealPeers::RealTime, "strongswan"), "strongswan-realtime-gatelab");
    EXPECT_EQ(only(RealPeers::VirtualMost, "strongswan-realtime"), "strongswan-realtime-gatelab");
    EXPECT_THAT(refusal(with(RealPeers::Virtual, "strongswan-realtime")),
                HasSubstr("strongswan-realtime keeps real time, and only virtual time was asked for; name strongswan"));
}

TEST(Select, PairsTwoRealProgramsWhenBothAreNamed) {
    auto options = with(RealPeers::VirtualMost, "strongswan", "strongswan");
    options.cases = {"ikev2-basic.narrows-selectors"};
    EXPECT_EQ(pairs_of(options), (std::map<std::string, std::size_t>{{"strongswan-strongswan", 1}}));
}

TEST(Select, NeverPairsVirtualWithRealTime) {
    EXPECT_THAT(refusal(with(RealPeers::VirtualMost, "strongswan", "strongswan-realtime")),
                HasSubstr("no such client and gateway meet"));
}

TEST(Select, FiltersBySuiteGlobClientAndGateway) {
    Options options;
    options.suites = {"esp-basic"};
    options.cases = {"*replayed*"};
    options.client = "gatelab";
    options.gateway = "strongswan";
    const auto jobs = select(options);
    ASSERT_TRUE(jobs);
    ASSERT_FALSE(jobs->empty());
    for (const auto& job : *jobs) {
        EXPECT_EQ(job.what->suite, "esp-basic");
        EXPECT_THAT(job.what->id, HasSubstr("replayed"));
        EXPECT_EQ(to_string(job.pair), "gatelab-strongswan");
    }
}

TEST(Select, SplitsIntoShardsThatTogetherAreAll) {
    std::multiset<std::string> all, together;
    const auto everything = select({}).value();
    for (const auto& job : everything) all.insert(job.what->id + to_string(job.pair));
    for (std::size_t shard = 1; shard <= 3; ++shard) {
        Options options;
        options.shard = shard;
        options.shards = 3;
        const auto part = select(options).value();
        for (const auto& job : part) together.insert(job.what->id + to_string(job.pair));
    }
    EXPECT_EQ(all, together);
}

TEST(Select, NamesWhatIsKnownWhenItDoesNotKnowSomething) {
    Options suite, client, pattern, shard;
    suite.suites = {"esp-basics"};
    EXPECT_THAT(refusal(suite), HasSubstr("no suite is called \"esp-basics\"; known: ikev2-basic, esp-basic"));
    client.client = "windows";
    EXPECT_THAT(refusal(client), HasSubstr("no client is called \"windows\"; known: gatelab, strongswan, strongswan-realtime"));
    pattern.cases = {"nothing*"};
    EXPECT_THAT(refusal(pattern), HasSubstr("matches \"nothing*\""));
    shard.shard = 4;
    shard.shards = 3;
    EXPECT_THAT(refusal(shard), HasSubstr("no shard 4 of 3"));
}

TEST(Select, SaysWhyAPairCannotRunACase) {
    auto options = with(RealPeers::RealTime, "gatelab", "strongswan");
    options.cases = {"esp-basic.carries-native-esp"};
    const auto jobs = select(options);
    ASSERT_TRUE(jobs);
    ASSERT_EQ(jobs->size(), 1u);
    EXPECT_THAT(jobs->front().unsupported, HasSubstr("strongswan-realtime as gateway does not claim native-esp"));
}

}  // namespace
}  // namespace gatelab::conformance
