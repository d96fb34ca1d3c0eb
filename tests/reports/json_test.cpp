#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "reports/reports.h"
#include "tests/reports/sample.h"

namespace gatelab::reports {
namespace {

using namespace std::chrono_literals;
using conformance::Report;
using conformance::Verdict;
using nlohmann::json;
using testing::HasSubstr;

TEST(ReportJson, HasTheKeysOfItsContract) {
    const auto whole = json::parse(to_json(sample_report()));
    EXPECT_EQ(whole["schema"], "gatelab.report/1");
    EXPECT_EQ(whole["seed"], 7);
    EXPECT_EQ(whole["inputs"]["strongswan"], "5.9.8");
    EXPECT_EQ(whole["machine"]["started"], "2026-01-01T12:00:00Z");
    EXPECT_EQ(whole["machine"]["wall_s"], 73.5);
    EXPECT_EQ(whole["summary"]["failed"], 1);
    EXPECT_EQ(whole["summary"]["errors"], 3);
    EXPECT_EQ(whole["summary"]["skipped"], 1);
    EXPECT_GT(whole["summary"]["requirements"]["total"], whole["summary"]["requirements"]["covered"]);
    const auto& one = whole["cases"][0];
    for (const auto* key : {"id", "suite", "requirements", "client", "gateway", "verdict", "expected", "observed",
                            "reason", "sim_s", "machine", "metrics", "artifacts"})
        EXPECT_TRUE(one.contains(key)) << key;
    EXPECT_EQ(one["verdict"], "passed");
    EXPECT_EQ(one["sim_s"], 0.912);
    EXPECT_EQ(one["metrics"]["connect_s"], 0.512);
    EXPECT_TRUE(one["machine"].contains("wall_s"));
    EXPECT_TRUE(one["artifacts"]["pcap"].is_array());
    EXPECT_TRUE(one["artifacts"]["events"].is_string());
    EXPECT_TRUE(one["artifacts"]["keys"].is_array());
}

TEST(ReportJson, SurvivesARoundTrip) {
    const auto text = to_json(sample_report());
    const auto again = from_json(text);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(to_json(*again), text);
}

TEST(ReportJson, ReadsReportsFromBeforeInputsWereTold) {
    auto whole = json::parse(to_json(sample_report()));
    whole.erase("inputs");
    const auto report = from_json(whole.dump());
    ASSERT_TRUE(report) << report.error().detail;
    EXPECT_TRUE(report->inputs.empty());
}

// Takes out every "machine".
json without_machine(json whole) {
    whole.erase("machine");
    for (auto& one : whole["cases"]) one.erase("machine");
    return whole;
}

TEST(ReportJson, KeepsWhatDependsOnTheMachineUnderMachine) {
    auto report = sample_report();
    const auto before = without_machine(json::parse(to_json(report)));
    report.started = "2031-05-05T00:00:00Z";
    report.wall = 1s;
    for (auto& one : report.cases) {
        one.wall = 3s;
        if (!one.real_time) continue;
        one.simulated = 17s;
        one.attempts = 2;
        one.metrics["connect_s"] = 0.77;
        one.lateness = {100ms, 2ms, 3ms, 4ms};
    }
    EXPECT_EQ(without_machine(json::parse(to_json(report))), before);
}

TEST(ReportJson, ReplacesWhatIsNoUtf8) {
    auto report = sample_report();
    report.cases[0].observed = "peer said \xff\xfe";
    EXPECT_TRUE(from_json(to_json(report)));
}

TEST(ReportJson, RefusesWhatIsNoReport) {
    for (const auto* text :
         {"", "[]", "{}", "{\"schema\":\"gatelab.report/2\"}", "{\"schema\":\"gatelab.report/1\"}"}) {
        const auto result = from_json(text);
        ASSERT_FALSE(result) << text;
        EXPECT_EQ(result.error().fault, Fault::Malformed);
        EXPECT_THAT(result.error().detail, HasSubstr("conformance report"));
    }
}

TEST(ReportJson, RefusesATruncatedReportWhereverItEnds) {
    Report small = sample_report();
    small.cases.resize(2);
    const auto text = to_json(small);
    for (std::size_t size = 0; size + 2 < text.size(); size += 7) EXPECT_FALSE(from_json(text.substr(0, size)));
}

TEST(ReportJson, NamesTheFileThatIsNotThere) {
    const auto result = load("/nowhere/report.json");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().fault, Fault::NotFound);
    EXPECT_THAT(result.error().detail, HasSubstr("'/nowhere/report.json'"));
}

}  // namespace
}  // namespace gatelab::reports
