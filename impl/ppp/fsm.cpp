#include "impl/ppp/fsm.h"

#include <algorithm>

namespace gatelab::ppp {
namespace {

using Cell = std::optional<FsmStep>;
using Row = std::array<Cell, kFsmStates>;

template <class... Actions>
constexpr Cell to(int next, Actions... actions) {
    return FsmStep{static_cast<FsmState>(next), {actions...}, sizeof...(actions)};
}

// The table in the names of its RFC. Its footnotes: no restart option (r), no passive option (p), and crossed
// connections (x) are only negotiated anew.
constexpr std::array<Row, kFsmEvents> make_table() {
    using enum FsmAction;
    constexpr auto tlu = ThisLayerUp, tld = ThisLayerDown, tls = ThisLayerStarted, tlf = ThisLayerFinished,
                   irc = InitializeRestartCount, zrc = ZeroRestartCount, scr = SendConfigureRequest,
                   sca = SendConfigureAck, scn = SendConfigureNakOrReject, str = SendTerminateRequest,
                   sta = SendTerminateAck, scj = SendCodeReject, ser = SendEchoReply;
    constexpr Cell no;
    // clang-format off
    return {{
        //         Initial     Starting         Closed           Stopped               Closing     Stopping
        //         Req-Sent         Ack-Rcvd         Ack-Sent         Opened
        /* Up   */ {to(2),     to(6, irc, scr), no,              no,                   no,         no,
                    no,             no,              no,              no},
        /* Down */ {no,        no,              to(0),           to(1, tls),           to(0),      to(1),
                    to(1),          to(1),           to(1),           to(1, tld)},
        /* Open */ {to(1, tls), to(1),          to(6, irc, scr), to(3),                to(5),      to(5),
                    to(6),          to(7),           to(8),           to(9)},
        /* Close*/ {to(0),     to(0, tlf),      to(2),           to(2),                to(4),      to(4),
                    to(4, irc, str), to(4, irc, str), to(4, irc, str), to(4, tld, irc, str)},
        /* TO+  */ {no,        no,              no,              no,                   to(4, str), to(5, str),
                    to(6, scr),     to(6, scr),      to(8, scr),      no},
        /* TO-  */ {no,        no,              no,              no,                   to(2, tlf), to(3, tlf),
                    to(3, tlf),     to(3, tlf),      to(3, tlf),      no},
        /* RCR+ */ {no,        no,              to(2, sta),      to(8, irc, scr, sca), to(4),      to(5),
                    to(8, sca),     to(9, sca, tlu), to(8, sca),      to(8, tld, scr, sca)},
        /* RCR- */ {no,        no,              to(2, sta),      to(6, irc, scr, scn), to(4),      to(5),
                    to(6, scn),     to(7, scn),      to(6, scn),      to(6, tld, scr, scn)},
        /* RCA  */ {no,        no,              to(2, sta),      to(3, sta),           to(4),      to(5),
                    to(7, irc),     to(6, scr),      to(9, irc, tlu), to(6, tld, scr)},
        /* RCN  */ {no,        no,              to(2, sta),      to(3, sta),           to(4),      to(5),
                    to(6, irc, scr), to(6, scr),     to(8, irc, scr), to(6, tld, scr)},
        /* RTR  */ {no,        no,              to(2, sta),      to(3, sta),           to(4, sta), to(5, sta),
                    to(6, sta),     to(6, sta),      to(6, sta),      to(5, tld, zrc, sta)},
        /* RTA  */ {no,        no,              to(2),           to(3),                to(2, tlf), to(3, tlf),
                    to(6),          to(6),           to(8),           to(6, tld, scr)},
        /* RUC  */ {no,        no,              to(2, scj),      to(3, scj),           to(4, scj), to(5, scj),
                    to(6, scj),     to(7, scj),      to(8, scj),      to(9, scj)},
        /* RXJ+ */ {no,        no,              to(2),           to(3),                to(4),      to(5),
                    to(6),          to(6),           to(8),           to(9)},
        /* RXJ- */ {no,        no,              to(2, tlf),      to(3, tlf),           to(2, tlf), to(3, tlf),
                    to(3, tlf),     to(3, tlf),      to(3, tlf),      to(5, tld, irc, str)},
        /* RXR  */ {no,        no,              to(2),           to(3),                to(4),      to(5),
                    to(6),          to(7),           to(8),           to(9, ser)},
    }};
    // clang-format on
}

constexpr auto kTable = make_table();

// RFC 1661 section 4.2: the timer runs in the states that wait for an answer.
constexpr bool is_timed(FsmState state) { return state >= FsmState::Closing && state <= FsmState::AckSent; }

}  // namespace

std::string_view name_of(FsmState state) {
    constexpr std::array<std::string_view, kFsmStates> kNames{"initial",  "starting", "closed",   "stopped",  "closing",
                                                              "stopping", "req-sent", "ack-rcvd", "ack-sent", "opened"};
    return kNames[static_cast<std::size_t>(state)];
}

std::optional<FsmStep> fsm_step(FsmState state, FsmEvent event) {
    return kTable[static_cast<std::size_t>(event)][static_cast<std::size_t>(state)];
}

FsmStep Fsm::feed(Instant now, FsmEvent event) {
    const auto step = fsm_step(state_, event).value_or(FsmStep{state_, {}, 0});
    count(now, step);
    state_ = step.next;
    if (!is_timed(state_)) restart_at_.reset();
    return step;
}

void Fsm::count(Instant now, const FsmStep& step) {
    const auto does = [&](FsmAction action) { return std::ranges::count(step.actions(), action) > 0; };
    const bool terminates = does(FsmAction::SendTerminateRequest);
    if (does(FsmAction::InitializeRestartCount))
        restarts_left_ = terminates ? limits_.max_terminate : limits_.max_configure;
    if (does(FsmAction::ZeroRestartCount)) {
        restarts_left_ = 0;
        restart_at_ = now + limits_.restart;  // time for a repeated Terminate-Request
    }
    if (terminates || does(FsmAction::SendConfigureRequest)) {
        restarts_left_ = std::max(0, restarts_left_ - 1);
        restart_at_ = now + limits_.restart;
    }
}

std::optional<FsmEvent> Fsm::timeout(Instant now) const {
    if (!restart_at_ || now < *restart_at_) return {};
    return restarts_left_ > 0 ? FsmEvent::TimeoutMore : FsmEvent::TimeoutLast;
}

}  // namespace gatelab::ppp
