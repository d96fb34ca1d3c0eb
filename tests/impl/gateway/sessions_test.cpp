// Who is let in, with which address, and how a session ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/p2s_lab.h"

namespace gatelab::gateway {
namespace {

using namespace std::chrono_literals;
using client::State;
using ::testing::ElementsAre;
using testing::P2sLab;

constexpr Ipv4Address kAlice{198, 51, 100, 10}, kBob{198, 51, 100, 11};

TEST(Sessions, GiveEachUserTheNextFreeAddress) {
    P2sLab lab;
    auto& alice = lab.add_user("alice", kAlice);
    auto& bob = lab.add_user("bob", kBob);
    ASSERT_TRUE(lab.connect(alice));
    ASSERT_TRUE(lab.connect(bob));
    const auto sessions = lab.gateway->sessions();
    ASSERT_EQ(sessions.size(), 2u);
    EXPECT_EQ(sessions[0].user, "alice@example.com");
    EXPECT_EQ(sessions[0].inner_address, (Ipv4Address{10, 60, 0, 2}));
    EXPECT_EQ(sessions[1].user, "bob@example.com");
    EXPECT_EQ(sessions[1].inner_address, (Ipv4Address{10, 60, 0, 3}));
    EXPECT_EQ(testing::tunnel_of(sessions[0]).path.remote.address, kAlice);
    EXPECT_EQ(to_string(testing::tunnel_of(sessions[0]).local), "10.1.0.0/16, 10.60.0.0/24");
    EXPECT_EQ(to_string(testing::tunnel_of(sessions[0]).remote), "10.60.0.2/32");
    EXPECT_LT(sessions[0].connected_at, sessions[1].connected_at);
}

TEST(Sessions, TellTheClientItsAddressDnsAndRoutes) {
    P2sLab lab;
    auto& alice = lab.add_user("alice", kAlice);
    ASSERT_TRUE(lab.connect(alice));
    const auto status = alice.client.status();
    EXPECT_EQ(status.inner_address, (Ipv4Address{10, 60, 0, 2}));
    EXPECT_THAT(status.dns, ElementsAre(Ipv4Address{10, 1, 0, 53}));
    EXPECT_THAT(status.routes, ElementsAre(Prefix{{10, 1, 0, 0}, 16}, Prefix{{10, 60, 0, 0}, 24}));
}

TEST(Sessions, RefuseAUserForWhomNoAddressIsLeft) {
    auto config = testing::gateway_config();
    config.client_address_pool = Prefix{{10, 60, 0, 0}, 29};
    P2sLab lab{config};
    for (std::uint8_t i = 0; i < 5; ++i) {
        auto& user = lab.add_user("user" + std::to_string(i), {198, 51, 100, static_cast<std::uint8_t>(20 + i)});
        ASSERT_TRUE(lab.connect(user)) << user.client.status().detail;
    }
    EXPECT_EQ(lab.gateway->free_addresses(), 0u);
    auto& late = lab.add_user("late", {198, 51, 100, 40});
    EXPECT_FALSE(lab.connect(late));
    EXPECT_EQ(late.client.status().failure, "address-unavailable");  // INTERNAL_ADDRESS_FAILURE
    EXPECT_EQ(lab.gateway->sessions().size(), 5u);

    lab.gateway->disconnect(lab.gateway->sessions().front().id);
    lab.network.run_for(1s);
    EXPECT_TRUE(lab.connect(late));
    EXPECT_EQ(late.client.status().inner_address, (Ipv4Address{10, 60, 0, 2}));
}

TEST(Sessions, RefuseAUserAboveTheLimitOfTheSku) {
    auto config = testing::gateway_config();
    config.session_limit = 1;
    P2sLab lab{config};
    auto& alice = lab.add_user("alice", kAlice);
    auto& bob = lab.add_user("bob", kBob);
    ASSERT_TRUE(lab.connect(alice));
    EXPECT_FALSE(lab.connect(bob));
    ASSERT_EQ(lab.gateway_host.events_named("session-refused").size(), 1u);
    EXPECT_EQ(text_of(lab.gateway_host.events_named("session-refused")[0].attributes, "why"), "session limit reached");
}

TEST(Sessions, RefuseAStrangersCertificate) {
    P2sLab lab;
    auto config = testing::user_config("alice");
    crypto::CertificateRequest request;
    request.common_name = "alice";
    request.email_addresses = {"alice@example.com"};
    request.not_before = instant_from_unix(1577836800);
    request.not_after = instant_from_unix(2493072000);
    const auto stranger = crypto::make_root(request, crypto::PrivateKey::generate_ecdsa(256));
    testing::connection_of(config).credential = ikev2::CertificateCredential{stranger, {}};
    auto& mallory = lab.add_user("mallory", kAlice, {}, config);
    EXPECT_FALSE(lab.connect(mallory));
    EXPECT_EQ(mallory.client.status().failure, "authentication-failed");
    EXPECT_TRUE(lab.gateway->sessions().empty());
    EXPECT_EQ(lab.gateway->free_addresses(), 253u);
}

TEST(Sessions, AcceptAPreSharedKeyBesideCertificates) {
    auto gateway = testing::gateway_config();
    gateway.ikev2->pre_shared_key = ikev2::PreSharedKey{copy_of(as_bytes("correct horse"))};
    P2sLab lab{gateway};
    auto config = testing::user_config("alice");
    testing::connection_of(config).credential = *gateway.ikev2->pre_shared_key;
    testing::connection_of(config).peer.roots.reset();
    testing::connection_of(config).peer.pre_shared_key = gateway.ikev2->pre_shared_key;
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    EXPECT_TRUE(lab.connect(alice)) << alice.client.status().detail;
    auto& bob = lab.add_user("bob", kBob);
    EXPECT_TRUE(lab.connect(bob)) << bob.client.status().detail;
}

TEST(Sessions, EndWhenTheClientSaysGoodbye) {
    P2sLab lab;
    auto& alice = lab.add_user("alice", kAlice);
    ASSERT_TRUE(lab.connect(alice));
    alice.client.disconnect();
    EXPECT_FALSE(alice.client.status().inner_address);
    lab.network.run_for(1s);
    EXPECT_TRUE(lab.gateway->sessions().empty());
    EXPECT_EQ(lab.gateway->free_addresses(), 253u);
    EXPECT_TRUE(alice.is(State::Idle));
    EXPECT_EQ(alice.client.status().failure, "requested");
    ASSERT_EQ(lab.gateway_host.events_named("session-closed").size(), 1u);
    EXPECT_EQ(text_of(lab.gateway_host.events_named("session-closed")[0].attributes, "reason"), "peer-deleted");
}

TEST(Sessions, EndWhenTheGatewayDisconnects) {
    P2sLab lab;
    auto& alice = lab.add_user("alice", kAlice);
    ASSERT_TRUE(lab.connect(alice));
    lab.gateway->disconnect_all();
    lab.network.run_for(1s);
    EXPECT_TRUE(alice.is(State::Failed));
    EXPECT_EQ(alice.client.status().failure, "peer-deleted");
    EXPECT_TRUE(lab.gateway->sessions().empty());
}

TEST(Sessions, EndWhenTheClientHasGoneSilent) {
    P2sLab lab;
    auto& alice = lab.add_user("alice", kAlice);
    ASSERT_TRUE(lab.connect(alice));
    lab.network.detach(kAlice);
    lab.network.run_for(90s);  // liveness check after 30 s, given up about 21 s later
    EXPECT_TRUE(lab.gateway->sessions().empty());
    EXPECT_EQ(text_of(lab.gateway_host.events_named("session-closed").at(0).attributes, "reason"), "peer-silent");
}

TEST(Sessions, OfOneUserAreReplacedByInitialContact) {
    P2sLab lab;
    auto& laptop = lab.add_user("alice", kAlice);
    ASSERT_TRUE(lab.connect(laptop));
    lab.network.detach(kAlice);  // pulled out; the user comes back from elsewhere
    auto config = testing::user_config("alice");
    testing::connection_of(config).initial_contact = true;
    auto& again = lab.add_user("alice", kBob, {}, config);
    ASSERT_TRUE(lab.connect(again));
    EXPECT_EQ(lab.gateway->sessions().size(), 1u);
    EXPECT_EQ(testing::tunnel_of(*lab.gateway->session_of("alice@example.com")).path.remote.address, kBob);
    EXPECT_EQ(again.client.status().inner_address, (Ipv4Address{10, 60, 0, 2}));  // free again, and the lowest
}

TEST(Sessions, OfOneUserStandSideBySideWithoutInitialContact) {
    P2sLab lab;
    auto& laptop = lab.add_user("alice", kAlice);
    auto& phone = lab.add_user("alice", kBob);
    ASSERT_TRUE(lab.connect(laptop) && lab.connect(phone));
    EXPECT_EQ(lab.gateway->sessions().size(), 2u);
    EXPECT_EQ(lab.gateway->session_of("alice@example.com")->inner_address, (Ipv4Address{10, 60, 0, 3}));  // the newest
    EXPECT_EQ(lab.ping(laptop.host, testing::kServerAddress, 2), 2);
    EXPECT_EQ(lab.ping(phone.host, testing::kServerAddress, 2), 2);
}

}  // namespace
}  // namespace gatelab::gateway
