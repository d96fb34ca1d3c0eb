// The option negotiation automaton of PPP's control protocols as RFC 1661 section 4.1 prints it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "impl/base/time.h"

namespace gatelab::ppp {

// RFC 1661 section 4.2, with its numbers.
enum class FsmState : std::uint8_t {
    Initial,
    Starting,
    Closed,
    Stopped,
    Closing,
    Stopping,
    ReqSent,
    AckRcvd,
    AckSent,
    Opened,
};
constexpr std::size_t kFsmStates = 10;
std::string_view name_of(FsmState);  // "req-sent"

// RFC 1661 section 4.3, in the order of the table.
enum class FsmEvent : std::uint8_t {
    Up,
    Down,
    Open,
    Close,
    TimeoutMore,         // TO+
    TimeoutLast,         // TO-
    GoodRequest,         // RCR+
    BadRequest,          // RCR-
    Ack,                 // RCA
    NakOrReject,         // RCN
    TerminateRequest,    // RTR
    TerminateAck,        // RTA
    UnknownCode,         // RUC
    PermittedReject,     // RXJ+
    CatastrophicReject,  // RXJ-
    Echo,                // RXR
};
constexpr std::size_t kFsmEvents = 16;

// RFC 1661 section 4.4.
enum class FsmAction : std::uint8_t {
    ThisLayerUp,
    ThisLayerDown,
    ThisLayerStarted,
    ThisLayerFinished,
    InitializeRestartCount,
    ZeroRestartCount,
    SendConfigureRequest,
    SendConfigureAck,
    SendConfigureNakOrReject,
    SendTerminateRequest,
    SendTerminateAck,
    SendCodeReject,
    SendEchoReply,
};

// One cell of the table: what to do, and where that leads.
struct FsmStep {
    FsmState next = FsmState::Initial;
    std::array<FsmAction, 3> todo{};
    std::uint8_t count = 0;
    constexpr std::span<const FsmAction> actions() const { return {todo.data(), count}; }
};

// Nothing where the table has a dash: the event cannot be in that state.
std::optional<FsmStep> fsm_step(FsmState, FsmEvent);

struct FsmLimits {
    Duration restart = std::chrono::seconds(3);
    int max_configure = 10, max_terminate = 2;
};

// An automaton at work: its state, its Restart timer and counter (RFC 1661 section 4.6). Packets are its owner's, who
// carries out the actions of each step.
class Fsm {
public:
    explicit Fsm(FsmLimits limits) : limits_(limits) {}

    // Takes the step; one without actions that stays where it is for an event that cannot be.
    FsmStep feed(Instant now, FsmEvent);
    // The event that a timeout is, when one is due.
    std::optional<FsmEvent> timeout(Instant now) const;
    std::optional<Instant> next_timeout() const { return restart_at_; }
    FsmState state() const { return state_; }

private:
    void count(Instant now, const FsmStep&);

    FsmLimits limits_;
    FsmState state_ = FsmState::Initial;
    int restarts_left_ = 0;
    std::optional<Instant> restart_at_;
};

}  // namespace gatelab::ppp
