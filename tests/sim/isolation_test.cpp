#include "sim/isolation.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <thread>

namespace gatelab::sim {
namespace {

using namespace std::chrono_literals;
using How = IsolatedEnd::How;
using testing::HasSubstr;

TEST(Isolation, BringsBackWhatTheFunctionReturned) {
    const auto end = run_isolated([] { return Bytes{1, 2, 3}; }, 10s);
    ASSERT_TRUE(end);
    EXPECT_EQ(end->how, How::Returned);
    EXPECT_EQ(end->output, (Bytes{1, 2, 3}));
}

TEST(Isolation, BringsBackMoreThanAPipeHolds) {
    const auto end = run_isolated([] { return Bytes(3'000'000, 7); }, 30s);
    ASSERT_TRUE(end);
    EXPECT_EQ(end->output, Bytes(3'000'000, 7));
}

TEST(Isolation, NamesTheSignalOfACrash) {
    const auto end = run_isolated(
        []() -> Bytes {
            std::fputs("about to fall\n", stderr);
            ::signal(SIGTERM, SIG_DFL);
            ::raise(SIGKILL);
            return {};
        },
        10s);
    ASSERT_TRUE(end);
    EXPECT_EQ(end->how, How::Killed);
    EXPECT_EQ(end->describe(), "crashed (SIGKILL): about to fall");
}

TEST(Isolation, EndsWhatDoesNotEndByItself) {
    const auto end = run_isolated(
        []() -> Bytes {
            for (;;) std::this_thread::sleep_for(1s);
        },
        200ms);
    ASSERT_TRUE(end);
    EXPECT_EQ(end->how, How::TimedOut);
    EXPECT_THAT(end->describe(), HasSubstr("did not end within"));
}

TEST(Isolation, TakesNoHalfAnswerForAWhole) {
    const auto end = run_isolated([]() -> Bytes { ::_exit(3); }, 10s);
    ASSERT_TRUE(end);
    EXPECT_EQ(end->how, How::Exited);
    EXPECT_EQ(end->code, 3);
    EXPECT_EQ(end->output, Bytes{});
}

TEST(Isolation, TellsTheExceptionThatEndedTheFunction) {
    const auto end = run_isolated([]() -> Bytes { throw std::runtime_error("no such node"); }, 10s);
    ASSERT_TRUE(end);
    EXPECT_EQ(end->how, How::Exited);
    EXPECT_THAT(end->describe(), HasSubstr("exception: no such node"));
}

TEST(Isolation, DoesNotWaitForWhatTheFunctionLeftRunningButEndsIt) {
    // The grandchild holds the pipes open; its group goes with the child.
    const auto end = run_isolated(
        []() -> Bytes {
            const auto pid = ::fork();
            if (pid == 0)
                for (;;) ::pause();
            return Bytes{static_cast<std::uint8_t>(pid), static_cast<std::uint8_t>(pid >> 8),
                         static_cast<std::uint8_t>(pid >> 16)};
        },
        20s);
    ASSERT_TRUE(end);
    ASSERT_EQ(end->output.size(), 3u);
    const int grandchild = end->output[0] | end->output[1] << 8 | end->output[2] << 16;
    for (int tries = 0; tries < 200 && ::kill(grandchild, 0) == 0; ++tries) std::this_thread::sleep_for(10ms);
    EXPECT_NE(::kill(grandchild, 0), 0);
}

TEST(Isolation, WaitsForWhicheverEndsFirst) {
    auto slow = Isolated::start(
        []() -> Bytes {
            std::this_thread::sleep_for(20s);
            return {1};
        },
        60s);
    auto quick = Isolated::start([]() -> Bytes { return {2}; }, 60s);
    ASSERT_TRUE(slow && quick);
    EXPECT_EQ(Isolated::wait_any({&*slow, &*quick}), 1u);
    EXPECT_EQ(quick->end().output, Bytes{2});
}

}  // namespace
}  // namespace gatelab::sim
