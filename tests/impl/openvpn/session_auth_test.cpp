// Who is let in: certificates, passwords, tokens, refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/impl/openvpn/pair.h"

namespace gatelab::openvpn::test {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

TEST(Authentication, OfACertificateFromAnotherRootEndsInTls) {
    auto client = client_options();
    client.tls.identity = pki().client_of_other_root;
    Pair pair{client, server_options()};
    EXPECT_FALSE(pair.connect());
    EXPECT_EQ(pair.server.closed(), CloseReason::TlsFailed);
    EXPECT_EQ(pair.client.closed(), CloseReason::TlsFailed);
    EXPECT_THAT(pair.server.why_closed(), HasSubstr("unauthentic"));
    EXPECT_THAT(pair.client.why_closed(), HasSubstr("alert"));
}

TEST(Authentication, OfAServerFromAnotherRootEndsInTls) {
    auto client = client_options();
    client.tls.roots.emplace().add(pki().other_root.certificate);
    Pair pair{client, server_options()};
    EXPECT_FALSE(pair.connect());
    EXPECT_EQ(pair.client.closed(), CloseReason::TlsFailed);
}

TEST(Authentication, ByPasswordGivesTheOwnerTheCredentials) {
    auto client = client_options(), server = server_options();
    use_password(client, server);
    Pair pair{client, server};
    ASSERT_TRUE(pair.connect()) << pair.client.why_closed() << pair.server.why_closed();
    const auto found = pair.server.last<Session::PeerAuthenticated>();
    EXPECT_EQ(found.credentials, (Credentials{"alice", "s3cret"}));
    EXPECT_FALSE(found.certificate);
    EXPECT_FALSE(found.renegotiation);
    EXPECT_EQ(pair.server.session.status().peer_name, "alice");
}

TEST(Authentication, TakesATokenOfFourKibibytes) {
    for (const auto transport : {Transport::Udp, Transport::Tcp}) {
        auto client = client_options(transport), server = server_options(transport);
        use_password(client, server);
        client.credentials = Credentials{"AzureAD", std::string(4096, 'e')};
        Pair pair{client, server, 1, {.loss = transport == Transport::Udp ? 0.1 : 0.0}};
        ASSERT_TRUE(pair.connect());
        EXPECT_EQ(pair.server.last<Session::PeerAuthenticated>().credentials, client.credentials);
    }
}

TEST(Authentication, TakesTheLongestCredentialsThereAre) {
    auto client = client_options(), server = server_options();
    use_password(client, server);
    client.credentials = Credentials{std::string(65534, 'u'), std::string(65534, 'p')};
    Pair pair{client, server};
    ASSERT_TRUE(pair.connect()) << pair.client.why_closed() << pair.server.why_closed();
    EXPECT_EQ(pair.server.last<Session::PeerAuthenticated>().credentials, client.credentials);
}

TEST(Authentication, RefusesAClientWithoutCredentialsWhereTheyAreRequired) {
    auto server = server_options();
    server.credentials_required = true;
    Pair pair{client_options(), server};
    EXPECT_FALSE(pair.connect());
    EXPECT_EQ(pair.client.closed(), CloseReason::AuthenticationFailed);
    EXPECT_EQ(pair.server.closed(), CloseReason::AuthenticationFailed);
    EXPECT_TRUE(pair.server.all<Session::PeerAuthenticated>().empty());
}

TEST(Refusal, TellsTheClientWhyEvenOverABadWire) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        Pair pair{client_options(), server_options(), seed, {.loss = 0.2}};
        pair.on_peer = [&](const Session::PeerAuthenticated&) { pair.server.session.refuse(pair.now, "no more room"); };
        pair.dial();
        pair.run_for(seconds(40));
        EXPECT_EQ(pair.client.why_closed(), "authentication-failed: no more room") << seed;
        EXPECT_EQ(pair.server.why_closed(), "authentication-failed: no more room");
        EXPECT_FALSE(pair.client.opened() || pair.server.opened());
    }
}

TEST(Refusal, ComesAlsoLater) {
    Pair pair{client_options(), server_options()};
    pair.on_peer = [](const Session::PeerAuthenticated&) {};
    pair.dial();
    pair.run_for(seconds(20));
    pair.call([&] { pair.server.session.refuse(pair.now, "the directory says no"); });
    pair.run_for(seconds(1));
    EXPECT_EQ(pair.client.closed(), CloseReason::AuthenticationFailed);
    EXPECT_EQ(pair.server.closed(), CloseReason::AuthenticationFailed);
}

TEST(Refusal, EndsATunnelThatIsUp) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    pair.run_for(seconds(1));
    pair.call([&] { pair.server.session.refuse(pair.now, "expired"); });
    pair.run_for(seconds(1));
    EXPECT_EQ(pair.client.why_closed(), "authentication-failed: expired");
    EXPECT_EQ(pair.server.closed(), CloseReason::AuthenticationFailed);
    EXPECT_FALSE(pair.client.session.status().up || pair.server.session.status().up);
}

