// Guests with the real kernel: how they end, and that nothing is left of them.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/sim/peers/uml/kernel_stage.h"

namespace gatelab::sim::peers::uml {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class DyingGuest : public KernelStage {
protected:
    // Runs a guest beside a healthy one: what it died of.
    std::string death_of(const GuestSpec& wanted, Duration until = 20s) {
        auto* other = add(spec("other", "while :; do sleep 1; date +%s > /run/share/time; done"));
        auto* dying = add(wanted);
        int ends = 0;
        dying->on_end([&] { ++ends; });
        events.run_until(until);
        EXPECT_EQ(ends, 1);
        EXPECT_TRUE(other->health());
        // Time went on for the other one.
        EXPECT_GE(std::strtoll(text_of(folder / "other/time").c_str(), nullptr, 10),
                  1767225600 + until.count() / 1'000'000'000 - 2);
        EXPECT_FALSE(dying->card(0).send(Bytes(60)));
        EXPECT_EQ(dying->memory(), 0u);
        if (dying->health()) return "it is alive";
        return dying->health().error().detail;
    }
};

TEST_F(DyingGuest, ThatSpinsIsEnded) {
    create({.spin = 2s});
    const auto start = std::chrono::steady_clock::now();
    const auto why = death_of(spec("dying", "echo about to spin > /dev/console; sleep 3; while :; do :; done"));
    EXPECT_THAT(why, HasSubstr("the guest dying used its processor for 2 s without letting time pass"));
    EXPECT_THAT(why, HasSubstr("about to spin"));
    EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
}

TEST_F(DyingGuest, ThatPanicsSaysWhy) {
    create();
    EXPECT_THAT(death_of(spec("dying", "sleep 3; echo c > /proc/sysrq-trigger")),
                HasSubstr("the guest dying panicked: sysrq triggered crash; its console ends with:"));
}

TEST_F(DyingGuest, ThatLosesItsInitPanics) {
    create();
    EXPECT_THAT(death_of(spec("dying", "exit 3")), HasSubstr("panicked: Attempted to kill init!"));
}

TEST_F(DyingGuest, ThatHasNoInitPanics) {
    create();
    auto wanted = spec("dying", "");
    std::filesystem::remove(wanted.share / "init");
    EXPECT_THAT(death_of(wanted), HasSubstr("panicked: Attempted to kill init!"));
}

TEST_F(DyingGuest, ThatPowersItselfOffIsMissed) {
    create();
    EXPECT_THAT(death_of(spec("dying", "sleep 3; echo o > /proc/sysrq-trigger")), HasSubstr("has powered itself off"));
}

TEST_F(DyingGuest, ThatIsKilledFromOutsideIsMissed) {
    create();
    auto* dying = add(spec("dying", ""));
    bool told = false;
    dying->on_end([&] { told = true; });
    events.run_until(10s);
    for (const auto process : processes_in(tmp)) ::kill(process, SIGKILL);
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    while (!told && std::chrono::steady_clock::now() < deadline) events.run_until(events.now() + 1s);
    EXPECT_TRUE(told);
    ASSERT_FALSE(dying->health());
    EXPECT_THAT(dying->health().error().detail, HasSubstr("the guest dying was killed by signal 9"));
}

TEST_F(DyingGuest, ThatIsSwitchedOffIsGoneAtOnce) {
    create();
    auto* guest = add(spec("a", ""));
    auto* other = add(spec("b", ""));
    events.run_until(5s);
    const auto before = processes_in(tmp).size();
    guest->power_off();
    EXPECT_FALSE(guest->health());
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    while (processes_in(tmp).size() >= before && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(5ms);
    EXPECT_LT(processes_in(tmp).size(), before);
    events.run_until(10s);
    EXPECT_TRUE(other->health());
}

TEST_F(DyingGuest, WhoseKernelIsAnotherProgramSaysSo) {
    create();
    auto wanted = spec("dying", "");
    wanted.kernel = "/bin/true";
    EXPECT_THAT(death_of(wanted), HasSubstr("the guest dying has powered itself off before it connected"));
}

TEST_F(DyingGuest, ThatNeverConnectsIsGivenUp) {
    create({.connect = 1s});
    auto wanted = spec("dying", "");
    wanted.kernel = folder / "idle";
    write(wanted.kernel, "#!/bin/sh\necho idling\nsleep 1000\n");
    std::filesystem::permissions(wanted.kernel, std::filesystem::perms{0755});
    const auto why = death_of(wanted);
    EXPECT_THAT(why, HasSubstr("the guest dying did not connect to its clock within 1 s"));
    EXPECT_THAT(why, HasSubstr("idling"));
}

TEST_F(DyingGuest, CannotBeAddedWithoutAKernelThatRuns) {
    create();
    auto wanted = spec("dying", "");
    wanted.kernel = folder / "text";
    write(wanted.kernel, "no program");
    auto added = guests->add(wanted);
    ASSERT_FALSE(added);
    EXPECT_THAT(added.error().detail, HasSubstr("the guest dying: " + wanted.kernel.string() + " cannot be executed"));
    wanted.kernel = folder / "nowhere";
    EXPECT_FALSE(guests->add(wanted));
    wanted = spec("dying", "");
    wanted.share = folder / "nowhere";
    EXPECT_FALSE(guests->add(wanted));
}

TEST_F(DyingGuest, LeavesNothingBehind) {
    create();
    add(spec("a", ""));
    events.run_until(5s);
    EXPECT_FALSE(processes_in(tmp).empty());
    guests.reset();
    EXPECT_TRUE(processes_in(tmp).empty());
    EXPECT_TRUE(std::filesystem::is_empty(tmp));
}

TEST_F(DyingGuest, LeavesNothingBehindWhenTheHarnessIsKilled) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const auto a = spec("a", "while :; do :; done"), b = spec("b", "");
    const pid_t harness = ::fork();
    ASSERT_GE(harness, 0);
    if (harness == 0) {
        create();
        add(b);
        events.run_until(5s);
        add(a);
        (void)!::write(ready[1], "!", 1);
        events.run_until(10s);  // does not come back: the guest spins
        ::_exit(1);
    }
    char octet;
    ASSERT_EQ(::read(ready[0], &octet, 1), 1);
    std::this_thread::sleep_for(1s);
    EXPECT_GE(processes_in(tmp).size(), 4u);  // two kernels, and their processes
    EXPECT_FALSE(std::filesystem::is_empty(tmp));
    ::kill(harness, SIGKILL);
    ::waitpid(harness, nullptr, 0);
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    while (!std::filesystem::is_empty(tmp) && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(5ms);
    EXPECT_TRUE(processes_in(tmp).empty());
    EXPECT_TRUE(std::filesystem::is_empty(tmp));
}

}  // namespace
}  // namespace gatelab::sim::peers::uml
