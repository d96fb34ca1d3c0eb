// Message ids, repetition, liveness: RFC 7296 sections 2.1 to 2.4.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "impl/ikev2/packet.h"
#include "tests/impl/ikev2/pair.h"

namespace gatelab::ikev2::test {
namespace {

using testing::Contains;
using testing::Not;

void bring_up(Pair& pair) {
    pair.dial();
    pair.run_for(std::chrono::seconds(5));
    ASSERT_TRUE(pair.client.established());
}

// Hands a datagram to an engine once more, as it arrived; how many datagrams that engine answers.
std::size_t answers_to(Pair& pair, const Parcel& parcel) {
    const auto before = pair.sent.size();
    End& end = parcel.to.address == kGateway.address ? pair.gateway : pair.client;
    pair.call([&] { end.engine.handle_datagram(pair.now, Path{parcel.to, parcel.from}, parcel.bytes); });
    return pair.sent.size() - before;
}

TEST(Repetition, OfAnInitRequestGetsTheSameResponse) {
    Pair pair{client_connection(), {gateway_connection()}};
    pair.wire.on_send = [&](Instant, Parcel& parcel) { return parcel.from == kClient && pair.sent.size() < 3; };
    pair.dial();
    pair.run_for(std::chrono::milliseconds(100));
    ASSERT_EQ(pair.sent.size(), 2u);
    EXPECT_EQ(answers_to(pair, pair.sent[0]), 1u);
    EXPECT_EQ(pair.sent.back().bytes, pair.sent[1].bytes);
}

TEST(Repetition, OfAnAuthRequestGetsTheSameResponse) {
    Pair pair{client_connection(), {gateway_connection()}};
    bring_up(pair);
    EXPECT_EQ(answers_to(pair, pair.sent[2]), 1u);
    EXPECT_EQ(pair.sent.back().bytes, pair.sent[3].bytes);
    EXPECT_EQ(pair.gateway.all<Engine::PeerAuthenticated>().size(), 1u);
    EXPECT_EQ(pair.gateway.all<Engine::ChildEstablished>().size(), 1u);
}

TEST(Repetition, OfACreateChildRequestMakesNoSecondChild) {
    Pair pair{client_connection(), {gateway_connection()}};
    bring_up(pair);
    pair.call([&] { pair.client.engine.create_child(pair.now, pair.client.last<Engine::SaEstablished>().sa, {}, {}); });
    pair.run_for(std::chrono::seconds(5));
    const auto request = pair.sent.at(4);
    EXPECT_EQ(answers_to(pair, request), 1u);
    EXPECT_EQ(pair.gateway.all<Engine::ChildEstablished>().size(), 2u);
}

TEST(Repetition, OfAResponseChangesNothing) {
    Pair pair{client_connection(), {gateway_connection()}};
    bring_up(pair);
    const auto said = pair.client.all<Engine::ChildEstablished>().size();
    EXPECT_EQ(answers_to(pair, pair.sent[1]), 0u);
    EXPECT_EQ(answers_to(pair, pair.sent[3]), 0u);
    EXPECT_EQ(pair.client.all<Engine::ChildEstablished>().size(), said);
}

TEST(Repetition, OfAnOldRequestIsOutsideTheWindow) {
    Pair pair{client_connection(), {gateway_connection()}};
    bring_up(pair);
    for (int i = 0; i < 2; ++i) {
        pair.call([&] { pair.client.engine.check_liveness(pair.now, pair.client.last<Engine::SaEstablished>().sa); });
        pair.run_for(std::chrono::seconds(1));
    }
    EXPECT_EQ(answers_to(pair, pair.sent[2]), 0u);
    EXPECT_GE(pair.gateway.traced("dropped"), 1);
}

TEST(Repetition, IsTheSameBytesAndStopsOnTheAnswer) {
    Pair pair{client_connection(), {gateway_connection()}};
    bring_up(pair);
    int lost = 0;
    pair.wire.on_send = [&](Instant, Parcel&) { return ++lost > 2; };
    const auto before = pair.sent.size();
    pair.call([&] { pair.client.engine.check_liveness(pair.now, pair.client.last<Engine::SaEstablished>().sa); });
    pair.settle();
    ASSERT_EQ(pair.sent.size() - before, 4u);  // three times the request, once the response
    EXPECT_EQ(pair.sent[before].bytes, pair.sent[before + 1].bytes);
    EXPECT_EQ(pair.sent[before].bytes, pair.sent[before + 2].bytes);
    EXPECT_TRUE(pair.client.all<Engine::SaClosed>().empty());
}

TEST(Liveness, IsCheckedAfterSilenceAndAnswered) {
    auto client = client_connection();
    client.lifetimes.liveness = std::chrono::seconds(30);
    Pair pair{client, {gateway_connection()}};
    pair.dial();
    pair.run_for(std::chrono::seconds(100));
    EXPECT_THAT(pair.client.ladder(), Contains("INFORMATIONAL request ").Times(3));
    EXPECT_THAT(pair.gateway.ladder(), Contains("INFORMATIONAL response ").Times(3));
}

TEST(Liveness, IsKnownFromEspToo) {
    auto client = client_connection();
    client.lifetimes.liveness = std::chrono::seconds(30);
    Pair pair{client, {gateway_connection()}};
    bring_up(pair);
    for (int i = 0; i < 10; ++i) {
        pair.call([&] {
            pair.client.engine.note_inbound_esp(pair.now, pair.client.open_children()[0].child,
                                                Path{kClient, kGateway});
        });
        pair.run_for(std::chrono::seconds(10));
    }
    EXPECT_THAT(pair.client.ladder(), Not(Contains("INFORMATIONAL request ")));
}

TEST(Liveness, EndsTheSaOfASilentPeer) {
    auto gateway = gateway_connection();
    gateway.lifetimes.liveness = std::chrono::seconds(30);
    Pair pair{client_connection(), {gateway}};
    bring_up(pair);
    pair.wire.on_send = [](Instant, Parcel&) { return false; };
    pair.run_for(std::chrono::minutes(2));
    EXPECT_TRUE(pair.gateway.closed_with(CloseReason::PeerSilent));
    EXPECT_FALSE(pair.gateway.engine.next_timeout());
}

TEST(Liveness, OutlivesWhatComesInClear) {
    Pair pair{client_connection(), {gateway_connection()}};
    bring_up(pair);
    const auto keys = pair.client.last<Engine::SaEstablished>().keys;
    for (const auto exchange : {ExchangeType::Informational, ExchangeType::IkeAuth, ExchangeType::CreateChildSa}) {
        for (std::uint32_t id = 0; id < 4; ++id) {
            Header header{keys.spi_i, keys.spi_r, PayloadType::None, Header::kVersion, exchange, true, false, id, 0};
            const auto forged = encode_message(header, {});
            EXPECT_EQ(answers_to(pair, {pair.now, 0, kClient, kGateway, forged}), 0u);
        }
    }
    pair.settle();
    EXPECT_TRUE(pair.gateway.all<Engine::SaClosed>().empty());
}

TEST(Closing, AnswersARepeatedDeleteAndThenForgets) {
    Pair pair{client_connection(), {gateway_connection()}};
    bring_up(pair);
    pair.call([&] { pair.client.engine.close(pair.now, pair.client.last<Engine::SaEstablished>().sa); });
    pair.run_for(std::chrono::seconds(1));
    const auto request = pair.sent.at(4);
    EXPECT_EQ(answers_to(pair, request), 1u);
    pair.settle();
    EXPECT_EQ(answers_to(pair, request), 0u);
}

TEST(Closing, OfASilentPeerIsStillWhatTheOwnerAskedFor) {
    Pair pair{client_connection(), {gateway_connection()}};
    bring_up(pair);
    pair.wire.on_send = [](Instant, Parcel&) { return false; };
    const auto sa = pair.client.last<Engine::SaEstablished>().sa;
    pair.call([&] { pair.client.engine.check_liveness(pair.now, sa); });
    pair.call([&] { pair.client.engine.close(pair.now, sa); });
    pair.settle();
    EXPECT_TRUE(pair.client.closed_with(CloseReason::Requested));
    EXPECT_EQ(pair.client.all<Engine::SaClosed>().size(), 1u);
}

TEST(Closing, OfAnAttemptUnderWayIsSilent) {
    Pair pair{client_connection(), {gateway_connection()}};
    const auto id = pair.dial();
    pair.call([&] { pair.client.engine.close(pair.now, id); });
    EXPECT_TRUE(pair.client.closed_with(CloseReason::Requested));
    pair.settle();
    EXPECT_FALSE(pair.gateway.established());
    EXPECT_FALSE(pair.gateway.engine.next_timeout());
}

TEST(Closing, FollowsInitialContact) {
    auto client = client_connection();
    client.initial_contact = true;
    Pair pair{client, {gateway_connection()}};
    bring_up(pair);
    const auto first = pair.gateway.last<Engine::SaEstablished>().sa;
    pair.dial();
    pair.run_for(std::chrono::seconds(5));
    ASSERT_EQ(pair.gateway.all<Engine::SaEstablished>().size(), 2u);
    EXPECT_EQ(pair.gateway.last<Engine::SaClosed>().sa, first);
}

TEST(Closing, LeavesOtherMachinesOfTheSameUserAlone) {
    Pair pair{client_connection(), {gateway_connection()}};
    bring_up(pair);
    pair.dial();
    pair.run_for(std::chrono::seconds(5));
    EXPECT_EQ(pair.gateway.all<Engine::SaEstablished>().size(), 2u);
    EXPECT_TRUE(pair.gateway.all<Engine::SaClosed>().empty());
}

}  // namespace
}  // namespace gatelab::ikev2::test
