// The timers of [MS-SSTP] sections 3.1.2, 3.2.2 and 3.3.2.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/impl/sstp/pair.h"

namespace gatelab::sstp {
namespace {

using namespace std::chrono_literals;
using namespace test;
using T = MessageType;

class SstpTimer : public ::testing::TestWithParam<Role> {
protected:
    Options options() const { return GetParam() == Role::Client ? client_options() : server_options(); }
    Role other() const { return GetParam() == Role::Client ? Role::Server : Role::Client; }
    Hand hand{other(), options()};
};
INSTANTIATE_TEST_SUITE_P(Sstp, SstpTimer, ::testing::Values(Role::Client, Role::Server),
                         [](const auto& role) { return role.param == Role::Client ? "OfAClient" : "OfAServer"; });

// SSTP-25.
TEST_P(SstpTimer, EndsANegotiationAfterSixtySeconds) {
    hand.to_connect_request();
    hand.messages();
    hand.run_for(59s);
    EXPECT_TRUE(hand.messages().empty());
    hand.run_for(1s);
    EXPECT_EQ(hand.aborted(), StatusCode::NegotiationTimeout);
    EXPECT_EQ(hand.peer.state(), "call-abort-pending");
    hand.run_for(3s);
    EXPECT_EQ(hand.peer.closed(), CloseReason::NegotiationTimeout);
}

TEST_P(SstpTimer, EndsANegotiationThatStopsAfterTheAck) {
    hand.to_connect_request();
    hand.run_for(30s);
    hand.messages();
    if (hand.own == Role::Client) {
        hand.say({T::CallConnectRequest, {EncapsulatedProtocol{}}});
    } else {
        hand.say({T::CallConnectAck, {CryptoBindingRequest{}}});
    }
    hand.messages();
    hand.answers_ppp = false;  // PPP gives up before the negotiation timer does
    hand.run_for(40s);
    EXPECT_EQ(hand.peer.closed(), CloseReason::PeerSilent);
}

// SSTP-24: a Nak begins the negotiation anew.
TEST(SstpClientTimer, BeginsAnewWithEachRequest) {
    auto hand = std::make_unique<Hand>(Role::Server, client_options());
    hand->to_connect_request();
    hand->run_for(50s);
    hand->messages();
    hand->say({T::CallConnectNak, {StatusInfo{1, StatusCode::ValueNotSupported, {}}}});
    EXPECT_EQ(hand->message().type, T::CallConnectRequest);
    hand->run_for(59s);
    EXPECT_TRUE(hand->messages().empty());
    hand->run_for(1s);
    EXPECT_EQ(hand->aborted(), StatusCode::NegotiationTimeout);
}

TEST(SstpServerTimer, DoesNotBeginAnewWithBadRequests) {
    auto hand = std::make_unique<Hand>(Role::Client, server_options());
    hand->to_connect_request();
    for (int i = 0; i < 9; ++i) {
        hand->say({T::CallConnectRequest, {}});
        hand->run_for(6s);
    }
    hand->messages();
    hand->run_for(6s);
    EXPECT_EQ(hand->aborted(), StatusCode::NegotiationTimeout);
}

TEST(SstpServerTimer, WaitsSixtySecondsForTheBinding) {
    auto hand = std::make_unique<Hand>(Role::Client, server_options());
    hand->to_authenticated();
    hand->run_for(59s);
    EXPECT_FALSE(hand->aborted());
    hand->run_for(1s);
    EXPECT_EQ(hand->aborted(), StatusCode::NegotiationTimeout);
}

// SSTP-27.
TEST_P(SstpTimer, WaitsThreeSecondsForAnAbortsAnswer) {
    hand.to_connect_ack();
    hand.answers_ppp = false;
    hand.say({T::EchoRequest, {}});
    EXPECT_TRUE(hand.aborted());
    hand.run_for(2999ms);
    EXPECT_FALSE(hand.peer.closed());
    hand.run_for(1ms);
    EXPECT_EQ(hand.peer.closed(), CloseReason::ProtocolError);
    EXPECT_TRUE(hand.tls_closed);
}

TEST_P(SstpTimer, WaitsOneMoreSecondOnceBothHaveAborted) {
    hand.to_connect_ack();
    hand.answers_ppp = false;
    hand.say({T::EchoRequest, {}});
    hand.run_for(2s);
    hand.say({T::CallAbort, {}});
    hand.run_for(999ms);
    EXPECT_FALSE(hand.peer.closed());
    hand.run_for(1ms);
    EXPECT_EQ(hand.peer.closed(), CloseReason::ProtocolError);
}

TEST_P(SstpTimer, WaitsOneSecondAfterAnAbortOfThePeer) {
    hand.to_connect_ack();
    hand.say({T::CallAbort, {}});
    hand.run_for(999ms);
    EXPECT_FALSE(hand.peer.closed());
    hand.run_for(1ms);
    EXPECT_EQ(hand.peer.closed(), CloseReason::PeerAborted);
}

// SSTP-28.
TEST_P(SstpTimer, WaitsFiveSecondsForADisconnectsAck) {
    hand.to_connect_ack();
    hand.peer.session.close(hand.now);
    hand.run_for(4999ms);
    EXPECT_FALSE(hand.peer.closed());
    hand.run_for(1ms);
    EXPECT_EQ(hand.peer.closed(), CloseReason::Requested);
}

TEST_P(SstpTimer, EndsAtOnceWithADisconnectsAck) {
    hand.to_connect_ack();
    hand.peer.session.close(hand.now);
    hand.exchange();
    hand.say({T::CallDisconnectAck, {}});
    EXPECT_EQ(hand.peer.closed(), CloseReason::Requested);
    EXPECT_TRUE(hand.tls_closed);
}

TEST_P(SstpTimer, WaitsOneSecondAfterADisconnectOfThePeer) {
    hand.to_connect_ack();
    hand.say({T::CallDisconnect, {}});
    hand.run_for(999ms);
    EXPECT_FALSE(hand.peer.closed());
    hand.run_for(1ms);
    EXPECT_EQ(hand.peer.closed(), CloseReason::PeerDisconnected);
}

TEST_P(SstpTimer, EndsWithTheConnectionWhileItWaits) {
    hand.to_connect_ack();
    hand.say({T::CallDisconnect, {}});
    hand.peer.session.handle_closed(hand.now, "");
    hand.peer.take(hand.now);
    EXPECT_EQ(hand.peer.closed(), CloseReason::PeerDisconnected);
}

// SSTP-26. PPP's own echoes are switched off: they would keep the line busy.
class SstpHello : public ::testing::TestWithParam<Role> {
protected:
    void SetUp() override {
        auto with = GetParam() == Role::Client ? client_options() : server_options();
        with.ppp.echo_after = Duration::zero();
        quiet = std::make_unique<Hand>(GetParam() == Role::Client ? Role::Server : Role::Client, with);
        quiet->to_call_connected();
    }
    std::unique_ptr<Hand> quiet;
};
INSTANTIATE_TEST_SUITE_P(Sstp, SstpHello, ::testing::Values(Role::Client, Role::Server),
                         [](const auto& role) { return role.param == Role::Client ? "OfAClient" : "OfAServer"; });

TEST_P(SstpHello, AsksAfterAMinuteAndDropsAfterAnother) {
    quiet->run_for(59s);
    EXPECT_TRUE(quiet->messages().empty());
    quiet->run_for(1s);
    EXPECT_EQ(quiet->message().type, T::EchoRequest);
    EXPECT_EQ(quiet->peer.session.status().hellos, 1u);
    quiet->run_for(59s);
    EXPECT_FALSE(quiet->peer.closed());
    quiet->run_for(1s);
    EXPECT_EQ(quiet->peer.closed(), CloseReason::PeerSilent);
    EXPECT_TRUE(quiet->messages().empty());  // no Call Abort
}

TEST_P(SstpHello, StartsAnewWithAnyPacket) {
    for (const auto* packet : {"1001 0008 0009 0000", "1001 0008 0008 0000", "1000 0006 0021", "1000 0004"}) {
        quiet->run_for(50s);
        quiet->say_hex(packet);
        quiet->messages();
    }
    quiet->run_for(59s);
    EXPECT_TRUE(quiet->messages().empty());
    quiet->run_for(1s);
    EXPECT_EQ(quiet->message().type, T::EchoRequest);
    quiet->say_hex("1001 0008 0009 0000");
    quiet->run_for(59s);
    EXPECT_FALSE(quiet->peer.closed());
    quiet->run_for(1s);
    EXPECT_EQ(quiet->message().type, T::EchoRequest);
}

TEST_P(SstpHello, AsksAtOnceWhenItsOwnerWantsToKnow) {
    quiet->peer.session.hello(quiet->now);
    quiet->run_for(10s);
    EXPECT_EQ(quiet->message().type, T::EchoRequest);
    quiet->peer.session.hello(quiet->now);  // does not put the end off
    quiet->run_for(50s);
    EXPECT_EQ(quiet->peer.closed(), CloseReason::PeerSilent);
}

TEST(SstpHelloTimer, MayBeSwitchedOff) {
    auto client = client_options(), server = server_options();
    client.hello = server.hello = Duration::zero();
    client.ppp.echo_after = server.ppp.echo_after = Duration::zero();
    Pair pair{client, server};
    ASSERT_TRUE(pair.connect());
    EXPECT_FALSE(pair.client.session.next_timeout());
    EXPECT_FALSE(pair.server.session.next_timeout());
}

TEST(SstpSession, StaysUpForADayOfSilence) {
    Pair pair;
    ASSERT_TRUE(pair.connect());
    pair.run_for(24h);
    EXPECT_TRUE(pair.client.session.status().up);
    EXPECT_TRUE(pair.server.session.status().up);
}

TEST(SstpSession, NoticesADeadPeerOnBothEnds) {
    Pair pair;
    ASSERT_TRUE(pair.connect());
    pair.connected = false;
    pair.run_for(180s);
    EXPECT_EQ(pair.client.closed(), CloseReason::PeerSilent);
    EXPECT_EQ(pair.server.closed(), CloseReason::PeerSilent);
}

}  // namespace
}  // namespace gatelab::sstp
