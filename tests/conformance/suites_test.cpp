// The whole of the virtual-time suites, as a user runs them.

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "conformance/runner.h"
#include "reports/reports.h"

namespace gatelab::conformance {
namespace {

namespace fs = std::filesystem;

Options virtual_time() {
    Options options;
    options.client = options.gateway = "gatelab";
    options.real_peers = RealPeers::None;
    options.captures = false;
    return options;
}

TEST(VirtualTimeSuites, HoldForOurOwnClientAndGateway) {
    const auto report = run(virtual_time());
    ASSERT_TRUE(report) << report.error().detail;
    // Unsupported is what a simulated host is known not to do.
    for (const auto& result : report->cases)
        EXPECT_TRUE(result.verdict == Verdict::Passed || result.verdict == Verdict::Unsupported)
            << result.id << ": " << name_of(result.verdict) << ": " << result.reason;
    EXPECT_EQ(report->cases.size(), cases().size());
}

// Everything but what the machine decides, and the bytes of the evidence.
std::string fingerprint(const Report& report, const fs::path& out) {
    auto same = report;
    same.started.clear();
    same.wall = {};
    for (auto& result : same.cases) result.wall = {};
    auto text = reports::to_json(same);
    for (const auto& result : same.cases) {
        auto files = result.artifacts.pcap;
        files.push_back(result.artifacts.events);
        for (const auto& file : files) {
            std::ifstream in(out / file, std::ios::binary);
            std::ostringstream bytes;
            bytes << in.rdbuf();
            text += bytes.str();
        }
    }
    return text;
}

TEST(VirtualTimeSuites, LeaveTheSameBytesForTheSameSeedHoweverManyJobsRun) {
    std::vector<std::string> prints;
    for (const std::size_t jobs : {1, 3}) {
        const auto out =
            fs::temp_directory_path() / ("gatelab-suites-" + std::to_string(::getpid()) + "-" + std::to_string(jobs));
        auto options = virtual_time();
        options.captures = true;
        options.suites = {"ikev2-basic", "esp-basic"};
        options.cases = {"*rekeys*", "*serves-two*", "*recovers*", "*replayed*"};
        options.jobs = jobs;
        options.seed = 7;
        options.out = out;
        const auto report = run(options);
        ASSERT_TRUE(report) << report.error().detail;
        prints.push_back(fingerprint(*report, out));
        fs::remove_all(out);
    }
    EXPECT_GT(prints[0].size(), 100'000u);
    EXPECT_TRUE(prints[0] == prints[1]);
}

}  // namespace
}  // namespace gatelab::conformance
