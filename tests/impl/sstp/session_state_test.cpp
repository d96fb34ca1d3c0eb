// What every message is to every state, for both roles: [MS-SSTP] sections 3.2.5.3 and 3.3.5.2 as a table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/impl/sstp/pair.h"

namespace gatelab::sstp {
namespace {

using namespace test;
using T = MessageType;

// Brings a session of `role` to a state and says one message of each type there. "" is a message that is ignored; else
// what came back, and the state after it.
std::string reaction(Role role, const std::function<void(Hand&)>& to_state, MessageType type) {
    Hand hand{role == Role::Client ? Role::Server : Role::Client,
              role == Role::Client ? client_options() : server_options()};
    to_state(hand);
    hand.messages();
    const std::string before{hand.peer.state()};
    switch (type) {
        case T::CallConnectRequest: hand.say({type, {EncapsulatedProtocol{}}}); break;
        case T::CallConnectAck: hand.say({type, {CryptoBindingRequest{}}}); break;
        case T::CallConnectNak: hand.say({type, {StatusInfo{1, StatusCode::ValueNotSupported, {0, 1}}}}); break;
        case T::CallConnected: hand.say(hand.binding()); break;
        default: hand.say({type, {}});
    }
    std::string text;
    for (const auto& message : hand.messages()) text += std::string{name_of(message.type)} + " ";
    const std::string after{hand.peer.state()};
    return text.empty() && before == after ? "" : text + "> " + after;
}

struct Row {
    Role role;
    const char* state;
    std::function<void(Hand&)> to_state;
    // In the order of MessageType.
    std::array<const char*, 9> reactions;
};
void PrintTo(const Row& row, std::ostream* to) { *to << row.state; }

constexpr auto kAborted = "call-abort > call-abort-pending";
constexpr auto kAnswered = "call-abort > call-abort-timeout-pending";
constexpr auto kAcknowledged = "call-disconnect-ack > call-disconnect-timeout-pending";
constexpr auto kPending = "> call-abort-timeout-pending";

void aborting(Hand& hand) {
    hand.to_connect_ack();
    hand.say({T::EchoRequest, {}});
}
void abort_answered(Hand& hand) {
    hand.to_connect_ack();
    hand.say({T::CallAbort, {}});
}
void disconnecting(Hand& hand) {
    hand.to_connect_ack();
    hand.peer.session.close(hand.now);
    hand.exchange();
}
void disconnect_acknowledged(Hand& hand) {
    hand.to_connect_ack();
    hand.say({T::CallDisconnect, {}});
}

// [MS-SSTP] sections 3.2.5.3 and 3.3.5.2, SSTP-23, SSTP-27, SSTP-30.
const std::vector<Row> kRows{
    {Role::Server,
     "ConnectRequestPending",
     [](Hand& hand) { hand.to_connect_request(); },
     {"call-connect-ack > server-call-connected-pending", kAborted, kAborted, kAborted, kAnswered, kAcknowledged,
      kAborted, kAborted, kAborted}},
    {Role::Server,
     "CallConnectedPending",
     [](Hand& hand) { hand.to_authenticated(); },
     {kAborted, kAborted, kAborted, "> server-call-connected", kAnswered, kAcknowledged, kAborted, kAborted, kAborted}},
    {Role::Server,
     "ServerCallConnected",
     [](Hand& hand) { hand.to_call_connected(); },
     {kAborted, kAborted, kAborted, kAborted, kAnswered, kAcknowledged, kAborted,
      "echo-response > server-call-connected", ""}},
    {Role::Client,
     "ConnectRequestSent",
     [](Hand& hand) { hand.to_connect_request(); },
     {kAborted, "> client-connect-ack-received", "call-connect-request > client-connect-request-sent", kAborted,
      kAnswered, kAcknowledged, kAborted, kAborted, kAborted}},
    {Role::Client,
     "ConnectAckReceived",
     [](Hand& hand) { hand.to_connect_ack(); },
     {kAborted, kAborted, kAborted, kAborted, kAnswered, kAcknowledged, kAborted, kAborted, kAborted}},
    {Role::Client,
     "ClientCallConnected",
     [](Hand& hand) { hand.to_call_connected(); },
     {kAborted, kAborted, kAborted, kAborted, kAnswered, kAcknowledged, kAborted,
      "echo-response > client-call-connected", ""}},
    {Role::Server, "ServerAborting", aborting, {"", "", "", "", kPending, "", "", "", ""}},
    {Role::Client, "ClientAborting", aborting, {"", "", "", "", kPending, "", "", "", ""}},
    {Role::Server, "ServerAbortAnswered", abort_answered, {"", "", "", "", "", "", "", "", ""}},
    {Role::Client, "ClientAbortAnswered", abort_answered, {"", "", "", "", "", "", "", "", ""}},
    {Role::Server,
     "ServerDisconnecting",
     disconnecting,
     {"", "", "", "", kAnswered, kAcknowledged, "> closed", "", ""}},
    {Role::Client,
     "ClientDisconnecting",
     disconnecting,
     {"", "", "", "", kAnswered, kAcknowledged, "> closed", "", ""}},
    {Role::Server, "ServerDisconnected", disconnect_acknowledged, {"", "", "", "", "", "", "", "", ""}},
    {Role::Client, "ClientDisconnected", disconnect_acknowledged, {"", "", "", "", "", "", "", "", ""}},
};

class SstpState : public ::testing::TestWithParam<Row> {};
TEST_P(SstpState, ReactsToEveryMessage) {
    const auto& row = GetParam();
    for (std::size_t i = 0; i < row.reactions.size(); ++i) {
        const auto type = static_cast<MessageType>(i + 1);
        EXPECT_EQ(reaction(row.role, row.to_state, type), row.reactions[i]) << name_of(type);
    }
}
INSTANTIATE_TEST_SUITE_P(Sstp, SstpState, ::testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string{row.param.state}; });

}  // namespace
}  // namespace gatelab::sstp
