// Deadlines, pings and ways to leave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/impl/openvpn/pair.h"

namespace gatelab::openvpn::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::size_t count_of(const std::vector<Parcel>& sent, const Endpoint& from, std::initializer_list<Opcode> opcodes) {
    return static_cast<std::size_t>(std::count_if(sent.begin(), sent.end(), [&](const Parcel& parcel) {
        const auto opcode = head_of(parcel.bytes)->opcode;
        return parcel.from == from && std::find(opcodes.begin(), opcodes.end(), opcode) != opcodes.end();
    }));
}

std::vector<std::int64_t> seconds_of(const std::vector<Parcel>& sent) {
    std::vector<std::int64_t> at;
    for (const auto& parcel : sent) at.push_back((parcel.at - kStart) / seconds(1));
    return at;
}

TEST(HandshakeWindow, EndsADialThatNobodyAnswers) {
    Pair pair{client_options(), server_options()};
    pair.wire.on_send = [](Instant, Parcel&) { return false; };
    pair.dial();
    pair.run_for(seconds(59));
    EXPECT_FALSE(pair.client.closed());
    EXPECT_THAT(seconds_of(pair.sent), ElementsAre(0, 2, 6, 14, 30));
    pair.run_for(seconds(2));
    EXPECT_EQ(pair.client.closed(), CloseReason::HandshakeTimeout);
    EXPECT_EQ(pair.server.closed(), CloseReason::HandshakeTimeout);
    EXPECT_FALSE(pair.client.session.next_timeout());
}

TEST(HandshakeWindow, EndsAHandshakeThatStops) {
    Pair pair{client_options(), server_options()};
    pair.dial();
    pair.run_until([&] { return pair.client.traced("tls-established") > 0; });
    pair.wire.on_send = [](Instant, Parcel&) { return false; };
    pair.run_for(minutes(2));
    EXPECT_EQ(pair.client.closed(), CloseReason::HandshakeTimeout);
    EXPECT_EQ(pair.server.closed(), CloseReason::HandshakeTimeout);
}

TEST(HandshakeWindow, EndsTheWaitForAPush) {
    Pair pair{client_options(), server_options()};
    pair.on_peer = [](const Session::PeerAuthenticated&) {};
    pair.dial();
    pair.run_for(seconds(59));
    EXPECT_FALSE(pair.client.closed());
    pair.run_for(seconds(3));
    EXPECT_EQ(pair.client.closed(), CloseReason::HandshakeTimeout);
    EXPECT_EQ(pair.server.closed(), CloseReason::HandshakeTimeout);
}

TEST(HandshakeWindow, IsOverOnceTheTunnelIsUp) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    pair.run_for(std::chrono::hours(24));
    EXPECT_FALSE(pair.client.closed());
    EXPECT_FALSE(pair.client.session.next_timeout());
}

TEST(HandshakeWindow, OfNothingWaitsForEver) {
    auto client = client_options();
    client.handshake_window = {};
    Pair pair{client, server_options()};
    pair.wire.on_send = [](Instant, Parcel&) { return false; };
    pair.dial();
    pair.run_for(std::chrono::hours(1));
    EXPECT_FALSE(pair.client.closed());
}

TEST(Ping, IsSentWhenIdleAndKeepsTheTunnelUp) {
    auto client = client_options(), server = server_options();
    client.ping = server.ping = seconds(10);
    client.ping_restart = server.ping_restart = seconds(30);
    Pair pair{client, server};
    ASSERT_TRUE(pair.connect());
    pair.run_for(seconds(5));
    pair.sent.clear();
    pair.run_for(seconds(100));
    EXPECT_EQ(count_of(pair.sent, kClient, {Opcode::DataV2}), 10u);
    EXPECT_FALSE(pair.client.closed() || pair.server.closed());
    EXPECT_THAT(pair.server.received, IsEmpty());
    // Traffic takes the place of pings.
    pair.sent.clear();
    for (int i = 0; i < 50; ++i) {
        pair.send(pair.client, inner_packet("data"));
        pair.run_for(seconds(1));
    }
    EXPECT_EQ(count_of(pair.sent, kClient, {Opcode::DataV2}), 50u);
}

TEST(Ping, IsTakenOverFromThePush) {
    Pair pair{client_options(), server_options()};
    pair.on_peer = [&](const Session::PeerAuthenticated&) {
        auto push = usual_push();
        push.ping = seconds(7);
        push.ping_restart = seconds(20);
        pair.server.session.grant(pair.now, push);
    };
    ASSERT_TRUE(pair.connect());
    pair.run_for(seconds(1));
    pair.sent.clear();
    pair.run_for(seconds(15));
    EXPECT_EQ(count_of(pair.sent, kClient, {Opcode::DataV2}), 2u);
    pair.run_for(seconds(10));
    EXPECT_EQ(pair.client.closed(), CloseReason::PeerSilent);
}

TEST(Ping, AtTheOwnersWishGoesOutAtOnce) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    int packets = 0;
    pair.client.session.ping(pair.now, [&](ByteView) { ++packets; });
    EXPECT_EQ(packets, 1);
}

