// Building a kernel, with recipes that take no time. The true one is built by tools/test.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "tests/sim/peers/uml/workshop.h"

namespace gatelab::sim::peers::uml {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void ignore(const KernelProgress&) {}

// What a cache holds, hidden files included.
std::vector<std::string> contents(const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

bool comes_true(const std::function<bool()>& condition) {
    for (int i = 0; i < 1000; ++i) {
        if (condition()) return true;
        std::this_thread::sleep_for(10ms);
    }
    return false;
}

TEST(KernelBuild, KeepsKernelManifestAndLogAndNothingElse) {
    Workshop workshop;
    workshop.recipe("echo == compiling 4; cat config; echo kernel >linux; chmod +x linux");
    const auto kernel = build_kernel(workshop.shop, ignore);
    ASSERT_TRUE(kernel) << kernel.error().detail;
    EXPECT_EQ(kernel->version, "6.1.99-1");
    EXPECT_THAT(contents(workshop.shop.cache), ElementsAre(".lock", kernel->hash));
    EXPECT_THAT(contents(kernel->path.parent_path()), ElementsAre("build.log", "kernel.json", "linux"));
    EXPECT_EQ(Workshop::read(kernel->path.parent_path() / "build.log"), "== compiling 4\nCONFIG_X=y\n");
}

TEST(KernelBuild, HappensOnce) {
    Workshop workshop;
    workshop.recipe("echo once >>" + (workshop.folder() / "runs").string() + "; touch linux; chmod +x linux");
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(build_kernel(workshop.shop, ignore));
    EXPECT_EQ(Workshop::read(workshop.folder() / "runs"), "once\n");
}

TEST(KernelBuild, HappensOnceWhenTwoWantIt) {
    Workshop workshop;
    workshop.recipe("echo once >>" + (workshop.folder() / "runs").string() +
                    "; sleep 0.3; touch linux; chmod +x linux");
    std::vector<std::string> steps;
    const auto want = [&] { return build_kernel(workshop.shop, ignore).has_value(); };
    bool other = false;
    std::thread thread{[&] { other = want(); }};
    EXPECT_TRUE(want());
    thread.join();
    EXPECT_TRUE(other);
    EXPECT_EQ(Workshop::read(workshop.folder() / "runs"), "once\n");
}

TEST(KernelBuild, FollowsDebiansNewVersion) {
    Workshop workshop;
    ASSERT_TRUE(build_kernel(workshop.shop, ignore));
    workshop.tool("dpkg-query", "echo -n 6.1.100-1");
    const auto kernel = build_kernel(workshop.shop, ignore);
    ASSERT_TRUE(kernel);
    EXPECT_EQ(kernel->version, "6.1.100-1");
}

TEST(KernelBuild, NeedsNoSourceWhenTheKernelIsThere) {
    Workshop workshop;
    ASSERT_TRUE(build_kernel(workshop.shop, ignore));
    fs::remove(workshop.shop.tarball);
    workshop.tool("apt-cache", "exit 1");
    EXPECT_TRUE(build_kernel(workshop.shop, ignore));
}

TEST(KernelBuild, ThatFailsKeepsItsLogAndSaysItsLastLines) {
    Workshop workshop;
    workshop.recipe("echo == compiling 4; echo 'frob.c:1: error: no frob' >&2; exit 3");
    const auto kernel = build_kernel(workshop.shop, ignore);
    ASSERT_FALSE(kernel);
    const auto log = workshop.shop.cache / "failed.log";
    EXPECT_THAT(kernel.error().detail, AllOf(HasSubstr("compiling the kernel failed (exit status 3)"),
                                             HasSubstr(log.string()), HasSubstr("error: no frob")));
    EXPECT_THAT(Workshop::read(log), HasSubstr("no frob"));
    EXPECT_THAT(contents(workshop.shop.cache), ElementsAre(".lock", "failed.log"));
}

TEST(KernelBuild, NamesAFullDisk) {
    Workshop workshop;
    workshop.recipe("echo == unpacking; echo 'tar: tree: Cannot write: No space left on device'; exit 2");
    const auto kernel = build_kernel(workshop.shop, ignore);
    ASSERT_FALSE(kernel);
    EXPECT_EQ(kernel.error().fault, Fault::Io);
    EXPECT_THAT(kernel.error().detail, HasSubstr("was full while unpacking the kernel; free some space"));
    EXPECT_THAT(contents(workshop.shop.cache), ElementsAre(".lock"));
}

TEST(KernelBuild, DoesNotBeginWithoutRoom) {
    Workshop workshop;
    workshop.shop.room = ~std::uintmax_t{0};
    const auto kernel = build_kernel(workshop.shop, ignore);
    ASSERT_FALSE(kernel);
    EXPECT_EQ(kernel.error().fault, Fault::Io);
    EXPECT_THAT(kernel.error().detail, HasSubstr("free some space"));
}

TEST(KernelBuild, SaysWhereItMayNotWrite) {
    Workshop workshop;
    Workshop::write(workshop.folder() / "file", "");
    workshop.shop.cache = workshop.folder() / "file" / "cache";
    const auto kernel = build_kernel(workshop.shop, ignore);
    ASSERT_FALSE(kernel);
    EXPECT_EQ(kernel.error().fault, Fault::Io);
    EXPECT_THAT(kernel.error().detail, HasSubstr(workshop.shop.cache.string()));
}

TEST(KernelBuild, RemovesWhatAnInterruptedOneLeft) {
    Workshop workshop;
    Workshop::write(workshop.shop.cache / ".build-Interr" / "tree" / "Makefile", "");
    ASSERT_TRUE(build_kernel(workshop.shop, ignore));
    EXPECT_FALSE(fs::exists(workshop.shop.cache / ".build-Interr"));
}

// The true recipe, up to its first program: that one never ends.
TEST(KernelBuild, EndsAndCleansUpWhenWhoeverWantedItIsKilled) {
    Workshop workshop;
    const auto true_one = KernelWorkshop::of_user();
    ASSERT_TRUE(true_one);
    workshop.shop.recipe = true_one->recipe;
    const auto pid_file = workshop.folder() / "pid";
    workshop.tool("tar", "echo $$ >" + pid_file.string() + "; exec sleep 1000");
    const pid_t child = ::fork();
    if (child == 0) {
        const auto kernel = build_kernel(workshop.shop, ignore);
        ::_exit(kernel ? 0 : 1);
    }
    ASSERT_GT(child, 0);
    ASSERT_TRUE(comes_true([&] { return Workshop::read(pid_file).ends_with('\n'); }));
    const auto program = std::stoi(Workshop::read(pid_file));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(comes_true([&] { return ::kill(program, 0) != 0; }));
    EXPECT_TRUE(comes_true([&] { return contents(workshop.shop.cache) == std::vector<std::string>{".lock"}; }));
}

TEST(KernelLog, TellsHowFarABuildIs) {
    KernelLog log;
    double share = 0;
    for (const auto* line : {"== unpacking", "noise", "== configuring", "  HOSTCC conf.o", "== compiling 200"})
        if (const auto far = log.handle_line(line)) {
            EXPECT_GE(far->share, share) << line;
            share = far->share;
        }
    EXPECT_EQ(log.step(), "compiling");
    int reports = 0;
    for (int i = 0; i < 1000; ++i)
        if (const auto far = log.handle_line("  CC      net/core/sock.o")) {
            EXPECT_GT(far->share, share);
            EXPECT_LT(far->share, 1);
            share = far->share;
            ++reports;
        }
    EXPECT_EQ(reports, 100) << "one for each in a hundred, and none beyond what was expected";
    EXPECT_FALSE(log.handle_line("net/core/sock.c: warning: something"));
}

}  // namespace
}  // namespace gatelab::sim::peers::uml
