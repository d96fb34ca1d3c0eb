#include <gmock/gmock.h>

#include "reports/reports.h"
#include "tests/reports/sample.h"

namespace gatelab::reports {
namespace {

using conformance::Verdict;
using testing::HasSubstr;

TEST(Diff, OfAReportWithItselfIsEmpty) {
    const auto changes = diff(sample_report(), sample_report());
    EXPECT_EQ(render_text(changes), "nothing changed\n");
}

TEST(Diff, SortsChangesByWhatTheyMean) {
    const auto baseline = sample_report();
    auto now = baseline;
    now.cases[0].verdict = Verdict::Failed;  // passed before
    now.cases[0].reason = "the tunnel stayed down";
    now.cases[3].verdict = Verdict::Passed;    // failed before
    now.cases[1].verdict = Verdict::Passed;    // skipped before
    now.cases[5].verdict = Verdict::Skipped;   // passed before: neither better nor worse
    now.cases[4].id = "esp-basic.a-new-name";  // was another

    const auto changes = diff(now, baseline);
    ASSERT_EQ(changes.regressions.size(), 1u);
    EXPECT_EQ(changes.regressions[0].id, now.cases[0].id);
    EXPECT_EQ(changes.regressions[0].before, "passed");
    EXPECT_EQ(changes.regressions[0].now, "failed");
    ASSERT_EQ(changes.fixed.size(), 1u);
    EXPECT_EQ(changes.fixed[0].id, "esp-basic.drops-replayed");
    EXPECT_EQ(changes.other.size(), 2u);
    ASSERT_EQ(changes.fresh.size(), 1u);
    EXPECT_EQ(changes.fresh[0].id, "esp-basic.a-new-name");
    ASSERT_EQ(changes.gone.size(), 1u);
    EXPECT_EQ(changes.gone[0].id, baseline.cases[4].id);
    EXPECT_THAT(render_text(changes), HasSubstr("(gatelab/gatelab): passed -> failed; the tunnel stayed down"));
    EXPECT_THAT(to_json(changes), HasSubstr("\"schema\": \"gatelab.report-diff/1\""));
}

TEST(Diff, TakesAnErrorAfterAPassForARegression) {
    const auto baseline = sample_report();
    auto now = baseline;
    now.cases[0].verdict = Verdict::Error;
    EXPECT_EQ(diff(now, baseline).regressions.size(), 1u);
}

}  // namespace
}  // namespace gatelab::reports