TEST(Reauthentication, AsksTheOwnerAgainWhenCredentialsCome) {
    auto client = client_options(), server = server_options();
    use_password(client, server);
    Pair pair{client, server};
    ASSERT_TRUE(pair.connect());
    pair.call([&] { pair.client.session.renegotiate(pair.now); });
    pair.run_for(seconds(5));
    const auto asked = pair.server.all<Session::PeerAuthenticated>();
    ASSERT_THAT(asked, SizeIs(2));
    EXPECT_TRUE(asked[1].renegotiation);
    EXPECT_EQ(asked[1].credentials, (Credentials{"alice", "s3cret"}));
    EXPECT_EQ(pair.server.session.status().renegotiations, 1);
}

TEST(Reauthentication, WithACertificateAloneDoesNotTroubleTheOwner) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    pair.call([&] { pair.client.session.renegotiate(pair.now); });
    pair.run_for(seconds(5));
    EXPECT_THAT(pair.server.all<Session::PeerAuthenticated>(), SizeIs(1));
    EXPECT_EQ(pair.server.session.status().renegotiations, 1);
}

TEST(Reauthentication, KeepsTheNewKeyBackUntilTheOwnerAgrees) {
    auto client = client_options(), server = server_options();
    use_password(client, server);
    Pair pair{client, server};
    ASSERT_TRUE(pair.connect());
    pair.on_peer = [](const Session::PeerAuthenticated&) {};
    pair.call([&] { pair.client.session.renegotiate(pair.now); });
    pair.run_for(seconds(20));
    EXPECT_EQ(pair.server.session.status().renegotiations, 0);
    EXPECT_THAT(pair.server.all<Session::KeyInstalled>(), SizeIs(1));
    EXPECT_TRUE(pair.send(pair.client, inner_packet("under the old key")));
    pair.call([&] { pair.server.session.grant(pair.now, {}); });
    pair.run_for(seconds(2));
    EXPECT_EQ(pair.server.session.status().renegotiations, 1);
    EXPECT_THAT(pair.server.all<Session::KeyInstalled>(), SizeIs(2));
    EXPECT_THAT(pair.server.received, SizeIs(1));
}

TEST(Reauthentication, RefusedEndsTheTunnel) {
    auto client = client_options(), server = server_options();
    use_password(client, server);
    Pair pair{client, server};
    ASSERT_TRUE(pair.connect());
    pair.on_peer = [&](const Session::PeerAuthenticated&) { pair.server.session.refuse(pair.now, "token expired"); };
    pair.call([&] { pair.client.session.renegotiate(pair.now); });
    pair.run_for(seconds(5));
    EXPECT_EQ(pair.client.why_closed(), "authentication-failed: token expired");
    EXPECT_EQ(pair.server.closed(), CloseReason::AuthenticationFailed);
}

TEST(AuthToken, TakesThePlaceOfThePassword) {
    auto client = client_options(), server = server_options();
    use_password(client, server);
    Pair pair{client, server};
    int asked = 0;
    pair.on_peer = [&](const Session::PeerAuthenticated&) {
        auto push = usual_push();
        push.auth_token = "SESS_ID_" + std::to_string(++asked);
        pair.server.session.grant(pair.now, push);
    };
    ASSERT_TRUE(pair.connect());
    for (int i = 0; i < 3; ++i) {
        pair.call([&] { pair.client.session.renegotiate(pair.now); });
        pair.run_for(seconds(5));
    }
    // Each time the token that came last: the first with the push, the later ones after each renegotiation.
    const auto found = pair.server.all<Session::PeerAuthenticated>();
    ASSERT_THAT(found, SizeIs(4));
    EXPECT_EQ(found[0].credentials, (Credentials{"alice", "s3cret"}));
    EXPECT_EQ(found[1].credentials, (Credentials{"alice", "SESS_ID_1"}));
    EXPECT_EQ(found[2].credentials, (Credentials{"alice", "SESS_ID_2"}));
    EXPECT_EQ(found[3].credentials, (Credentials{"alice", "SESS_ID_3"}));
    EXPECT_EQ(pair.client.session.status().renegotiations, 3);
}

TEST(AuthToken, MayNameItsOwnUser) {
    auto server = server_options();
    Pair pair{client_options(), server};
    pair.on_peer = [&](const Session::PeerAuthenticated& found) {
        if (found.renegotiation) return pair.server.session.refuse(pair.now, "seen " + found.credentials->username);
        auto push = usual_push();
        push.auth_token = "token";
        push.auth_token_user = "carol";
        pair.server.session.grant(pair.now, push);
    };
    ASSERT_TRUE(pair.connect());
    pair.call([&] { pair.client.session.renegotiate(pair.now); });
    pair.run_for(seconds(5));
    EXPECT_EQ(pair.server.closed(), CloseReason::AuthenticationFailed);
}

}  // namespace
}  // namespace gatelab::openvpn::test
