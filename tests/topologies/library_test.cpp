#include "topologies/library/library.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "topologies/yaml/reader.h"

namespace gatelab::topologies {
namespace {

using testing::IsEmpty;

TEST(Library, HoldsOnlyTopologiesThatCheckClean) {
    EXPECT_GE(library().size(), 3u);
    for (const auto& entry : library()) {
        const auto reading = parse(entry.text, std::string{entry.name} + ".yaml");
        for (const auto& problem : reading.problems) ADD_FAILURE() << to_string(problem);
        ASSERT_TRUE(reading.topology);
        for (const auto& problem : check(*reading.topology)) ADD_FAILURE() << to_string(problem);
        EXPECT_EQ(reading.topology->name, entry.name);
    }
}

TEST(Library, SummarisesEachTopologyByItsOpeningSentence) {
    for (const auto& entry : library()) {
        EXPECT_GT(entry.summary.size(), 20u) << entry.name;
        EXPECT_EQ(entry.summary.back(), '.') << entry.name << ": " << entry.summary;
    }
}

TEST(Library, HoldsTheVeryFilesOfItsFolder) {
    const std::filesystem::path folder = std::filesystem::path{GATELAB_SOURCE_DIR} / "topologies/library";
    std::size_t files = 0;
    for (const auto& file : std::filesystem::directory_iterator{folder}) {
        if (file.path().extension() != ".yaml") continue;
        ++files;
        std::ostringstream text;
        text << std::ifstream{file.path()}.rdbuf();
        const auto* entry = find_in_library(file.path().stem().string());
        ASSERT_TRUE(entry) << file.path() << " is not in the library's CMakeLists.txt";
        EXPECT_EQ(entry->text, text.str());
    }
    EXPECT_EQ(files, library().size());
}

TEST(Library, IsFoundByNameFromAnyDirectory) {
    const auto topology = load("remote-user");
    ASSERT_TRUE(topology) << topology.error().detail;
    EXPECT_TRUE(find_as<Client>(*topology, "alice"));
}

TEST(Library, SuggestsANameWhenOneIsMisspelt) {
    const auto topology = load("remote-usr");
    ASSERT_FALSE(topology);
    EXPECT_EQ(topology.error().fault, Fault::NotFound);
    EXPECT_THAT(topology.error().detail, testing::HasSubstr("did you mean \"remote-user\"?"));
}

TEST(Documentation, ShowsAWholeFileThatWorks) {
    std::ostringstream page;
    page << std::ifstream{std::filesystem::path{GATELAB_SOURCE_DIR} / "docs/topologies.md"}.rdbuf();
    const auto text = page.str();
    const auto begin = text.find("```yaml\n") + 8;
    const auto topology = load(Source{text.substr(begin, text.find("```", begin) - begin), "docs.yaml"});
    EXPECT_TRUE(topology) << topology.error().detail;
}

}  // namespace
}  // namespace gatelab::topologies
