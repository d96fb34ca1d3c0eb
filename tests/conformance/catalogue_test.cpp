#include "conformance/catalogue/catalogue.h"

#include <gmock/gmock.h>

namespace gatelab::conformance {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

constexpr auto kEntry = R"(- id: RFC0000-1-THING
  source: {document: RFC 0000, section: "1"}
  text: A thing holds.
  strength: derived
  rows: [a, b]
)";

std::string error_of(const std::string& text) {
    const auto result = parse_catalogue(text, "some.yaml");
    return result ? "" : result.error().detail;
}

TEST(Catalogue, ReadsAnEntry) {
    const auto entries = parse_catalogue(kEntry, "some.yaml");
    ASSERT_TRUE(entries) << entries.error().detail;
    ASSERT_THAT(*entries, SizeIs(1));
    const auto& entry = entries->front();
    EXPECT_EQ(entry.id, "RFC0000-1-THING");
    EXPECT_EQ(entry.document, "RFC 0000");
    EXPECT_EQ(entry.section, "1");
    EXPECT_EQ(entry.text, "A thing holds.");
    EXPECT_EQ(entry.strength, Strength::Derived);
    EXPECT_EQ(entry.uncovered, "");
    EXPECT_THAT(entry.rows, SizeIs(2));
}

TEST(Catalogue, SaysWhereAnUnknownKeyStands) {
    EXPECT_EQ(
        error_of(std::string{kEntry} + "  colour: red\n"),
        "some.yaml:6:3: error: unknown key \"colour\"; expected one of id, source, text, strength, uncovered, rows");
}

TEST(Catalogue, SaysWhatIsMissing) {
    const auto error = error_of("- id: X\n  strength: doc\n");
    EXPECT_THAT(error, HasSubstr("some.yaml:1:3: error: expected `source: {document: ..., section: ...}`"));
    EXPECT_THAT(error, HasSubstr("expected `text: ...`"));
}

TEST(Catalogue, RefusesAnUnknownStrength) {
    EXPECT_THAT(error_of("- id: X\n  source: {document: A, section: B}\n  text: C\n  strength: strong\n"),
                HasSubstr("some.yaml:4:13: error: strength is \"strong\"; expected doc, 3p or derived"));
}

TEST(Catalogue, RefusesAnIdThatIsUsedTwice) {
    EXPECT_THAT(error_of(std::string{kEntry} + kEntry),
                HasSubstr("some.yaml:6:7: error: the id RFC0000-1-THING is used twice"));
}

TEST(Catalogue, SaysWhereYamlBreaks) {
    EXPECT_THAT(error_of("- id: [\n"), HasSubstr("some.yaml:"));
    EXPECT_THAT(error_of("id: X\n"), HasSubstr("expected a list of requirements"));
    EXPECT_THAT(error_of(""), HasSubstr("expected a list of requirements"));
}

TEST(Catalogue, HasTheTwoPolicyTables) {
    EXPECT_THAT(find(catalogue(), "P2S-IKE-01")->rows, SizeIs(17));
    EXPECT_THAT(find(catalogue(), "P2S-IKE-02")->rows, SizeIs(11));
    EXPECT_EQ(find(catalogue(), "P2S-IKE-99"), nullptr);
}

}  // namespace
}  // namespace gatelab::conformance
