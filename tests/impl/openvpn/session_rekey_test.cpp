// Soft resets: from either end, from both at once, under load, by every limit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/impl/openvpn/pair.h"

namespace gatelab::openvpn::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

// Both ends send a numbered packet every 10 ms for that long. The numbers that did not arrive.
struct Lost {
    std::set<int> by_client, by_server;
};
Lost load(Pair& pair, Duration span) {
    Lost lost;
    const auto numbers = [](const End& end) {
        std::set<int> found;
        for (const auto& packet : end.received) found.insert(std::stoi(as_text(ByteView{packet}.subspan(28))));
        return found;
    };
    int count = 0;
    for (const Instant end = pair.now + span; pair.now < end; pair.run_for(milliseconds(10))) {
        EXPECT_TRUE(pair.send(pair.client, inner_packet(std::to_string(count))));
        EXPECT_TRUE(pair.send(pair.server, inner_packet(std::to_string(count))));
        ++count;
    }
    pair.run_for(seconds(1));
    const auto to_server = numbers(pair.server), to_client = numbers(pair.client);
    for (int i = 0; i < count; ++i) {
        if (!to_server.contains(i)) lost.by_client.insert(i);
        if (!to_client.contains(i)) lost.by_server.insert(i);
    }
    return lost;
}

TEST(Renegotiation, LosesNothingWhicheverEndBegins) {
    for (const bool client_begins : {true, false}) {
        for (std::uint64_t seed = 1; seed <= 5; ++seed) {
            auto client = client_options(), server = server_options();
            (client_begins ? client : server).renegotiate = seconds(20);
            Pair pair{client, server, seed, {.jitter = milliseconds(8)}};
            ASSERT_TRUE(pair.connect());
            const auto lost = load(pair, minutes(3));
            EXPECT_THAT(lost.by_client, IsEmpty());
            EXPECT_THAT(lost.by_server, IsEmpty());
            EXPECT_GE(pair.client.session.status().renegotiations, 8);
            EXPECT_EQ(pair.client.session.status().key_id, pair.server.session.status().key_id);
            EXPECT_EQ(pair.client.session.status().data.no_key + pair.server.session.status().data.no_key, 0u);
        }
    }
}

// The wire loses control packets and data alike; what is lost must be the wire's doing alone.
TEST(Renegotiation, LosesOnlyWhatTheWireLoses) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        auto client = client_options(), server = server_options();
        client.renegotiate = server.renegotiate = seconds(30);
        Pair pair{client, server, seed};
        SeededRandom random{seed, "loss"};
        std::size_t lost_data = 0;
        pair.wire.on_send = [&](Instant, Parcel& parcel) {
            if (random.below(50) != 0) return true;
            if (is_data(head_of(parcel.bytes)->opcode)) ++lost_data;
            return false;
        };
        ASSERT_TRUE(pair.connect());
        const auto lost = load(pair, minutes(4));
        EXPECT_EQ(lost.by_client.size() + lost.by_server.size(), lost_data);
        EXPECT_GE(pair.client.session.status().renegotiations, 6);
        EXPECT_FALSE(pair.client.closed() || pair.server.closed());
    }
}

TEST(Renegotiation, GoesOnWithOneKeyWhenBothEndsBeginAtOnce) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    pair.run_for(seconds(1));
    for (int round = 1; round <= 3; ++round) {
        pair.call([&] {
            pair.client.session.renegotiate(pair.now);
            pair.server.session.renegotiate(pair.now);
        });
        EXPECT_THAT(load(pair, seconds(2)).by_client, IsEmpty());
        EXPECT_EQ(pair.client.session.status().renegotiations, round);
        EXPECT_EQ(pair.server.session.status().renegotiations, round);
    }
    EXPECT_THAT(pair.client.all<Session::Renegotiated>(), SizeIs(3));
}

TEST(Renegotiation, CountsKeyIdsFromOneToSevenInTurn) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    std::vector<int> ids;
    for (int i = 0; i < 9; ++i) {
        pair.call([&] { pair.server.session.renegotiate(pair.now); });
        pair.run_for(minutes(2));
        ids.push_back(pair.client.session.status().key_id);
    }
    EXPECT_THAT(ids, testing::ElementsAre(1, 2, 3, 4, 5, 6, 7, 1, 2));
    EXPECT_THAT(load(pair, seconds(1)).by_client, IsEmpty());
}

