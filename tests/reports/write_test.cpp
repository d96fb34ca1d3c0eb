#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "reports/reports.h"
#include "tests/reports/sample.h"

namespace gatelab::reports {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Writing : public testing::Test {
protected:
    Writing() : folder(fs::temp_directory_path() / ("gatelab-reports-" + std::to_string(::getpid()))) {
        fs::remove_all(folder);
        fs::create_directories(folder);
    }
    ~Writing() override { fs::remove_all(folder); }
    std::string read(const fs::path& path) {
        std::ifstream in(path, std::ios::binary);
        std::ostringstream text;
        text << in.rdbuf();
        return text.str();
    }
    fs::path folder;
};

TEST_F(Writing, LeavesAllThreeFormsAndNothingElse) {
    ASSERT_TRUE(write_all(sample_report(), folder / "out"));
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder / "out")) names.push_back(entry.path().filename());
    EXPECT_THAT(names, testing::UnorderedElementsAre("report.json", "report.html", "junit.xml"));
    EXPECT_TRUE(load(folder / "out"));
}

TEST_F(Writing, GivesOneClearErrorWhenTheDiskIsFull) {
    // A limit on the size of files behaves as a full disk does: part of the text is written and then no more.
    ASSERT_TRUE(write_file(folder / "report.json", "the earlier one"));
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{10'000, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
    const auto result = write_file(folder / "report.json", std::string(1'000'000, 'x'));
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().fault, Fault::Io);
    EXPECT_THAT(result.error().detail, HasSubstr("report.json'"));
    EXPECT_THAT(result.error().detail, HasSubstr("free some space"));
    EXPECT_EQ(read(folder / "report.json"), "the earlier one");
    EXPECT_FALSE(fs::exists(folder / "report.json.part"));
}

TEST_F(Writing, SaysWhichFileCannotBeWritten) {
    const auto result = write_all(sample_report(), "/proc/nowhere");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().fault, Fault::Io);
    EXPECT_THAT(result.error().detail, HasSubstr("/proc/nowhere"));
}

}  // namespace
}  // namespace gatelab::reports
