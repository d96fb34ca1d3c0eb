// Who is let in: chains at simulated time, purposes, roots, and the owner's judgement.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/impl/tls/pair.h"

namespace gatelab::tls {
namespace {

using testing::HasSubstr;

struct TlsCertificates : testing::TestWithParam<Version> {
    Options client = client_options(Key::Rsa), server = server_options();

    void SetUp() override { client.policy.maximum = client.policy.minimum = GetParam(); }

    // The client refuses the server, which hears the alert.
    void expect_client_refuses(Instant at, const char* why, const char* alert) {
        Pair pair{client, server};
        pair.run(0, at);
        ASSERT_TRUE(pair.client.closed && pair.server.closed);
        EXPECT_EQ(pair.client.closed->reason, CloseReason::Unauthentic);
        EXPECT_THAT(pair.client.closed->detail, HasSubstr(why));
        EXPECT_EQ(pair.server.closed->reason, CloseReason::PeerAlert);
        EXPECT_EQ(pair.server.closed->detail, alert);
        EXPECT_FALSE(pair.client.established);
    }
    void expect_server_refuses(Instant at, const char* why, const char* alert) {
        Pair pair{client, server};
        pair.run(0, at);
        ASSERT_TRUE(pair.client.closed && pair.server.closed);
        EXPECT_EQ(pair.server.closed->reason, CloseReason::Unauthentic);
        EXPECT_THAT(pair.server.closed->detail, HasSubstr(why));
        EXPECT_EQ(pair.client.closed->reason, CloseReason::PeerAlert);
        EXPECT_EQ(pair.client.closed->detail, alert);
        EXPECT_FALSE(pair.server.established);
    }
};

INSTANTIATE_TEST_SUITE_P(Both, TlsCertificates, testing::Values(Version::Tls12, Version::Tls13),
                         [](const auto& one) { return one.param == Version::Tls12 ? "Tls12" : "Tls13"; });

TEST_P(TlsCertificates, TellTheServerWhoTheClientIs) {
    server.roots = pki().trust;
    Pair pair{client, server};
    pair.run();
    ASSERT_TRUE(pair.established());
    ASSERT_TRUE(pair.server.established->peer);
    EXPECT_EQ(pair.server.established->peer->der(), pki().rsa_client.certificate.der());
}

TEST_P(TlsCertificates, AreJudgedAtTheTimeOfTheSimulation) {
    expect_client_refuses(kYearOn + std::chrono::seconds{1}, "certificate has expired", "certificate expired");
    expect_client_refuses(kYearAgo - std::chrono::seconds{1}, "certificate is not yet valid", "bad certificate");
    Pair pair{client, server};
    pair.run(0, kYearOn - std::chrono::seconds{1});
    EXPECT_TRUE(pair.established());
}

TEST_P(TlsCertificates, OfAClientAreJudgedAtTheTimeOfTheSimulation) {
    auto brief = request("alice", crypto::Purpose::ClientAuth);
    brief.not_after = kNow;
    client.identity = crypto::issue(pki().root, brief, pki().rsa_client.key);
    server.roots = pki().trust;
    expect_server_refuses(kNow + std::chrono::seconds{1}, "CN=alice: certificate has expired", "certificate expired");
}

TEST_P(TlsCertificates, OfAnUnknownRootAreRefused) {
    client.roots = crypto::TrustStore{};
    expect_client_refuses(kNow, "CN=gw.example", "unknown CA");
    client.roots.reset();
    expect_client_refuses(kNow, "CN=gw.example", "unknown CA");
    client.roots = pki().trust;
    server.roots = crypto::TrustStore{};
    server.roots->add(pki().rsa_server.certificate);
    expect_server_refuses(kNow, "CN=alice", "unknown CA");
}

TEST_P(TlsCertificates, OfAForgedRootAreRefused) {
    server.identity =
        crypto::issue(pki().other_root, request("gw.example", crypto::Purpose::ServerAuth), pki().rsa_server.key);
    expect_client_refuses(kNow, "", "unknown CA");
}

TEST_P(TlsCertificates, OfTheWrongPurposeAreRefused) {
    server.identity = pki().rsa_client;
    // "unsupported certificate" in RFC 8446 section 6.2
    expect_client_refuses(kNow, "purpose", "unsupported certificate");
    server = server_options();
    server.roots = pki().trust;
    client.identity = pki().rsa_server;
    expect_server_refuses(kNow, "purpose", "unsupported certificate");
}

TEST_P(TlsCertificates, MayBeRefusedByTheOwner) {
    client.judge = [](const crypto::Certificate& leaf) -> Result<void> {
        if (leaf.subject() == "CN=vpn.example") return {};
        return fail(Fault::Refused, "name is " + leaf.subject() + ", expected CN=vpn.example");
    };
    expect_client_refuses(kNow, "name is CN=gw.example, expected CN=vpn.example", "bad certificate");
    client.judge = {};
    server.roots = pki().trust;
    server.judge = [](const crypto::Certificate&) { return fail(Fault::Refused, "revoked"); };
    expect_server_refuses(kNow, "revoked", "bad certificate");
}

TEST_P(TlsCertificates, ReachTheOwnerOnlyOnceTheirChainHolds) {
    int judged = 0;
    client.judge = [&](const crypto::Certificate&) -> Result<void> { return ++judged, Result<void>{}; };
    client.roots = crypto::TrustStore{};
    expect_client_refuses(kNow, "", "unknown CA");
    EXPECT_EQ(judged, 0);
    client.roots = pki().trust;
    Pair pair{client, server};
    pair.run();
    EXPECT_TRUE(pair.established());
    EXPECT_EQ(judged, 1);
}

TEST_P(TlsCertificates, AreRequiredOfAClientUnlessOptional) {
    server.roots = pki().trust;
    client.identity.reset();
    expect_server_refuses(kNow, "no certificate",
                          GetParam() == Version::Tls13 ? "certificate required" : "handshake failure");
    server.peer_certificate_optional = true;
    Pair pair{client, server};
    pair.run();
    ASSERT_TRUE(pair.established());
    EXPECT_FALSE(pair.server.established->peer);
}

TEST_P(TlsCertificates, ThatAreOptionalMustHoldWhenShown) {
    server.roots = crypto::TrustStore{};
    server.roots->add(pki().other_root.certificate);
    server.peer_certificate_optional = true;
    expect_server_refuses(kNow, "CN=alice", "unknown CA");
}

TEST_P(TlsCertificates, AreNotAskedOfAClientByAServerWithoutRoots) {
    Pair pair{client, server};
    pair.run();
    ASSERT_TRUE(pair.established());
    EXPECT_FALSE(pair.server.established->peer);
}

TEST_P(TlsCertificates, OfBothKindsOfKeysServeBothRoles) {
    for (const auto theirs : {Key::Rsa, Key::Ecdsa}) {
        for (const auto ours : {Key::Rsa, Key::Ecdsa}) {
            auto one = client_options(ours);
            one.policy = client.policy;
            auto other = server_options(theirs);
            other.roots = pki().trust;
            Pair pair{one, other};
            pair.run();
            ASSERT_TRUE(pair.established());
            EXPECT_EQ(pair.server.established->peer->public_key().type(),
                      ours == Key::Rsa ? crypto::KeyType::Rsa : crypto::KeyType::Ecdsa);
        }
    }
}

TEST_P(TlsCertificates, ReachTheirRootOverIntermediatesThatAreSentAsGiven) {
    auto authority = request("Intermediate", crypto::Purpose::ServerAuth);
    authority.purposes = {};
    const auto intermediate = crypto::make_root(authority, pki().other_root.key);
    const auto below =
        crypto::issue(intermediate, request("gw.example", crypto::Purpose::ServerAuth), pki().rsa_server.key);
    server.identity = below;
    expect_client_refuses(kNow, "", "unknown CA");
    server.intermediates = {intermediate.certificate};  // self-signed, and not trusted
    expect_client_refuses(kNow, "self-signed certificate in certificate chain", "unknown CA");
    client.roots->add(intermediate.certificate);
    Pair pair{client, server};
    pair.run();
    EXPECT_TRUE(pair.established());
}

}  // namespace
}  // namespace gatelab::tls
