#include "sim/peers/ask_program.h"

#include <gmock/gmock.h>
#include <sys/wait.h>

namespace gatelab::sim::peers {
namespace {

using namespace std::chrono_literals;

TEST(AskProgram, HearsBothStreamsAndTheExitStatus) {
    const auto answer = ask_program({.arguments = {"/bin/sh", "-c", "echo one; echo two >&2; exit 3"}});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->text, "one\ntwo\n");
    EXPECT_EQ(WEXITSTATUS(answer->wait_status), 3);
}

TEST(AskProgram, LetsOneFinishThatHasClosedItsOutput) {
    const auto answer = ask_program({.arguments = {"/bin/sh", "-c", "exec >&- 2>&-; sleep 0.1; exit 4"}});
    ASSERT_TRUE(answer);
    EXPECT_EQ(WEXITSTATUS(answer->wait_status), 4);
}

TEST(AskProgram, KillsOneThatTakesTooLongWithAllThatItStarted) {
    const auto answer =
        ask_program({.arguments = {"/bin/sh", "-c", "echo begun; sleep 1000 & wait"}, .patience = 200ms});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->text, "begun\n");
    EXPECT_EQ(WTERMSIG(answer->wait_status), 9);
}

TEST(AskProgram, StopsListeningWhenItHasHeardEnough) {
    const auto answer = ask_program({.arguments = {"/bin/sh", "-c", "while :; do echo again; done"},
                                     .enough = [](std::string_view text) { return text.size() > 100; }});
    ASSERT_TRUE(answer);
    EXPECT_GT(answer->text.size(), 100u);
}

TEST(AskProgram, GivesTheEnvironmentThatItIsTold) {
    const auto answer = ask_program({.arguments = {"/usr/bin/env"}, .environment = {"ONE=1"}});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->text, "ONE=1\n");
}

TEST(AskProgram, NamesOneThatIsNotThere) {
    const auto answer = ask_program({.arguments = {"/no/such/program"}});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().fault, Fault::NotFound);
    EXPECT_THAT(answer.error().detail, ::testing::HasSubstr("/no/such/program"));
}

TEST(FindProgram, LooksThroughFoldersInOrder) {
    EXPECT_EQ(find_program("sh", "/nowhere::/bin:/usr/bin"), "/bin/sh");
    EXPECT_EQ(find_program("no-such-program", "/bin:/usr/bin"), "");
    EXPECT_EQ(find_program("bin", "/usr"), "") << "a folder is no program";
}

}  // namespace
}  // namespace gatelab::sim::peers
