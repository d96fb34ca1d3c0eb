// Finding kernels that were built, and what they are built from.
#include <gmock/gmock.h>

#include <set>

#include "tests/sim/peers/uml/workshop.h"

namespace gatelab::sim::peers::uml {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(KernelCache, GivesTheNewestVersionThatThisRecipeBuilt) {
    Workshop workshop;
    for (const auto* version : {"6.1.176-1", "6.1.192-2", "6.1.99-10"}) workshop.keep(version);
    const auto found = find_kernel(workshop.shop);
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_EQ(found->version, "6.1.192-2");
    EXPECT_EQ(found->hash, kernel_hash(workshop.shop, "6.1.192-2"));
    EXPECT_EQ(found->path, workshop.shop.cache / found->hash / "linux");
}

TEST(KernelCache, NamesTheCommandWhereThereIsNone) {
    const Workshop workshop;
    const auto found = find_kernel(workshop.shop);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().fault, Fault::Unavailable);
    EXPECT_THAT(found.error().detail, AllOf(HasSubstr("`gatelab peers kernel`"), Not(HasSubstr("this version"))));
}

TEST(KernelCache, DoesNotTakeAnotherRecipesKernel) {
    Workshop workshop;
    workshop.keep("6.1.99-1");
    workshop.recipe("echo another");
    const auto found = find_kernel(workshop.shop);
    ASSERT_FALSE(found);
    EXPECT_THAT(found.error().detail, HasSubstr("for this version of gatelab"));
}

TEST(KernelCache, PassesOverWhatIsNotWhole) {
    Workshop workshop;
    const auto folder = workshop.shop.cache / kernel_hash(workshop.shop, "6.1.99-1");
    const auto is_there = [&] { return find_kernel(workshop.shop).has_value(); };
    workshop.keep("6.1.99-1");
    EXPECT_TRUE(is_there());
    fs::remove(folder / "kernel.json");
    EXPECT_FALSE(is_there()) << "without a manifest";
    for (const auto* manifest : {"", "{", "[]", R"({"schema": "gatelab.kernel/1"})", R"({"schema": 7})"}) {
        Workshop::write(folder / "kernel.json", manifest);
        EXPECT_FALSE(is_there()) << manifest;
    }
    workshop.keep("6.1.99-1");
    Workshop::write(folder / "linux", "ker");
    EXPECT_FALSE(is_there()) << "cut short";
    workshop.keep("6.1.99-1");
    ::chmod((folder / "linux").c_str(), 0644);
    EXPECT_FALSE(is_there()) << "not to be executed";
    workshop.keep("6.1.99-1");
    fs::rename(folder, workshop.shop.cache / ".build-abcdef");
    EXPECT_FALSE(is_there()) << "a build under way";
}

TEST(KernelCache, OrdersVersionsAsDebianDoes) {
    const std::vector<std::string> ordered{"6.1.9-1",   "6.1.99-1",     "6.1.99-2", "6.1.99-10",
                                           "6.1.100-1", "6.1.100-1+b1", "6.10.1-1"};
    for (std::size_t i = 0; i < ordered.size(); ++i)
        for (std::size_t j = 0; j < ordered.size(); ++j)
            EXPECT_EQ(is_older_version(ordered[i], ordered[j]), i < j) << ordered[i] << " " << ordered[j];
}

TEST(KernelHash, FollowsEverythingThatGoesIntoAKernel) {
    Workshop workshop;
    const auto hash = kernel_hash(workshop.shop, "6.1.99-1");
    EXPECT_EQ(hash.size(), 16u);
    EXPECT_EQ(hash, kernel_hash(workshop.shop, "6.1.99-1"));
    EXPECT_NE(hash, kernel_hash(workshop.shop, "6.1.99-2"));
    for (std::size_t file = 0; file < workshop.shop.recipe.size(); ++file) {
        auto changed = workshop.shop;
        changed.recipe[file].second += "\n";
        EXPECT_NE(hash, kernel_hash(changed, "6.1.99-1")) << changed.recipe[file].first;
    }
}

