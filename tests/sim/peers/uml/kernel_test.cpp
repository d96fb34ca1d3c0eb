// Guests with the real kernel: what they do.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "tests/sim/peers/uml/kernel_stage.h"

namespace gatelab::sim::peers::uml {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

using RealGuest = KernelStage;

const std::string kAddress = "ip addr add 10.0.0.$N/24 dev eth0; ip link set eth0 up; sleep 2";

std::string at_address(int number, const std::string& script) {
    return "N=" + std::to_string(number) + "; " + kAddress + "; " + script;
}

TEST_F(RealGuest, BootsAndWritesToItsShare) {
    create();
    auto* guest = add(spec("alice", "ip link > /run/share/links; date -u +%F > /run/share/date"));
    events.run_until(10s);
    EXPECT_TRUE(guest->health()) << guest->health().error().detail << text_of(folder / "alice.console");
    EXPECT_THAT(text_of(folder / "alice/links"), HasSubstr("02:00:00:00:65:00"));
    EXPECT_EQ(text_of(folder / "alice/date"), "2026-01-01\n");
    EXPECT_GT(guest->memory(), 8u << 20);
    EXPECT_LT(guest->memory(), 64u << 20);
}

TEST_F(RealGuest, ShowsWhatItWritesAtOnce) {
    create();
    add(spec("alice", "exec 3> /run/share/log; sleep 5; echo first >&3; sleep 5; echo second >&3"));
    events.run_until(6s);
    EXPECT_EQ(text_of(folder / "alice/log"), "first\n");
    write(folder / "alice/news", "from outside");
    events.run_until(12s);
    EXPECT_EQ(text_of(folder / "alice/log"), "first\nsecond\n");
}

TEST_F(RealGuest, KeepsTheSimulationsTimeToTheMillisecond) {
    create();
    auto* a = add(spec("a", at_address(1, "ping -c 3 10.0.0.2 > /run/share/out")));
    auto* b = add(spec("b", at_address(2, "")));
    Wire wire{events, a->card(0), b->card(0), 10ms};
    events.run_until(10s);
    const auto out = text_of(folder / "a/out");
    EXPECT_THAT(out, HasSubstr("icmp_seq=1 ttl=64 time=40.0 ms"));  // ARP first
    EXPECT_THAT(out, HasSubstr("icmp_seq=2 ttl=64 time=20.0 ms"));
    EXPECT_THAT(out, HasSubstr("icmp_seq=3 ttl=64 time=20.0 ms"));
    const auto counters = guests->counters();
    EXPECT_GE(counters.frames_in, 8u);
    EXPECT_EQ(counters.frames_in, counters.frames_out);
}

TEST_F(RealGuest, HasItsCardsInOrder) {
    create();
    auto* a = add(spec("a",
                       "ip -o link > /run/share/links; ip link set eth1 up; ip addr add 10.1.0.1/24 dev eth1; "
                       "ping -c 1 -w 2 10.1.0.2",
                       3));
    int frames[3] = {};
    for (std::size_t i = 0; i < 3; ++i) a->card(i).on_frame([&frames, i](ByteView) { ++frames[i]; });
    events.run_until(10s);
    const auto links = text_of(folder / "a/links");
    EXPECT_THAT(links, ::testing::ContainsRegex("eth0.*02:00:00:00:61:00"));
    EXPECT_THAT(links, ::testing::ContainsRegex("eth1.*02:00:00:00:61:01"));
    EXPECT_THAT(links, ::testing::ContainsRegex("eth2.*02:00:00:00:61:02"));
    EXPECT_EQ(frames[0], 0);
    EXPECT_GT(frames[1], 0);
    EXPECT_EQ(frames[2], 0);
}

TEST_F(RealGuest, MayBePoweredOnLater) {
    create();
    add(spec("a", ""));
    events.run_until(100s);
    auto wanted = spec("b",
                       "cat /proc/uptime > /run/share/uptime; date -u +%T > /run/share/time; sleep 2; "
                       "date -u +%T > /run/share/later");
    auto* b = add(wanted);
    events.run_until(110s);
    EXPECT_TRUE(b->health());
    EXPECT_THAT(text_of(folder / "b/uptime"), ::testing::StartsWith("0.0"));
    EXPECT_EQ(text_of(folder / "b/time"), "00:00:00\n");
    EXPECT_EQ(text_of(folder / "b/later"), "00:00:02\n");
}

TEST_F(RealGuest, KeepsRealTimeWhenTheSimulationDoes) {
    create();
    events.paced = true;
    auto* a = add(spec("a", at_address(1, "ping -c 3 -i 0.2 10.0.0.2 > /run/share/out")));
    auto* b = add(spec("b", at_address(2, "")));
    Wire wire{events, a->card(0), b->card(0), 10ms};
    const auto start = std::chrono::steady_clock::now();
    events.run_until(4s);
    EXPECT_GE(std::chrono::steady_clock::now() - start, 4s);
    EXPECT_THAT(text_of(folder / "a/out"), HasSubstr("icmp_seq=3 ttl=64 time=20.0 ms"));
}

class RepeatedRun : public KernelStage {
protected:
    std::string trace_of(const std::string& place, std::uint64_t seed) {
        make_tmp(place);
        events = {};
        create();
        auto asking = spec("a", at_address(1,
                                           "ping -c 20 -i 0.3 -p $(od -An -N8 -tx1 /dev/urandom | tr -d ' \\n') "
                                           "10.0.0.2 > /run/share/out & ps > /run/share/ps; sleep 1; "
                                           "head -c 100 /dev/urandom > /dev/udp/10.0.0.2/9; wait"));
        auto answering = spec("b", at_address(2, ""));
        std::filesystem::create_directories(folder / place / "long" / place);
        const auto share = folder / place / "long" / place / "a";
        std::filesystem::rename(asking.share, share);
        asking.share = share;
        asking.seed = seed;
        answering.seed = seed + 1;
        auto* a = add(asking);
        auto* b = add(answering);
        Wire wire{events, a->card(0), b->card(0), 5ms};
        events.run_until(12s);
        EXPECT_TRUE(a->health() && b->health());
        guests.reset();
        return wire.trace();
    }
};

TEST_F(RepeatedRun, GivesTheSameFramesWhateverTheMachineDoes) {
    const auto first = trace_of("short", 7);
    EXPECT_GT(std::count(first.begin(), first.end(), '\n'), 40);
    std::atomic<bool> stop = false;
    std::thread busy{[&] {
        while (!stop) {
        }
    }};
    ::setenv("GATELAB_TEST_NOISE", std::string(3000, 'x').c_str(), 1);
    const auto second = trace_of("another-folder-with-a-much-longer-name", 7);
    stop = true;
    busy.join();
    ::unsetenv("GATELAB_TEST_NOISE");
    EXPECT_EQ(first, second);
    EXPECT_NE(trace_of("short2", 8), first);
}

}  // namespace
}  // namespace gatelab::sim::peers::uml
