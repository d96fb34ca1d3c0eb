#include "sim/peers/uml/calendar.h"

#include <gmock/gmock.h>

#include <optional>

#include "tests/sim/peers/uml/event_clock.h"
#include "tests/sim/peers/uml/fake_guest.h"

namespace gatelab::sim::peers::uml {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kNever = static_cast<std::uint64_t>(INT64_MAX);

class ClockOfGuest : public ::testing::Test {
protected:
    ~ClockOfGuest() override {
        calendar.reset();
        for (auto& guest : guests) guest.join();
    }

    // Boots a guest that does so after its START.
    void boot(std::function<void(FakeClock&)> life, GuestLimits limits = {}) {
        make(limits);
        guests.emplace_back([name = name, life] {
            FakeClock clock{name};
            clock.start();
            life(clock);
        });
        calendar->boot([] { return false; });
    }
    void make(GuestLimits limits = {}) {
        auto listener = listen_somewhere(name);
        calendar.emplace(CalendarOptions{events.clock(), limits, instant_from_unix(1000)}, std::move(listener),
                         [this](Error error) { failure = error.detail; });
    }

    EventClock events;
    std::string name, failure;
    std::optional<Calendar> calendar;
    std::vector<std::thread> guests;
};

TEST_F(ClockOfGuest, LetsItRunWhenItAskedTo) {
    std::vector<std::uint64_t> runs;
    boot([&](FakeClock& clock) {
        for (const std::uint64_t time : {100, 250}) {
            clock.request(time);
            runs.push_back(clock.wait());
        }
        clock.request(kNever);
        clock.wait();
    });
    EXPECT_EQ(calendar->state(), Calendar::State::Waiting);
    events.run_until(1us);
    EXPECT_THAT(runs, ElementsAre(100, 250));
    EXPECT_EQ(calendar->runs(), 2u);
    EXPECT_EQ(calendar->requests(), 3u);
    EXPECT_EQ(failure, "");
}

TEST_F(ClockOfGuest, TakesTheLastRequestForTheOnlyOne) {
    std::vector<std::uint64_t> runs;
    boot([&](FakeClock& clock) {
        clock.request(100);
        clock.request(300);
        runs.push_back(clock.wait());
        clock.request(400);
        clock.request(kNever);
        clock.wait();
    });
    events.run_until(1us);
    EXPECT_THAT(runs, ElementsAre(300));
}

TEST_F(ClockOfGuest, StandsStillWhileItRuns) {
    std::vector<std::uint64_t> times;
    boot([&](FakeClock& clock) {
        clock.request(500);
        clock.wait();
        times.push_back(clock.ask(UM_TIMETRAVEL_GET));
        std::this_thread::sleep_for(20ms);
        times.push_back(clock.ask(UM_TIMETRAVEL_GET));
        clock.ask(UM_TIMETRAVEL_UPDATE, 500);
        clock.request(kNever);
        clock.wait();
    });
    events.run_until(1us);
    EXPECT_THAT(times, ElementsAre(500, 500));
    EXPECT_EQ(failure, "");
}

TEST_F(ClockOfGuest, ShowsTheTimeOfDayOfTheRun) {
    std::uint64_t at_start = 0, later = 0;
    boot([&](FakeClock& clock) {
        at_start = clock.ask(UM_TIMETRAVEL_GET_TOD);
        clock.request(700);
        clock.wait();
        later = clock.ask(UM_TIMETRAVEL_GET_TOD);
        clock.wait();
    });
    events.run_until(1us);
    EXPECT_EQ(at_start, 1000'000'000'000u);
    EXPECT_EQ(later, 1000'000'000'700u);
}

TEST_F(ClockOfGuest, TakesARequestThatAnInterruptCauses) {
    int line[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, line), 0);
    FileDescriptor ours{line[0]}, theirs{line[1]};
    std::uint64_t run = 0;
    boot([&, interrupt = theirs.get()](FakeClock& clock) {
        clock.request(900);
        clock.ask(UM_TIMETRAVEL_WAIT);
        char question;
        (void)!::recv(interrupt, &question, 1, 0);
        clock.request(clock.ask(UM_TIMETRAVEL_GET));
        (void)!::send(interrupt, "!", 1, 0);
        FakeClock::Message message;
        clock.read(message);
        run = message.time;
        clock.write({UM_TIMETRAVEL_ACK, message.sequence, 0});
        clock.request(kNever);
        clock.wait();
    });
    const auto clock = events.clock();
    const auto event = clock.call_at(200ns, [&] {
        (void)!::send(ours.get(), "?", 1, 0);
        EXPECT_TRUE(calendar->attend(ours.get()));
    });
    events.run_until(1us);
    EXPECT_EQ(run, 200u);
    EXPECT_EQ(calendar->runs(), 1u);
}

TEST_F(ClockOfGuest, ServesOtherLinesMeanwhile) {
    class Echo final : public Line {
    public:
        explicit Echo(int socket) : socket_(socket) {}
        int descriptor() const override { return socket_; }
        Result<void> serve() override {
            char octet;
            if (::recv(socket_, &octet, 1, 0) == 1 && octet != 'x')
                return (void)!::send(socket_, &octet, 1, 0), Result<void>{};
            return fail(Fault::Malformed, "said x");
        }

    private:
        int socket_;
    };
    int line[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, line), 0);
    FileDescriptor ours{line[0]}, theirs{line[1]};
    make();
    Echo echo{ours.get()};
    calendar->attach(echo);
    char heard = 0;
    guests.emplace_back([&] {
        FakeClock clock{name};
        clock.start();
        (void)!::send(theirs.get(), "a", 1, 0);
        (void)!::recv(theirs.get(), &heard, 1, 0);
        clock.request(10);
        clock.wait();
        (void)!::send(theirs.get(), "x", 1, 0);
        FakeClock::Message nothing;
        clock.read(nothing);  // until the other side closes
    });
    calendar->boot([] { return false; });
    EXPECT_EQ(heard, 'a');
    EXPECT_EQ(calendar->state(), Calendar::State::Waiting);
    events.run_until(1us);
    EXPECT_EQ(failure, "said x");
    EXPECT_EQ(calendar->state(), Calendar::State::Ended);
}

TEST_F(ClockOfGuest, MissesAGuestThatCloses) {
    boot([](FakeClock& clock) {
        clock.request(100);
        clock.wait();
    });
    events.run_until(1us);
    EXPECT_EQ(failure, "closed the connection of its clock");
}

TEST_F(ClockOfGuest, EndsAGuestThatRunsForTooLong) {
    boot(
        [](FakeClock& clock) {
            clock.request(100);
            clock.wait();
            while (clock.ask(UM_TIMETRAVEL_GET) == 100) {
            }
        },
        {.spin = 200ms});
    events.run_until(1us);
    EXPECT_EQ(failure, "used its processor for 0.2 s without letting time pass");
}

TEST_F(ClockOfGuest, GivesUpOnAGuestThatDoesNotConnect) {
    make({.connect = 100ms});
    calendar->boot([] { return false; });
    EXPECT_EQ(failure, "did not connect to its clock within 0.1 s");
}

TEST_F(ClockOfGuest, GivesUpOnAGuestThatConnectsAndSaysNothing) {
    make({.connect = 100ms});
    FakeClock silent{name};
    calendar->boot([] { return false; });
    EXPECT_EQ(failure, "did not connect to its clock within 0.1 s");
}

TEST_F(ClockOfGuest, GivesUpAtOnceWhenNobodyWillConnect) {
    make();
    calendar->boot([] { return true; });
    EXPECT_EQ(failure, "ended before it connected to its clock");
}

struct Violation {
    const char* name;
    std::function<void(FakeClock&)> life;
    const char* complaint;
};

class BrokenClock : public ClockOfGuest, public ::testing::WithParamInterface<Violation> {};

TEST_P(BrokenClock, IsNamed) {
    boot(GetParam().life);
    events.run_until(1us);
    EXPECT_THAT(failure, HasSubstr("broke the protocol of its clock: "));
    EXPECT_THAT(failure, HasSubstr(GetParam().complaint));
    EXPECT_EQ(calendar->state(), Calendar::State::Ended);
}

INSTANTIATE_TEST_SUITE_P(
    All, BrokenClock,
    ::testing::Values(
        Violation{"SecondStart", [](FakeClock& clock) { clock.start(); }, "a second START"},
        Violation{"UnknownOperation", [](FakeClock& clock) { clock.ask(77); }, "unknown operation 77"},
        Violation{"RunFromGuest", [](FakeClock& clock) { clock.ask(UM_TIMETRAVEL_RUN, 5); }, "unknown operation 6"},
        Violation{"AckOfNothing", [](FakeClock& clock) { clock.ask(UM_TIMETRAVEL_ACK); }, "ACK of message 2"},
        Violation{"AckTwice",
                  [](FakeClock& clock) {
                      clock.request(5);
                      clock.wait();
                      clock.write({UM_TIMETRAVEL_ACK, 1, 0});
                  },
                  "ACK of message 1"},
        Violation{"WaitWithoutAck",
                  [](FakeClock& clock) {
                      clock.request(5);
                      clock.ask(UM_TIMETRAVEL_WAIT);
                      FakeClock::Message run;
                      clock.read(run);
                      clock.write({UM_TIMETRAVEL_WAIT, 9, 0});
                      clock.read(run);
                  },
                  "WAIT before the ACK"},
        Violation{"RequestOfThePast",
                  [](FakeClock& clock) {
                      clock.request(50);
                      clock.wait();
                      clock.request(49);
                  },
                  "REQUEST for 49 ns at 50 ns"},
        Violation{"UpdateOfAnotherTime", [](FakeClock& clock) { clock.ask(UM_TIMETRAVEL_UPDATE, 3); },
                  "UPDATE to 3 ns at 0 ns"}),
    [](const auto& test) { return test.param.name; });

TEST_F(ClockOfGuest, WithoutAStartIsNamed) {
    make();
    guests.emplace_back([&] { FakeClock{name}.ask(UM_TIMETRAVEL_GET); });
    calendar->boot([] { return false; });
    EXPECT_THAT(failure, HasSubstr("operation 4 before START"));
}

TEST_F(ClockOfGuest, BootsOneGuestAfterTheOther) {
    std::string order, other_name, other_failure;
    auto listener = listen_somewhere(other_name);
    Calendar other{{events.clock(), {}, {}}, std::move(listener), [&](Error error) { other_failure = error.detail; }};
    make();
    const auto live = [&order](char letter) {
        return [&order, letter](const std::string& at) {
            FakeClock clock{at};
            clock.start();
            order += letter;
            std::this_thread::sleep_for(30ms);
            order += letter;
            clock.request(kNever);
            clock.wait();
        };
    };
    guests.emplace_back([&, life = live('b')] { life(other_name); });  // connects first, and has to wait
    std::this_thread::sleep_for(20ms);
    guests.emplace_back([&, life = live('a')] { life(name); });
    calendar->boot([] { return false; });
    other.boot([] { return false; });
    EXPECT_EQ(order, "aabb");
    other.end();
}

}  // namespace
}  // namespace gatelab::sim::peers::uml