TEST(Renegotiation, KeepsSendingUnderTheOldKeyUntilThePeerHasTheNew) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    pair.call([&] { pair.client.session.renegotiate(pair.now); });
    pair.run_for(seconds(10));
    EXPECT_EQ(pair.client.session.status().renegotiations, 1);
    EXPECT_EQ(pair.client.session.status().key_id, 0);
    pair.run_for(seconds(60));
    EXPECT_EQ(pair.client.session.status().key_id, 1);
}

TEST(Renegotiation, SwitchesAtOnceWhenAPacketUnderTheNewKeyComes) {
    // The server would wait for half a minute, the client for a second: it goes first and takes the server along.
    auto client = client_options(), server = server_options();
    client.handshake_window = seconds(2);
    Pair pair{client, server};
    ASSERT_TRUE(pair.connect());
    pair.call([&] { pair.client.session.renegotiate(pair.now); });
    pair.run_for(seconds(3));
    EXPECT_EQ(pair.client.session.status().key_id, 1);
    EXPECT_EQ(pair.server.session.status().key_id, 0);
    pair.send(pair.client, inner_packet("new"));
    pair.run_for(seconds(1));
    EXPECT_EQ(pair.server.session.status().key_id, 1);
}

TEST(Renegotiation, OpensPacketsUnderTheOldKeyForTheTransitionWindowOnly) {
    auto client = client_options(), server = server_options();
    client.transition_window = server.transition_window = seconds(100);
    Pair pair{client, server};
    ASSERT_TRUE(pair.connect());
    std::vector<Bytes> late;
    pair.wire.on_send = [&](Instant, Parcel& parcel) {
        if (!is_data(head_of(parcel.bytes)->opcode)) return true;
        late.push_back(parcel.bytes);
        return false;
    };
    pair.send(pair.client, inner_packet("one"));
    pair.send(pair.client, inner_packet("two"));
    ASSERT_THAT(late, SizeIs(2));
    pair.call([&] { pair.client.session.renegotiate(pair.now); });
    pair.run_for(seconds(90));
    pair.inject(pair.server, late[0]);
    EXPECT_THAT(pair.server.received, SizeIs(1));
    pair.run_for(seconds(20));
    pair.inject(pair.server, late[1]);
    EXPECT_THAT(pair.server.received, SizeIs(1));
    EXPECT_EQ(pair.server.session.status().data.no_key, 1u);
}

TEST(Renegotiation, ComesByPacketsAndByBytes) {
    for (const bool by_packets : {true, false}) {
        auto client = client_options();
        if (by_packets) {
            client.renegotiate_packets = 100;
        } else {
            client.renegotiate_bytes = 10'000;
        }
        Pair pair{client, server_options()};
        ASSERT_TRUE(pair.connect());
        for (int i = 0; i < 90; ++i) pair.send(pair.client, inner_packet("some", 10));
        EXPECT_EQ(pair.client.traced("renegotiation-begun"), 0);
        for (int i = 0; i < 90; ++i) pair.send(pair.client, inner_packet("some", 100));
        EXPECT_EQ(pair.client.traced("renegotiation-begun"), 1);
        pair.run_for(seconds(2));
        EXPECT_EQ(pair.client.session.status().renegotiations, 1);
    }
}

TEST(Renegotiation, ComesBeforeThePacketIdsRunOut) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    pair.client.session.advance_packet_ids(kPacketIdAlarm - 2);
    EXPECT_TRUE(pair.send(pair.client, inner_packet("before")));
    EXPECT_EQ(pair.client.traced("renegotiation-begun"), 0);
    EXPECT_TRUE(pair.send(pair.client, inner_packet("at the alarm")));
    EXPECT_EQ(pair.client.traced("renegotiation-begun"), 1);
    pair.run_for(minutes(2));
    EXPECT_EQ(pair.client.session.status().key_id, 1);
    EXPECT_TRUE(pair.send(pair.client, inner_packet("after")));
    pair.run_for(seconds(1));
    EXPECT_THAT(pair.server.received, SizeIs(3));
}

TEST(Renegotiation, UsesTheNewKeyEarlyWhenTheOldOneHasNoPacketIdsLeft) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    pair.client.session.advance_packet_ids(0xffffffff - 1);
    EXPECT_TRUE(pair.send(pair.client, inner_packet("the last")));
    pair.run_for(seconds(2));
    EXPECT_EQ(pair.client.session.status().renegotiations, 1);
    EXPECT_EQ(pair.client.session.status().key_id, 0);
    EXPECT_TRUE(pair.send(pair.client, inner_packet("the first")));
    EXPECT_EQ(pair.client.session.status().key_id, 1);
    EXPECT_FALSE(pair.client.closed());
}