TEST(PingRestart, EndsATunnelAfterSilence) {
    auto server = server_options();
    server.ping_restart = seconds(30);
    Pair pair{client_options(), server};
    ASSERT_TRUE(pair.connect());
    pair.run_for(seconds(20));
    pair.send(pair.client, inner_packet("a sign of life"));
    pair.run_for(seconds(29));
    EXPECT_FALSE(pair.server.closed());
    pair.run_for(seconds(2));
    EXPECT_EQ(pair.server.closed(), CloseReason::PeerSilent);
}

TEST(Silence, OfTheReliabilityLayerEndsATunnelWithoutPings) {
    auto client = client_options(), server = server_options();
    use_password(client, server);
    Pair pair{client, server};
    ASSERT_TRUE(pair.connect());
    pair.on_peer = [&](const Session::PeerAuthenticated&) {
        PushReply token;
        token.auth_token = "another";
        pair.server.session.grant(pair.now, token);
    };
    pair.call([&] { pair.client.session.renegotiate(pair.now); });
    // The new token goes out, and nothing comes back any more.
    ASSERT_TRUE(pair.run_until([&] { return pair.server.traced("control-message-sent", "text", "PUSH_REPLY") == 2; }));
    pair.wire.on_send = [](Instant, Parcel&) { return false; };
    pair.run_for(seconds(119));
    EXPECT_FALSE(pair.server.closed());
    pair.run_for(seconds(2));
    EXPECT_EQ(pair.server.closed(), CloseReason::PeerSilent);
}

TEST(Exit, WithoutNotificationIsSilent) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    pair.run_for(seconds(1));
    pair.sent.clear();
    pair.call([&] { pair.client.session.close(pair.now); });
    EXPECT_EQ(pair.client.closed(), CloseReason::Requested);
    EXPECT_THAT(pair.sent, IsEmpty());
    EXPECT_FALSE(pair.send(pair.client, inner_packet("late")));
    EXPECT_FALSE(pair.client.session.status().up);
}

TEST(Exit, IsToldByAMessageWhereTheServerAgreedToThat) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        auto client = client_options();
        client.explicit_exit_notify = 1;
        Pair pair{client, server_options(), seed, {.loss = 0.2}};
        ASSERT_TRUE(pair.connect());
        pair.run_for(seconds(5));
        pair.call([&] { pair.client.session.close(pair.now); });
        pair.run_for(seconds(6));
        EXPECT_EQ(pair.client.closed(), CloseReason::Requested);
        EXPECT_EQ(pair.server.why_closed(), "peer-exit: EXIT");
    }
}

TEST(Exit, IsToldInTheDataChannelToAnOlderServerAsOftenAsWanted) {
    auto client = client_options();
    client.peer_info = {{"IV_VER", "2.4"}, {"IV_PROTO", "2"}, {"IV_NCP", "2"}};
    client.explicit_exit_notify = 3;
    Pair pair{client, server_options()};
    ASSERT_TRUE(pair.connect());
    pair.run_for(seconds(1));
    pair.sent.clear();
    pair.call([&] { pair.client.session.close(pair.now); });
    pair.run_for(milliseconds(100));
    EXPECT_EQ(pair.server.closed(), CloseReason::PeerExit);
    EXPECT_FALSE(pair.client.closed());
    pair.run_for(seconds(5));
    EXPECT_EQ(count_of(pair.sent, kClient, {Opcode::DataV2}), 3u);
    EXPECT_EQ(pair.client.closed(), CloseReason::Requested);
}

TEST(Exit, OfAServerSendsItsClientsToComeBack) {
    auto server = server_options();
    server.explicit_exit_notify = 2;
    Pair pair{client_options(), server};
    ASSERT_TRUE(pair.connect());
    pair.run_for(seconds(1));
    pair.call([&] { pair.server.session.close(pair.now); });
    pair.run_for(seconds(1));
    EXPECT_EQ(pair.client.closed(), CloseReason::PeerExit);
    EXPECT_NE(pair.client.why_closed().find("RESTART"), std::string::npos);
    EXPECT_EQ(pair.server.closed(), CloseReason::Requested);
}

TEST(Exit, BeforeTheTunnelIsUpIsSilent) {
    auto client = client_options();
    client.explicit_exit_notify = 1;
    Pair pair{client, server_options()};
    pair.dial();
    pair.call([&] { pair.client.session.close(pair.now); });
    EXPECT_EQ(pair.client.closed(), CloseReason::Requested);
    EXPECT_FALSE(pair.client.session.next_timeout());
}

TEST(Closed, SaysNothingMore) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    pair.call([&] { pair.client.session.close(pair.now); });
    const auto said = pair.client.said.size();
    pair.call([&] {
        pair.client.session.start(pair.now);
        pair.client.session.renegotiate(pair.now);
        pair.client.session.close(pair.now);
        pair.client.session.handle_timeout(pair.now + seconds(1000));
        pair.client.session.ping(pair.now, [](ByteView) { FAIL(); });
        for (const auto& parcel : pair.sent) pair.client.session.handle_packet(pair.now, parcel.bytes);
    });
    EXPECT_EQ(pair.client.said.size(), said);
    EXPECT_FALSE(pair.client.session.next_timeout());
}

}  // namespace
}  // namespace gatelab::openvpn::test
