#include <gmock/gmock.h>

#include <algorithm>
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

// Those that real programs take part in, asked for by name or not.
enum class Asked { No, ByName };
// `name`: of a real program that plays this side, against ours.
std::size_t cases_of(const char* name, Side side, Asked asked = Asked::No) {
    const auto& program = *find_player(name);
    const auto& ours = *find_player("gatelab");
    const Pair pair = side == Side::Client ? Pair{&program, &ours} : Pair{&ours, &program};
    return static_cast<std::size_t>(std::count_if(cases().begin(), cases().end(), [&](const Case& one) {
        return one.can_take(pair) && (asked == Asked::ByName || !one.real_by_name_only);
    }));
}

// Pairs without a case are left out, as select() does.
std::map<std::string, std::size_t> counts(std::map<std::string, std::size_t> pairs) {
    std::erase_if(pairs, [](const auto& pair) { return pair.second == 0; });
    return pairs;
}

TEST(Select, TakesEveryCaseForEveryPairWithOneOfOursThatHasItsTunnel) {
    const auto all = cases().size();
    const auto with_programs = [&](std::map<std::string, std::size_t> clients,
                                   const std::vector<const char*>& gateways) {
        std::map<std::string, std::size_t> pairs{{"gatelab-gatelab", all}};
        for (const auto& [name, count] : clients) pairs[name + "-gatelab"] = count;
        for (const auto* name : gateways) pairs[std::string{"gatelab-"} + name] = cases_of(name, Side::Gateway);
        return counts(pairs);
    };
    const auto virtual_time = with_programs({{"strongswan", cases_of("strongswan", Side::Client)},
                                             {"openvpn", cases_of("openvpn", Side::Client)},
                                             {"sstp-client", cases_of("sstp-client", Side::Client)}},
                                            {"strongswan", "openvpn"});
    EXPECT_EQ(pairs_of(with(RealPeers::Virtual)), virtual_time);
    EXPECT_EQ(pairs_of(with(RealPeers::None)), virtual_time);
    EXPECT_EQ(pairs_of(with(RealPeers::RealTime)),
              with_programs({{"strongswan-realtime", cases_of("strongswan-realtime", Side::Client)},
                             {"openvpn-realtime", cases_of("openvpn-realtime", Side::Client)},
                             {"sstp-client-realtime", cases_of("sstp-client-realtime", Side::Client)}},
                            {"strongswan-realtime", "openvpn-realtime", "softether"}));
}

TEST(Select, KeepsRealProgramsOutOfSomeCasesUnlessTheyAreNamed) {
    auto options = with(RealPeers::VirtualMost);
    options.suites = {"goodput"};
    EXPECT_THAT(pairs_of(options), testing::ElementsAre(testing::Key("gatelab-gatelab")));
    options.client = options.gateway = "strongswan";
    EXPECT_THAT(pairs_of(options), testing::ElementsAre(testing::Key("strongswan-strongswan")));
}

TEST(Select, AddsAFewCasesInRealTimeToThoseInVirtualTime) {
    const auto pairs = pairs_of(with(RealPeers::VirtualMost));
    EXPECT_EQ(pairs.at("gatelab-strongswan"), cases_of("strongswan", Side::Gateway));
    EXPECT_GE(pairs.at("gatelab-strongswan-realtime"), 5u);
    EXPECT_LE(pairs.at("gatelab-strongswan-realtime"), 10u);
    for (const auto* real_time : {"gatelab-openvpn-realtime", "openvpn-realtime-gatelab", "gatelab-softether"}) {
        EXPECT_GE(pairs.at(real_time), 4u);
        EXPECT_LE(pairs.at(real_time), 12u);
    }
    const auto jobs = select(with(RealPeers::VirtualMost)).value();
    for (const auto& job : jobs) EXPECT_TRUE(!job.real_time() || job.what->in_real_time_too) << job.what->id;
}

TEST(Select, TakesANameForTheProgramInTheTimeThatWasAskedFor) {
    const auto only = [](RealPeers mode, const char* client) {
        const auto pairs = pairs_of(with(mode, client, "gatelab"));
        EXPECT_EQ(pairs.size(), 1u);
        EXPECT_EQ(pairs.begin()->second, cases_of("strongswan", Side::Client, Asked::ByName))
            << "a player asked for by name takes part in every case that he can";
        return pairs.begin()->first;
    };
    EXPECT_EQ(only(RealPeers::Virtual, "strongswan"), "strongswan-gatelab");
    EXPECT_EQ(only(RealPeers::VirtualMost, "strongswan"), "strongswan-gatelab");
    EXPECT_EQ(only(RealPeers::RealTime, "strongswan"), "strongswan-realtime-gatelab");
    EXPECT_EQ(only(RealPeers::VirtualMost, "strongswan-realtime"), "strongswan-realtime-gatelab");
    EXPECT_THAT(refusal(with(RealPeers::Virtual, "strongswan-realtime")),
                HasSubstr("strongswan-realtime keeps real time, and only virtual time was asked for; name strongswan"));
}

TEST(Select, SaysWhoPlaysASideAndWhoHasATunnel) {
    EXPECT_THAT(refusal(with(RealPeers::VirtualMost, "softether")),
                HasSubstr("softether plays no client; those who do: gatelab, strongswan, strongswan-realtime, "
                          "libreswan, openvpn, openvpn-realtime"));
    auto options = with(RealPeers::VirtualMost, "openvpn");
    options.suites = {"esp-basic"};
    EXPECT_THAT(refusal(options), HasSubstr("openvpn takes part in no such case: all of them are about ikev2"));
    EXPECT_THAT(
        refusal(with(RealPeers::Virtual, {}, "softether")),
        HasSubstr("softether keeps real time, and only virtual time was asked for; leave --real-peers=virtual"));
}

TEST(Select, TakesNamedPairsAlone) {
    auto options = with(RealPeers::VirtualMost);
    options.suites = {"goodput"};
    options.pairs = {{"gatelab", "gatelab"}, {"openvpn-realtime", "openvpn-realtime"}};
    const auto pairs = pairs_of(options);
    EXPECT_THAT(pairs, testing::ElementsAre(testing::Pair("gatelab-gatelab", 60),
                                            testing::Pair("openvpn-realtime-openvpn-realtime", 24)));
    options.pairs.push_back({"gatelab", "nobody"});
    EXPECT_THAT(refusal(options), HasSubstr("no gateway is called \"nobody\""));
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
    EXPECT_THAT(refusal(client),
                HasSubstr("no client is called \"windows\"; known: gatelab, strongswan, strongswan-realtime"));
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
