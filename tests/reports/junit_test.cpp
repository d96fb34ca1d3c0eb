#include <gmock/gmock.h>

#include <pugixml.hpp>

#include "reports/reports.h"
#include "tests/reports/sample.h"

namespace gatelab::reports {
namespace {

using testing::HasSubstr;

class Junit : public testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(document.load_string(to_junit(sample_report()).c_str())); }
    pugi::xml_document document;
};

TEST_F(Junit, CountsWhatItHolds) {
    const auto root = document.child("testsuites");
    EXPECT_EQ(root.attribute("tests").as_int(), 379);
    EXPECT_EQ(root.attribute("failures").as_int(), 1);
    EXPECT_EQ(root.attribute("errors").as_int(), 4);  // three crashes and an invalid run
    EXPECT_EQ(root.attribute("skipped").as_int(), 2);
    int cases = 0;
    for (const auto& suite : root.children("testsuite")) {
        int here = 0;
        for ([[maybe_unused]] const auto& one : suite.children("testcase")) ++here;
        EXPECT_EQ(suite.attribute("tests").as_int(), here);
        cases += here;
    }
    EXPECT_EQ(cases, 379);
}

TEST_F(Junit, TellsAFailureWithItsRequirementSeedAndExpectation) {
    const auto one = document.select_node("//testcase[@name='esp-basic.drops-replayed']").node();
    EXPECT_STREQ(one.attribute("classname").value(), "esp-basic.gatelab-gatelab");
    const std::string text = one.child("failure").text().get();
    EXPECT_THAT(text, HasSubstr("RFC4303-3.4.3-REPLAY"));
    EXPECT_THAT(text, HasSubstr("seed: 7"));
    EXPECT_THAT(text, HasSubstr("expected: the echo request is delivered once"));
    EXPECT_THAT(one.child("failure").attribute("message").value(), HasSubstr("<script>"));
}

TEST_F(Junit, TellsWhySomethingDidNotRun) {
    const auto skipped = document.select_node("//testcase/skipped[@type='skipped']").node();
    EXPECT_STREQ(skipped.attribute("message").value(), "this machine allows no user namespaces");
    EXPECT_TRUE(document.select_node("//testcase/skipped[@type='unsupported']"));
}

TEST(JunitText, HasNoCharacterThatXmlForbids) {
    auto report = sample_report();
    report.cases[3].reason = std::string{"peer said \x01\x1f\x00", 13};
    pugi::xml_document document;
    EXPECT_TRUE(document.load_string(to_junit(report).c_str()));
}

}  // namespace
}  // namespace gatelab::reports
