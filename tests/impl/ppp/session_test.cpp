// A link from start to end.
#include "impl/ppp/session.h"

#include <gtest/gtest.h>

#include "impl/base/engine.h"
#include "tests/impl/ppp/pair.h"

namespace gatelab::ppp::test {
namespace {

static_assert(Engine<Session>);

const Bytes kEcho = testing::echo_packet(kClientAddress, kHost, {});
const Bytes kReply = testing::echo_packet(kHost, kClientAddress, {.reply = true});

class Link : public ::testing::TestWithParam<Authentication> {};

TEST_P(Link, OpensAndCarriesPacketsBothWays) {
    Pair pair{client_options(GetParam()), server_options(GetParam())};
    ASSERT_TRUE(pair.connect()) << pair.client.why_closed() << pair.server.why_closed();

    const Agreed expected{kClientAddress, kServerAddress, {kDns1, kDns2}, 1400};
    EXPECT_EQ(pair.client.all<Session::Opened>().at(0).agreed, expected);
    EXPECT_EQ(pair.server.all<Session::Opened>().at(0).agreed, expected);
    EXPECT_TRUE(pair.send(pair.client, kEcho));
    EXPECT_TRUE(pair.send(pair.server, kReply));
    pair.run_for(seconds(1));
    EXPECT_EQ(pair.server.received, std::vector<Bytes>{kEcho});
    EXPECT_EQ(pair.client.received, std::vector<Bytes>{kReply});
    EXPECT_EQ(pair.client.counters().packets_out, 1u);
    EXPECT_EQ(pair.client.counters().packets_in, 1u);
    EXPECT_EQ(pair.server.session.status().peer_name, "alice");
    EXPECT_EQ(pair.server.session.status().authentication, GetParam());
}

TEST_P(Link, ClosesOnRequestAndTellsThePeer) {
    for (const bool by_client : {true, false}) {
        Pair pair{client_options(GetParam()), server_options(GetParam())};
        ASSERT_TRUE(pair.connect());
        auto& asked = by_client ? pair.client : pair.server;
        auto& other = by_client ? pair.server : pair.client;
        pair.call([&] { asked.session.close(pair.now); });
        EXPECT_FALSE(pair.send(asked, kEcho));
        pair.run_for(seconds(10));
        EXPECT_EQ(asked.closed(), CloseReason::Requested);
        EXPECT_EQ(other.closed(), CloseReason::PeerTerminated);
        EXPECT_FALSE(pair.send(other, kEcho));
        EXPECT_FALSE(asked.session.next_timeout() || other.session.next_timeout());
    }
}

INSTANTIATE_TEST_SUITE_P(EachMethod, Link, ::testing::Values(Authentication::Pap, Authentication::MsChapV2),
                         [](const auto& method) { return std::string{name_of(method.param)}; });

TEST(PppSession, GivesBothEndsTheSameKeysWithMsChapV2) {
    Pair pair;
    ASSERT_TRUE(pair.connect());
    const auto client = pair.client.all<Session::Authenticated>(), server = pair.server.all<Session::Authenticated>();
    ASSERT_EQ(client.size(), 1u);
    ASSERT_EQ(server.size(), 1u);
    ASSERT_TRUE(client[0].keys && server[0].keys);
    EXPECT_EQ(*client[0].keys, *server[0].keys);
    EXPECT_EQ(pair.client.session.status().peer_name, "gateway");
}

TEST(PppSession, HasNoKeysWithPap) {
    Pair pair{client_options(Authentication::Pap), server_options(Authentication::Pap)};
    ASSERT_TRUE(pair.connect());
    EXPECT_FALSE(pair.client.all<Session::Authenticated>().at(0).keys);
    EXPECT_FALSE(pair.server.all<Session::Authenticated>().at(0).keys);
}

TEST(PppSession, WaitsForItsOwnerToJudge) {
    Pair pair;
    std::optional<SignIn> asked;
    pair.server.on_sign_in = [&](Instant, const SignIn& sign_in) { asked = sign_in; };
    pair.start();
    pair.run_for(seconds(20));  // longer than the client takes to repeat its response
    ASSERT_TRUE(asked);
    EXPECT_EQ(pair.server.all<Session::SignInAsked>().size(), 1u);
    auto grant = usual_grant();
    grant.success = judge(*asked, "alice", "s3cret").value();
    pair.call([&] { pair.server.session.grant(pair.now, grant); });
    EXPECT_TRUE(pair.run_until([&] { return pair.client.opened() && pair.server.opened(); }));
}

TEST(PppSession, RepeatsItselfForTheSameSeed) {
    const auto sent = [](std::uint64_t seed) {
        Pair pair{client_options(), server_options(), seed};
        pair.connect();
        std::vector<Bytes> frames;
        for (const auto& parcel : pair.sent) frames.push_back(parcel.bytes);
        return frames;
    };
    EXPECT_EQ(sent(1), sent(1));
    EXPECT_NE(sent(1), sent(2));
}

TEST(PppSession, HasAddressAndControlBeforeItsFramesWhenAsked) {
    auto client = client_options(), server = server_options();
    client.address_control = true;
    Pair pair{client, server};
    ASSERT_TRUE(pair.connect());
    ASSERT_TRUE(pair.send(pair.client, kEcho));
    pair.run_for(seconds(1));
    EXPECT_EQ(pair.server.received, std::vector<Bytes>{kEcho});
    for (const auto& parcel : pair.sent) {
        const bool by_client = parcel.from.port == 1;
        EXPECT_EQ(parcel.bytes[0] == 0xff && parcel.bytes[1] == 0x03, by_client) << to_hex(parcel.bytes);
    }
}

TEST(PppSession, SaysNothingBeforeItStartsAndClosesAtOnceThen) {
    Lone lone{client_options()};
    EXPECT_TRUE(lone.feed(Protocol::Lcp, Code::ConfigureRequest, 1).empty());
    EXPECT_FALSE(lone.end.session.next_timeout());
    EXPECT_TRUE(lone.end.session.seal(kStart, kEcho).empty());
    EXPECT_TRUE(lone.call([&] { lone.end.session.close(kStart); }).empty());
    EXPECT_EQ(lone.end.closed(), CloseReason::Requested);
}

}  // namespace
}  // namespace gatelab::ppp::test
