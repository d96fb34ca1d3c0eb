#include <gmock/gmock.h>

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

TEST(Select, TakesEveryCaseForEveryPairWithOneOfOurs) {
    const auto jobs = select({});
    ASSERT_TRUE(jobs);
    EXPECT_EQ(jobs->size(), cases().size() * 3);
    for (const auto& job : *jobs) EXPECT_NE(to_string(job.pair), "strongswan-strongswan");
}

TEST(Select, PairsTwoRealProgramsWhenBothAreNamed) {
    Options options;
    options.client = options.gateway = "strongswan";
    options.cases = {"ikev2-basic.narrows-selectors"};
    const auto jobs = select(options);
    ASSERT_TRUE(jobs);
    EXPECT_EQ(jobs->size(), 1u);
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
    EXPECT_THAT(refusal(client), HasSubstr("no client is called \"windows\"; known: gatelab, strongswan"));
    pattern.cases = {"nothing*"};
    EXPECT_THAT(refusal(pattern), HasSubstr("matches \"nothing*\""));
    shard.shard = 4;
    shard.shards = 3;
    EXPECT_THAT(refusal(shard), HasSubstr("no shard 4 of 3"));
}

TEST(Select, SaysWhyAPairCannotRunACase) {
    Options options;
    options.cases = {"esp-basic.carries-native-esp"};
    options.client = "gatelab";
    options.gateway = "strongswan";
    const auto jobs = select(options);
    ASSERT_TRUE(jobs);
    ASSERT_EQ(jobs->size(), 1u);
    EXPECT_THAT(jobs->front().unsupported, HasSubstr("strongswan as gateway does not claim native-esp"));
}

}  // namespace
}  // namespace gatelab::conformance
