#include <gmock/gmock.h>

#include "reports/fallback.h"
#include "reports/reports.h"
#include "tests/reports/sample.h"

namespace gatelab::reports {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ReportText, EndsWithTheSummary) {
    EXPECT_THAT(
        render_text(sample_report()),
        testing::EndsWith("cases: 372 passed, 1 failed, 3 errors, 1 invalid, 1 skipped, 1 unsupported; 3 of " +
                          std::to_string(summarize(sample_report()).requirements) + " requirements verified\n"));
}

TEST(ReportText, ShowsAFailureWithReasonRequirementAndSeed) {
    const auto text = render_text(sample_report());
    EXPECT_THAT(text, HasSubstr("failed: esp-basic.drops-replayed (gatelab/gatelab)"));
    EXPECT_THAT(text, HasSubstr("requirements: RFC4303-3.4.3-REPLAY; seed 7"));
    EXPECT_THAT(text, HasSubstr("delivered 2 times"));
}

TEST(ReportText, NamesWhatWasSkippedAndWhy) {
    EXPECT_THAT(render_text(sample_report()),
                HasSubstr("skipped strongswan/gatelab: this machine allows no user namespaces (1)"));
}

TEST(ReportText, HasARowForEachSuiteAndAColumnForEachPair) {
    const auto text = render_text(sample_report());
    EXPECT_THAT(text, HasSubstr("187/187"));
    EXPECT_THAT(text, HasSubstr("184/187 (3 bad)"));
    EXPECT_THAT(text, HasSubstr("gatelab/strongswan"));
}

TEST(ReportText, HasATableOfGoodputWhereItWasMeasured) {
    const auto text = render_text(goodput_report());
    EXPECT_THAT(text, HasSubstr("ikev2      openvpn-udp                        openvpn-udp"));
    EXPECT_THAT(text, HasSubstr("   10 ms   0.1 %    44.50 ( 50 %)"));
    EXPECT_THAT(text, HasSubstr("22.25 ( 50 %)\n"));
    EXPECT_THAT(render_text(sample_report()), Not(HasSubstr("goodput")));
}

TEST(ReportText, HasATableOfWhatEachClientEndsOn) {
    const auto text = render_text(fallback_report());
    EXPECT_THAT(text, HasSubstr("fallback, gateway offers IKEv2 and SSTP\n"
                                "network                      Windows              strongSwan\n"
                                "                                                  (strongswan)\n"
                                "Nothing in the way           IKEv2, 0.1 s         IKEv2, 0.2 s;\n"
                                "                                                  nothing passes\n"
                                "UDP 500 and 4500 dropped     SSTP, 31 s           ! none, 166 s:\n"
                                "                                                  peer-silent\n"
                                "OpenVPN: no tunnel in common with the gateway\n"));
    EXPECT_THAT(render_text(sample_report()), Not(HasSubstr("fallback")));
}

TEST(ReportText, HasThatTableAsMarkdownToo) {
    EXPECT_EQ(fallback_markdown(fallback_report()),
              "## The gateway offers IKEv2 and SSTP\n\n"
              "| network | Windows | strongSwan (strongswan) |\n|---|---|---|\n"
              "| Nothing in the way | IKEv2, 0.1 s | IKEv2, 0.2 s; nothing passes |\n"
              "| UDP 500 and 4500 dropped | SSTP, 31 s | ! none, 166 s: peer-silent |\n"
              "\nOpenVPN: no tunnel in common with the gateway.\n");
    EXPECT_EQ(fallback_markdown(sample_report()), "");
}

TEST(ReportText, OfNothingSaysSo) { EXPECT_EQ(render_text(conformance::Report{}), "no case ran\n"); }

}  // namespace
}  // namespace gatelab::reports
