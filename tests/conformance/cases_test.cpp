#include "conformance/case.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "conformance/catalogue/coverage.h"
#include "topologies/model/check.h"

namespace gatelab::conformance {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(Cases, AndTheCatalogueAgree) { EXPECT_THAT(contradictions(catalogue(), cases()), IsEmpty()); }

TEST(Cases, HaveAnIdOfTheirOwnASuiteAndASentence) {
    std::set<std::string> ids, suite_names;
    for (const auto& suite : suites()) suite_names.insert(suite.name);
    for (const auto& one : cases()) {
        EXPECT_TRUE(ids.insert(one.id).second) << one.id;
        EXPECT_TRUE(suite_names.contains(one.suite)) << one.id;
        EXPECT_EQ(one.id.rfind(one.suite + ".", 0), 0u) << one.id;
        EXPECT_TRUE(one.sentence.ends_with('.')) << one.id;
        EXPECT_TRUE(one.check && one.topology) << one.id;
    }
}

TEST(Cases, StartFromTopologiesThatCanRunForEveryPair) {
    for (const auto& one : cases()) {
        for (const auto& client : players()) {
            for (const auto& gateway : players()) {
                const Pair pair{&client, &gateway};
                if (!one.can_take(pair) || !pair.lack_of(one.needs).empty()) continue;
                for (const auto& problem : topologies::check(one.topology(pair)))
                    EXPECT_NE(problem.severity, topologies::Problem::Severity::Error)
                        << one.id << ": " << to_string(problem);
            }
        }
    }
}

TEST(Cases, CoverEveryCellOfThePolicyTables) {
    const auto cells = std::count_if(cases().begin(), cases().end(),
                                     [](const Case& one) { return one.id.find("p2s-ike-policy.ike-") == 0; });
    EXPECT_EQ(cells, 187);
}

TEST(Coverage, PageIsUpToDate) {
    std::ifstream in(GATELAB_SOURCE_DIR "/docs/requirements.md");
    std::ostringstream text;
    text << in.rdbuf();
    EXPECT_TRUE(text.str() == to_markdown(catalogue(), cases()))
        << "docs/requirements.md is out of date; run: gatelab list requirements --markdown > docs/requirements.md";
}

TEST(Coverage, NamesEveryContradiction) {
    const Catalogue entries = {{"A", "", "", "", Strength::Documented, "", {}},
                               {"B", "", "", "", Strength::Documented, "not yet", {}},
                               {"C", "", "", "", Strength::Documented, "", {}}};
    Case one;
    one.id = "s.one";
    one.requirements = {"B", "C", "D"};
    Case two;
    two.id = "s.two";
    EXPECT_THAT(contradictions(entries, {one, two}),
                testing::ElementsAre("s.one names D, which the catalogue does not have", "s.two names no requirement",
                                     "A claims to be covered, but no case names it",
                                     "B says why no case checks it, but one does"));
}

}  // namespace
}  // namespace gatelab::conformance
