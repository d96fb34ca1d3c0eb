#include "sim/peers/uml/ground.h"

#include <gmock/gmock.h>
#include <sys/personality.h>

#include "tests/sim/peers/uml/workshop.h"

namespace gatelab::sim::peers::uml {
namespace {

using ::testing::HasSubstr;

TEST(Ground, TellsWhatIsMissingInOneSentence) {
    const auto can = can_run_guests();
    if (!can) {
        EXPECT_EQ(can.error().fault, Fault::Unavailable);
        EXPECT_THAT(can.error().detail, ::testing::AnyOf(HasSubstr("gatelab peers kernel"), HasSubstr("; ")));
    }
}

TEST(Ground, BootsTheKernelUpToItsFirstProgram) {
    if (const auto can = can_run_guests(); !can) GTEST_SKIP() << can.error().detail;
    const auto kernel = find_kernel();
    ASSERT_TRUE(kernel);
    const auto booted = try_kernel(*kernel);
    ASSERT_TRUE(booted) << booted.error().detail;
    EXPECT_LT(*booted, std::chrono::seconds(10));
}

TEST(Ground, SaysTheLastWordsOfAKernelThatDoesNotBoot) {
    const Workshop workshop;
    workshop.tool("kernel", "echo one; echo Kernel panic; exit 1");
    const auto booted = try_kernel({workshop.folder() / "tools" / "kernel", "6.1.7", ""});
    ASSERT_FALSE(booted);
    if (guest_memory_folder()) {
        EXPECT_THAT(booted.error().detail, HasSubstr("its last words: Kernel panic"));
    }
}

TEST(Ground, LeavesOurOwnAddressesAsTheyWere) {
    const auto before = ::personality(0xffffffff);
    const Workshop workshop;
    workshop.tool("kernel", "exit 1");
    (void)try_kernel({workshop.folder() / "tools" / "kernel", "6.1.7", ""});
    EXPECT_EQ(::personality(0xffffffff), before);
}

}  // namespace
}  // namespace gatelab::sim::peers::uml