TEST(KernelRecipe, ComesWithTheProgram) {
    ::setenv("XDG_CACHE_HOME", "/somewhere", 1);
    const auto workshop = KernelWorkshop::of_user();
    ::unsetenv("XDG_CACHE_HOME");
    ASSERT_TRUE(workshop);
    EXPECT_EQ(workshop->cache, "/somewhere/gatelab/kernels");
    EXPECT_EQ(workshop->recipe.front().first, "recipe.sh");
    std::set<std::string> embedded, there;
    for (const auto& [name, text] : workshop->recipe) {
        EXPECT_FALSE(text.empty()) << name;
        embedded.insert(name);
    }
    for (const auto& entry : fs::directory_iterator(GATELAB_SOURCE_DIR "/sim/peers/uml/kernel"))
        if (entry.path().extension() != ".md") there.insert(entry.path().filename());
    EXPECT_EQ(embedded, there) << "a patch that is not embedded is not applied";
}

TEST(KernelRecipe, IgnoresACacheFolderThatIsNotAbsolute) {
    const std::string home = std::getenv("HOME") ? std::getenv("HOME") : "";
    ::setenv("XDG_CACHE_HOME", "relative", 1);
    ::setenv("HOME", "/home/somebody", 1);
    const auto workshop = KernelWorkshop::of_user();
    ::unsetenv("XDG_CACHE_HOME");
    ::setenv("HOME", home.c_str(), 1);
    ASSERT_TRUE(workshop);
    EXPECT_EQ(workshop->cache, "/home/somebody/.cache/gatelab/kernels");
}

TEST(KernelSource, IsTheInstalledPackageFirst) {
    Workshop workshop;
    workshop.tool("apt-cache", "echo Version: 6.1.200-1");
    const auto source = find_kernel_source(workshop.shop);
    ASSERT_TRUE(source) << source.error().detail;
    EXPECT_EQ(source->version, "6.1.99-1");
    EXPECT_EQ(source->argument, workshop.shop.tarball);
}

TEST(KernelSource, IsDownloadedWhereThePackageIsNotInstalled) {
    Workshop workshop;
    fs::remove(workshop.shop.tarball);
    workshop.tool("apt-cache", "echo Package: linux-source-6.1; echo Version: 6.1.200-1");
    workshop.tool("apt-get", "exit 0");
    const auto source = find_kernel_source(workshop.shop);
    ASSERT_TRUE(source) << source.error().detail;
    EXPECT_EQ(source->version, "6.1.200-1");
    EXPECT_EQ(source->argument, "linux-source-6.1=6.1.200-1");
}

TEST(KernelSource, IsMissedTogetherWithProgramsInOneLine) {
    Workshop workshop;
    fs::remove(workshop.shop.tarball);
    for (const auto* name : {"flex", "xz"}) fs::remove(workshop.folder() / "tools" / name);
    fs::create_symlink("/bin/bash", workshop.folder() / "tools" / "bash");
    fs::create_symlink("/bin/tar", workshop.folder() / "tools" / "tar");
    workshop.shop.tools = (workshop.folder() / "tools").string();
    const auto source = find_kernel_source(workshop.shop);
    ASSERT_FALSE(source);
    EXPECT_EQ(source.error().fault, Fault::Unavailable);
    EXPECT_EQ(
        source.error().detail,
        "the kernel for virtual time cannot be built without flex, xz, its source; as root, run: apt-get update && "
        "apt-get install -y --no-install-recommends flex linux-source-6.1 xz-utils");
}

TEST(NamedKernel, MustBeOneThatRuns) {
    ::setenv("GATELAB_KERNEL", "/bin/true", 1);
    const auto found = find_kernel();
    ::unsetenv("GATELAB_KERNEL");
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().fault, Fault::Unavailable);
    EXPECT_THAT(found.error().detail, HasSubstr("GATELAB_KERNEL is '/bin/true'"));
}

TEST(NamedKernel, IsTakenWithTheVersionThatItTells) {
    const Workshop workshop;
    workshop.tool("kernel", "echo 6.1.7");
    ::setenv("GATELAB_KERNEL", (workshop.folder() / "tools" / "kernel").c_str(), 1);
    const auto found = find_kernel();
    ::unsetenv("GATELAB_KERNEL");
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_EQ(found->version, "6.1.7");
    EXPECT_EQ(found->hash.size(), 16u);
}

}  // namespace
}  // namespace gatelab::sim::peers::uml
