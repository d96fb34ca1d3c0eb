#include "impl/ppp/fsm.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>

namespace gatelab::ppp {
namespace {

using std::chrono::seconds;

constexpr Instant kStart = instant_from_unix(0);

// RFC 1661 section 4.1 as printed, its two halves side by side, its footnotes left where they are.
constexpr std::string_view kPrinted = R"(
 Up    2      irc,scr/6  -         -              -      -      -          -          -          -
 Down  -      -          0         tls/1          0      1      1          1          1          tld/1
 Open  tls/1  1          irc,scr/6 3r             5r     5r     6          7          8          9r
 Close 0      tlf/0      2         2              4      4      irc,str/4  irc,str/4  irc,str/4  tld,irc,str/4
 TO+   -      -          -         -              str/4  str/5  scr/6      scr/6      scr/8      -
 TO-   -      -          -         -              tlf/2  tlf/3  tlf/3p     tlf/3p     tlf/3p     -
 RCR+  -      -          sta/2     irc,scr,sca/8  4      5      sca/8      sca,tlu/9  sca/8      tld,scr,sca/8
 RCR-  -      -          sta/2     irc,scr,scn/6  4      5      scn/6      scn/7      scn/6      tld,scr,scn/6
 RCA   -      -          sta/2     sta/3          4      5      irc/7      scr/6x     irc,tlu/9  tld,scr/6x
 RCN   -      -          sta/2     sta/3          4      5      irc,scr/6  scr/6x     irc,scr/8  tld,scr/6x
 RTR   -      -          sta/2     sta/3          sta/4  sta/5  sta/6      sta/6      sta/6      tld,zrc,sta/5
 RTA   -      -          2         3              tlf/2  tlf/3  6          6          8          tld,scr/6
 RUC   -      -          scj/2     scj/3          scj/4  scj/5  scj/6      scj/7      scj/8      scj/9
 RXJ+  -      -          2         3              4      5      6          6          8          9
 RXJ-  -      -          tlf/2     tlf/3          tlf/2  tlf/3  tlf/3      tlf/3      tlf/3      tld,irc,str/5
 RXR   -      -          2         3              4      5      6          7          8          ser/9
)";

std::string name_of(FsmAction action) {
    constexpr std::string_view kNames[] = {"tlu", "tld", "tls", "tlf", "irc", "zrc", "scr",
                                           "sca", "scn", "str", "sta", "scj", "ser"};
    return std::string{kNames[static_cast<std::size_t>(action)]};
}

// A cell as the RFC prints it.
std::string printed(const std::optional<FsmStep>& step) {
    if (!step) return "-";
    std::ostringstream text;
    for (const auto action : step->actions()) text << (text.tellp() > 0 ? "," : "") << name_of(action);
    text << (text.tellp() > 0 ? "/" : "") << static_cast<int>(step->next);
    return text.str();
}

TEST(Fsm, IsTheTableOfItsRfc) {
    std::istringstream rows{std::string{kPrinted}};
    for (std::size_t event = 0; event < kFsmEvents; ++event) {
        std::string label, cell;
        rows >> label;
        for (std::size_t state = 0; state < kFsmStates; ++state) {
            rows >> cell;
            while (cell != "-" && std::isalpha(static_cast<unsigned char>(cell.back()))) cell.pop_back();
            EXPECT_EQ(printed(fsm_step(static_cast<FsmState>(state), static_cast<FsmEvent>(event))), cell)
                << label << " in " << ppp::name_of(static_cast<FsmState>(state));
        }
    }
}

// Brings an automaton to `state` by events that lead there.
Fsm at(FsmState state, FsmLimits limits = {}) {
    using enum FsmEvent;
    static const std::map<FsmState, std::vector<FsmEvent>> kWays{
        {FsmState::Initial, {}},
        {FsmState::Starting, {Open}},
        {FsmState::Closed, {Up}},
        {FsmState::Stopped, {Open, Up, CatastrophicReject}},
        {FsmState::Closing, {Open, Up, Close}},
        {FsmState::Stopping, {Open, Up, Ack, GoodRequest, TerminateRequest}},
        {FsmState::ReqSent, {Open, Up}},
        {FsmState::AckRcvd, {Open, Up, Ack}},
        {FsmState::AckSent, {Open, Up, GoodRequest}},
        {FsmState::Opened, {Open, Up, Ack, GoodRequest}},
    };
    Fsm fsm{limits};
    for (const auto event : kWays.at(state)) fsm.feed(kStart, event);
    EXPECT_EQ(fsm.state(), state);
    return fsm;
}

TEST(Fsm, HasATimerWhereItWaitsForAnAnswer) {
    for (std::size_t i = 0; i < kFsmStates; ++i) {
        const auto state = static_cast<FsmState>(i);
        const bool waits = i >= 4 && i <= 8;
        EXPECT_EQ(at(state).next_timeout().has_value(), waits) << ppp::name_of(state);
    }
}

// How often the timer runs out before the layer is finished, and when that is.
std::pair<int, Duration> patience(Fsm fsm) {
    int timeouts = 0;
    Instant now = kStart;
    while (const auto next = fsm.next_timeout()) {
        now = *next;
        const auto event = fsm.timeout(now);
        fsm.feed(now, *event);
        ++timeouts;
    }
    return {timeouts, now - kStart};
}

TEST(Fsm, CountsItsRequests) {
    // The first request and its repetitions are `max_configure`, and the last is waited for too.
    EXPECT_EQ(patience(at(FsmState::ReqSent)), std::pair(10, Duration{seconds(30)}));
    EXPECT_EQ(patience(at(FsmState::ReqSent, {seconds(2), 3, 2})), std::pair(3, Duration{seconds(6)}));
    EXPECT_EQ(patience(at(FsmState::Closing)), std::pair(2, Duration{seconds(6)}));
    EXPECT_EQ(patience(at(FsmState::Stopping)), std::pair(1, Duration{seconds(3)}));  // zrc: one period
}

TEST(Fsm, StaysWhereItIsForWhatCannotBe) {
    for (std::size_t state = 0; state < kFsmStates; ++state) {
        for (std::size_t event = 0; event < kFsmEvents; ++event) {
            if (fsm_step(static_cast<FsmState>(state), static_cast<FsmEvent>(event))) continue;
            auto fsm = at(static_cast<FsmState>(state));
            EXPECT_TRUE(fsm.feed(kStart, static_cast<FsmEvent>(event)).actions().empty());
            EXPECT_EQ(fsm.state(), static_cast<FsmState>(state));
        }
    }
}

TEST(Fsm, HasNoTimeoutBeforeItIsDue) {
    auto fsm = at(FsmState::ReqSent);
    EXPECT_FALSE(fsm.timeout(kStart + seconds(3) - Duration{1}));
    EXPECT_EQ(fsm.timeout(kStart + seconds(3)), FsmEvent::TimeoutMore);
}

}  // namespace
}  // namespace gatelab::ppp
