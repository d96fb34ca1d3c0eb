// A topology file is foreign input: whatever the bytes, reading ends soon, with a topology or with problems.
#include <gmock/gmock.h>

#include <chrono>

#include "impl/base/random.h"
#include "topologies/library/library.h"
#include "topologies/yaml/reader.h"

namespace gatelab::topologies {
namespace {

using testing::HasSubstr;

std::string first_problem(std::string_view text) {
    const auto reading = parse(text, "t.yaml");
    return reading.problems.empty() ? "" : to_string(reading.problems.front());
}

std::string repeated(std::string_view piece, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += piece;
    return text;
}

TEST(Robustness, SurvivesRandomEditsOfAValidFile) {
    SeededRandom random{2026, "edits"};
    const std::string_view pieces[] = {":", "-", "{",  "}", "[",  "]", "&a ",  "*a", "\n",  "  ",  "!!",
                                       "|", "'", "\"", "#", "\t", "%", "\xff", "?",  "1e9", "null"};
    for (int round = 0; round < 3000; ++round) {
        std::string text{library()[random.below(library().size())].text};
        for (auto edits = 1 + random.below(6); edits > 0; --edits) {
            const auto at = random.below(text.size());
            switch (random.below(4)) {
                case 0: text[at] = static_cast<char>(random.below(256)); break;
                case 1: text.erase(at, 1 + random.below(30)); break;
                case 2: text.insert(at, pieces[random.below(std::size(pieces))]); break;
                default: text.insert(at, text.substr(random.below(text.size()), random.below(40))); break;
            }
        }
        const auto reading = parse(text, "t.yaml");
        if (reading.topology)
            check(*reading.topology);
        else
            EXPECT_FALSE(reading.problems.empty()) << text;
    }
}

TEST(Robustness, RefusesAliasesThatGrowWithoutEnd) {
    std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
    for (char name = 'b'; name <= 'j'; ++name) {
        const std::string before{static_cast<char>(name - 1)};
        bomb += std::string{name} + ": &" + name + " [" + repeated("*" + before + ", ", 9) + "*" + before + "]\n";
    }
    EXPECT_THAT(first_problem(bomb), HasSubstr("aliases followed"));
}

TEST(Robustness, RefusesAnAliasInsideItsOwnValue) { EXPECT_NE(first_problem("a: &a [*a]"), ""); }

TEST(Robustness, RefusesDeepNesting) {
    EXPECT_THAT(first_problem(repeated("[", 100)), HasSubstr("nested more than 64 levels"));
    EXPECT_NE(first_problem(repeated("[", 100'000)), "");
    EXPECT_NE(first_problem(repeated("{a: ", 100'000)), "");
    EXPECT_NE(first_problem(repeated("- ", 100'000)), "");
    EXPECT_NE(first_problem(repeated("? ", 100'000)), "");
}

TEST(Robustness, RefusesHugeFiles) {
    EXPECT_THAT(first_problem(repeated("# nothing\n", 200'000)), HasSubstr("a topology file has at most 1048576"));
}

TEST(Robustness, RefusesTooManyValues) {
    EXPECT_THAT(first_problem("routers: [" + repeated("x,", 150'000) + "]"), HasSubstr("too many values"));
}

TEST(Robustness, EndsSoonOnLargeFiles) {
    const auto start = std::chrono::steady_clock::now();
    std::string text = "clients:\n";
    for (int i = 0; i < 3000; ++i) text += "  c" + std::to_string(i) + ": {address: 198.51.100.10, gateway: nowhere}\n";
    text += "links:\n";
    for (int i = 0; i < 3000; ++i) text += "  c" + std::to_string(i) + "-d" + std::to_string(i) + ":\n";
    const auto reading = parse(text, "t.yaml");
    EXPECT_EQ(reading.problems.size(), 3000u);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST(Robustness, ShowsNoControlCharactersOfAFileInItsMessages) {
    const auto message = first_problem("\"\\x1b[2Jevil\": 1");
    EXPECT_EQ(message.find('\x1b'), std::string::npos);
    EXPECT_THAT(message, HasSubstr("unknown key \"?[2Jevil\""));
}

}  // namespace
}  // namespace gatelab::topologies
