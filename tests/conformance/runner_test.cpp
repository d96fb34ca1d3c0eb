#include "conformance/runner.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "conformance/context.h"
#include "conformance/worlds.h"

namespace gatelab::conformance {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Case case_with(std::function<void(Context&)> check) {
    Case one;
    one.id = "made-up.case";
    one.suite = "made-up";
    one.requirements = {"RFC7296-1.2-INITIAL"};
    one.sentence = "Something holds.";
    one.topology = remote_access;
    one.check = std::move(check);
    return one;
}

Pair gatelab_pair() { return {find_player("gatelab"), find_player("gatelab")}; }

CaseResult result_of_case(const Case& one, Options options = {}) {
    const auto report = run({{&one, gatelab_pair(), ""}}, options);
    EXPECT_TRUE(report);
    return report->cases.at(0);
}

TEST(Runner, PassesACaseWhoseExpectationsHeld) {
    const auto one = case_with([](Context& context) {
        context.scenario().run_for(10ms);
        context.expect(true, "one is one", "it is");
        context.measure("answer", 42);
    });
    const auto result = result_of_case(one);
    EXPECT_EQ(result.verdict, Verdict::Passed);
    EXPECT_EQ(result.expected, "one is one");
    EXPECT_EQ(result.observed, "it is");
    EXPECT_EQ(result.simulated, 10ms);
    EXPECT_EQ(result.metrics.at("answer"), 42);
    ASSERT_EQ(result.steps.size(), 1u);
    EXPECT_EQ(result.steps[0].at, 10ms);
}

TEST(Runner, FailsACaseByItsFirstBrokenExpectation) {
    const auto one = case_with([](Context& context) {
        context.expect(true, "one is one", "it is");
        context.expect(false, "two is one", "it is two");
        context.expect(false, "three is one", "it is three");
    });
    const auto result = result_of_case(one);
    EXPECT_EQ(result.verdict, Verdict::Failed);
    EXPECT_EQ(result.expected, "two is one");
    EXPECT_EQ(result.observed, "it is two");
    EXPECT_THAT(result.reason, HasSubstr("expected that two is one; observed: it is two"));
}

TEST(Runner, TakesACaseThatLookedAtNothingForAnError) {
    const auto one = case_with([](Context&) {});
    EXPECT_EQ(result_of_case(one).verdict, Verdict::Error);
}

TEST(Runner, TakesACrashForAnErrorAndSaysWhatIsKnown) {
    const auto one = case_with([](Context&) { ::raise(SIGKILL); });
    const auto result = result_of_case(one);
    EXPECT_EQ(result.verdict, Verdict::Error);
    EXPECT_THAT(result.reason, HasSubstr("the case crashed (SIGKILL)"));
    EXPECT_FALSE(result.expected.empty());
}

TEST(Runner, EndsACaseThatHangs) {
    auto one = case_with([](Context&) {
        for (;;) std::this_thread::sleep_for(1s);
    });
    one.limit = 500ms;
    const auto result = result_of_case(one);
    EXPECT_EQ(result.verdict, Verdict::Error);
    EXPECT_THAT(result.reason, HasSubstr("did not end within"));
}

TEST(Runner, TakesATopologyThatCannotRunForAnError) {
    auto one = case_with([](Context&) {});
    one.topology = [](const Pair& pair) {
        auto topology = remote_access(pair);
        client_of(topology).certificate = "nobody's";
        return topology;
    };
    const auto result = result_of_case(one);
    EXPECT_EQ(result.verdict, Verdict::Error);
    EXPECT_THAT(result.reason, HasSubstr("nobody's"));
}

TEST(Runner, SkipsRealPeersWhenNobodyAskedForThem) {
    const auto one = case_with([](Context& context) { context.expect(true, "a", "b"); });
    Options options;
    options.real_peers = RealPeers::None;
    const auto report = run({{&one, {find_player("strongswan"), find_player("gatelab")}, ""}}, options);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->cases[0].verdict, Verdict::Skipped);
    EXPECT_FALSE(report->cases[0].reason.empty());
}

TEST(Runner, KeepsTheOrderOfTheJobsWhateverEndsFirst) {
    const auto slow = case_with([](Context& context) {
        std::this_thread::sleep_for(300ms);
        context.expect(true, "slow", "slow");
    });
    const auto quick = case_with([](Context& context) { context.expect(true, "quick", "quick"); });
    Options options;
    options.jobs = 3;
    std::vector<std::string> ended;
    options.progress = [&](const Progress& progress) {
        if (progress.latest) ended.push_back(progress.latest->expected);
    };
    const auto report = run({{&slow, gatelab_pair(), ""}, {&quick, gatelab_pair(), ""}}, options);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->cases[0].expected, "slow");
    EXPECT_EQ(report->cases[1].expected, "quick");
    EXPECT_THAT(ended, testing::ElementsAre("quick", "slow"));
}

TEST(Runner, KeepsTheEvidenceOfEachRunApart) {
    const auto folder = std::filesystem::temp_directory_path() / ("gatelab-runner-" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder);
    const auto one = case_with([](Context& context) { context.connect(); });
    Options options;
    options.out = folder;
    const auto result = result_of_case(one, options);
    EXPECT_EQ(result.verdict, Verdict::Passed) << result.reason;
    EXPECT_EQ(result.artifacts.directory, "cases/made-up.case/gatelab-gatelab");
    EXPECT_FALSE(result.artifacts.pcap.empty());
    EXPECT_FALSE(result.artifacts.keys.empty());
    EXPECT_TRUE(std::filesystem::exists(folder / result.artifacts.events));
    EXPECT_TRUE(std::filesystem::exists(folder / result.artifacts.directory / "run.json"));
    std::filesystem::remove_all(folder);
}

TEST(Runner, SaysWhereItCannotWrite) {
    const auto one = case_with([](Context&) {});
    Options options;
    options.out = "/proc/nowhere";
    const auto report = run({{&one, gatelab_pair(), ""}}, options);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().fault, Fault::Io);
    EXPECT_THAT(report.error().detail, HasSubstr("/proc/nowhere"));
}

}  // namespace
}  // namespace gatelab::conformance