TEST(Renegotiation, ThatCannotBeLeavesNoPacketIdsAndEndsTheTunnel) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    pair.wire.on_send = [](Instant, Parcel&) { return false; };
    pair.client.session.advance_packet_ids(0xffffffff - 1);
    EXPECT_TRUE(pair.send(pair.client, inner_packet("the last")));
    EXPECT_FALSE(pair.send(pair.client, inner_packet("one too many")));
    EXPECT_EQ(pair.client.closed(), CloseReason::KeysExhausted);
}

TEST(Renegotiation, HappensWhenItsTimeHasComeAndAtAServerALittleEarlier) {
    auto client = client_options(), server = server_options();
    server.renegotiate = std::chrono::hours(1);
    Pair pair{client, server};
    ASSERT_TRUE(pair.connect());
    pair.run_for(minutes(53));
    EXPECT_EQ(pair.server.session.status().renegotiations, 0);
    pair.run_for(minutes(8));
    EXPECT_EQ(pair.server.session.status().renegotiations, 1);
}

TEST(Renegotiation, IsNotBegunTwiceAtOnce) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    pair.call([&] {
        pair.client.session.renegotiate(pair.now);
        pair.client.session.renegotiate(pair.now);
    });
    pair.run_for(seconds(5));
    EXPECT_EQ(pair.client.traced("renegotiation-begun"), 1);
}

TEST(Renegotiation, EndsTheTunnelWhenItGetsNowhere) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    pair.run_for(seconds(5));
    pair.wire.on_send = [](Instant, Parcel& parcel) { return is_data(head_of(parcel.bytes)->opcode); };
    pair.call([&] { pair.client.session.renegotiate(pair.now); });
    pair.run_for(seconds(59));
    EXPECT_TRUE(pair.send(pair.client, inner_packet("still")));
    EXPECT_FALSE(pair.client.closed());
    pair.run_for(seconds(2));
    EXPECT_EQ(pair.client.closed(), CloseReason::HandshakeTimeout);
}

TEST(Renegotiation, InQuickSuccessionLosesNothing) {
    auto client = client_options();
    client.renegotiate_packets = 200;  // every second under this load, far faster than keys come into use
    Pair pair{client, server_options(), 3, {.jitter = milliseconds(8)}};
    ASSERT_TRUE(pair.connect());
    for (int i = 0; i < 30; ++i) {
        pair.call([&] { pair.server.session.renegotiate(pair.now); });
        const auto lost = load(pair, seconds(1));
        EXPECT_THAT(lost.by_client, IsEmpty());
        EXPECT_THAT(lost.by_server, IsEmpty());
    }
    EXPECT_GE(pair.client.session.status().renegotiations, 25);
}

TEST(Renegotiation, BegunAnewByThePeerNeedsNoMoreAcknowledgements) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    pair.run_for(seconds(1));
    // The client is done with key 1 while the server still waits for an acknowledgement, and never gets it.
    pair.wire.on_send = [](Instant, Parcel& parcel) {
        const auto head = *head_of(parcel.bytes);
        return parcel.from != kClient || head.opcode != Opcode::AckV1 || head.key_id != 1;
    };
    pair.call([&] { pair.client.session.renegotiate(pair.now); });
    pair.run_for(seconds(1));
    EXPECT_EQ(pair.client.session.status().renegotiations, 1);
    EXPECT_EQ(pair.server.session.status().renegotiations, 0);
    pair.call([&] { pair.client.session.renegotiate(pair.now); });
    pair.run_for(seconds(1));
    EXPECT_EQ(pair.client.session.status().renegotiations, 2);
    EXPECT_EQ(pair.server.session.status().renegotiations, 2);
}

TEST(Renegotiation, IgnoresASoftResetThatComesAgain) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    pair.call([&] { pair.client.session.renegotiate(pair.now); });
    pair.run_for(seconds(5));
    const auto sent = pair.sent;
    for (const auto& parcel : sent)
        if (head_of(parcel.bytes)->opcode == Opcode::ControlSoftResetV1 && parcel.from == kClient)
            pair.inject(pair.server, parcel.bytes);
    pair.run_for(seconds(5));
    EXPECT_EQ(pair.server.session.status().renegotiations, 1);
    EXPECT_EQ(pair.server.traced("renegotiation-begun"), 1);
}

}  // namespace
}  // namespace gatelab::openvpn::test
