#include "impl/tls/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/impl/tls/pair.h"

namespace gatelab::tls {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

static_assert(gatelab::Engine<tls::Engine>);

Policy only(Version version) {
    auto policy = any_policy();
    policy.minimum = policy.maximum = version;
    return policy;
}

struct TlsVersions : testing::TestWithParam<Version> {
    Options client = client_options(), server = server_options();
    void SetUp() override { client.policy = only(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Both, TlsVersions, testing::Values(Version::Tls12, Version::Tls13),
                         [](const auto& one) { return one.param == Version::Tls12 ? "Tls12" : "Tls13"; });

TEST_P(TlsVersions, CarriesDataInAnyCutOfBytes) {
    for (const std::size_t cut : {0, 1, 2, 7, 100, 4096}) {
        Pair pair{client, server};
        pair.run(cut);
        ASSERT_TRUE(pair.established()) << cut;
        EXPECT_EQ(pair.client.established->version, GetParam());
        EXPECT_EQ(pair.client.established->cipher_suite, pair.server.established->cipher_suite);
        ASSERT_TRUE(pair.client.established->peer);
        EXPECT_EQ(pair.client.established->peer->subject(), "CN=gw.example");
        EXPECT_FALSE(pair.server.established->peer);

        const std::string much(100'000, 'x');
        pair.client.engine.write(kNow, as_bytes("ping"));
        pair.server.engine.write(kNow, as_bytes(much));
        pair.run(cut);
        EXPECT_EQ(pair.server.received, "ping");
        EXPECT_EQ(pair.client.received, much);
    }
}

TEST_P(TlsVersions, KeepsWhatIsWrittenEarlyUntilTheHandshakeEnds) {
    Pair pair{client, server};
    const std::string most(64 * 1024, 'a');
    pair.client.engine.write(kNow, as_bytes(most));
    pair.server.engine.write(kNow, as_bytes("early"));
    pair.run();
    EXPECT_EQ(pair.server.received, most);
    EXPECT_EQ(pair.client.received, "early");
}

TEST_P(TlsVersions, ExportsTheSameKeyingMaterialAtBothEnds) {
    Pair pair{client, server};
    EXPECT_THAT(pair.client.engine.export_keying_material("EXPORTER-OpenVPN-datakeys", 256), IsEmpty());
    pair.run();
    const auto ours = pair.client.engine.export_keying_material("EXPORTER-OpenVPN-datakeys", 256);
    EXPECT_EQ(ours.size(), 256u);
    EXPECT_EQ(ours, pair.server.engine.export_keying_material("EXPORTER-OpenVPN-datakeys", 256));
    EXPECT_NE(ours, pair.server.engine.export_keying_material("EXPORTER-other", 256));
}

TEST_P(TlsVersions, LogsTheSecretsThatWiresharkReads) {
    Pair pair{client, server};
    pair.run();
    if (GetParam() == Version::Tls12) {
        EXPECT_THAT(pair.client.secrets, Contains(StartsWith("CLIENT_RANDOM ")));
    } else {
        for (const auto* label : {"CLIENT_HANDSHAKE_TRAFFIC_SECRET ", "SERVER_HANDSHAKE_TRAFFIC_SECRET ",
                                  "CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 ", "EXPORTER_SECRET "})
            EXPECT_THAT(pair.client.secrets, Contains(StartsWith(label)));
    }
    EXPECT_THAT(pair.client.secrets, testing::UnorderedElementsAreArray(pair.server.secrets));
    for (const auto& line : pair.client.secrets) EXPECT_THAT(line, Not(HasSubstr("\n")));
}

TEST_P(TlsVersions, ClosesWithCloseNotifyAtBothEnds) {
    Pair pair{client, server};
    pair.run();
    pair.client.engine.write(kNow, as_bytes("last"));
    pair.client.engine.close(kNow);
    pair.run();
    EXPECT_EQ(pair.server.received, "last");
    ASSERT_TRUE(pair.client.closed && pair.server.closed);
    EXPECT_EQ(pair.client.closed->reason, CloseReason::Requested);
    EXPECT_EQ(pair.server.closed->reason, CloseReason::PeerClosed);
    // Nothing follows.
    pair.client.engine.write(kNow, as_bytes("more"));
    pair.server.engine.close(kNow);
    pair.server.engine.handle_bytes(kNow, as_bytes("more"));
    EXPECT_THAT(pair.client.engine.drain(), IsEmpty());
    EXPECT_THAT(pair.server.engine.drain(), IsEmpty());
    EXPECT_FALSE(pair.client.engine.is_established());
}

TEST_P(TlsVersions, AgreesOnTheFirstProtocolOfTheServer) {
    client.alpn = {"http/1.1", "openvpn", "h2"};
    server.alpn = {"h2", "openvpn"};
    Pair pair{client, server};
    pair.run();
    ASSERT_TRUE(pair.established());
    EXPECT_EQ(pair.client.established->alpn, "h2");
    EXPECT_EQ(pair.server.established->alpn, "h2");
}

TEST_P(TlsVersions, RefusesAClientThatSharesNoProtocol) {
    client.alpn = {"http/1.1"};
    server.alpn = {"openvpn"};
    Pair pair{client, server};
    pair.run();
    ASSERT_TRUE(pair.client.closed && pair.server.closed);
    EXPECT_EQ(pair.client.closed->reason, CloseReason::PeerAlert);
    EXPECT_EQ(pair.client.closed->detail, "no application protocol");
    EXPECT_EQ(pair.server.closed->reason, CloseReason::Protocol);
}

TEST_P(TlsVersions, PassesOverProtocolsThatOneEndDoesNotSpeakOf) {
    client.alpn = {"http/1.1"};
    Pair pair{client, server};
    pair.run();
    ASSERT_TRUE(pair.established());
    EXPECT_EQ(pair.client.established->alpn, "");
}

TEST_P(TlsVersions, TakesNoStreamThatEndsEarlyForAClosedOne) {
    Pair pair{client, server};
    pair.run();
    pair.client.engine.write(kNow, as_bytes("half a record"));
    pair.client.take();
    pair.server.engine.handle_bytes(kNow, ByteView{pair.client.out}.first(pair.client.out.size() - 1));
    pair.server.take();
    EXPECT_EQ(pair.server.received, "");
    EXPECT_FALSE(pair.server.closed);
    EXPECT_TRUE(pair.server.engine.is_established());
}

TEST_P(TlsVersions, NeverResumesNorGivesTickets) {
    Pair pair{client, server};
    pair.run();
    ASSERT_TRUE(pair.established());
    // A ticket in TLS 1.3 would follow the handshake; in TLS 1.2 the session id would not be empty.
    const Bytes server_hello{pair.server.sent.begin(), pair.server.sent.begin() + 60};
    EXPECT_TRUE(GetParam() == Version::Tls13 || server_hello.at(5 + 4 + 2 + 32) == 0);
    pair.client.engine.write(kNow, as_bytes("?"));
    const auto before = pair.server.sent.size();
    pair.run();
    EXPECT_EQ(pair.server.sent.size(), before);
}

TEST(TlsEngine, PrefersTheNewestVersion) {
    Pair pair;
    pair.run();
    ASSERT_TRUE(pair.established());
    EXPECT_EQ(pair.client.established->version, Version::Tls13);
}

TEST(TlsEngine, SendsTheNameOfTheServer) {
    for (const std::string name : {"gw.example.vpn.azure.com", ""}) {
        auto options = client_options();
        options.server_name = name;
        End client{options};
        client.engine.start(kNow);
        client.take();
        if (name.empty()) {
            EXPECT_THAT(as_text(client.out), Not(HasSubstr("gw.example")));
        } else {
            EXPECT_THAT(as_text(client.out), HasSubstr(name));
        }
    }
}

TEST(TlsEngine, StartsOnceOnly) {
    End client{client_options()};
    client.engine.start(kNow);
    client.take();
    const auto first = client.sent.size();
    client.engine.start(kNow);
    client.take();
    EXPECT_GT(first, 0u);
    EXPECT_EQ(client.sent.size(), first);
}

TEST(TlsEngine, EndsWhenTooMuchIsWrittenBeforeTheHandshake) {
    End client{client_options()};
    client.engine.write(kNow, Bytes(64 * 1024));
    client.take();
    EXPECT_FALSE(client.closed);
    client.engine.write(kNow, Bytes(1));
    client.take();
    ASSERT_TRUE(client.closed);
    EXPECT_THAT(client.closed->detail, HasSubstr("64 KiB"));
}

TEST(TlsEngine, ClosesBeforeTheHandshakeWithoutAWord) {
    End client{client_options()};
    client.engine.close(kNow);
    client.take();
    ASSERT_TRUE(client.closed);
    EXPECT_EQ(client.closed->reason, CloseReason::Requested);
    EXPECT_THAT(client.sent, IsEmpty());
}

TEST(TlsEngine, KeepsWorkingWhenItMoves) {
    Pair pair;
    pair.run();
    auto moved = std::move(pair.client.engine);
    moved.write(kNow, as_bytes("from elsewhere"));
    pair.client.engine = std::move(moved);
    pair.run();
    EXPECT_EQ(pair.server.received, "from elsewhere");
}

TEST(TlsEngine, RefusesOptionsThatCannotBeMet) {
    auto nameless = server_options();
    nameless.identity.reset();
    EXPECT_EQ(Engine::create(nameless).error().fault, Fault::Refused);

    auto unknown = client_options();
    unknown.policy.cipher_suites.push_back("TLS_UNHEARD_OF");
    EXPECT_EQ(Engine::create(unknown).error().fault, Fault::Unsupported);
    EXPECT_THAT(Engine::create(unknown).error().detail, HasSubstr("TLS_UNHEARD_OF"));

    auto keyless = client_options();
    keyless.policy.cipher_suites = {"TLS_PSK_WITH_AES_128_GCM_SHA256"};
    EXPECT_EQ(Engine::create(keyless).error().fault, Fault::Unsupported);

    auto empty = client_options();
    empty.policy.maximum = Version::Tls12;
    empty.policy.cipher_suites = {"TLS_AES_128_GCM_SHA256"};
    EXPECT_EQ(Engine::create(empty).error().fault, Fault::Unsupported);

    auto long_name = client_options();
    long_name.server_name = std::string(256, 'a');
    EXPECT_EQ(Engine::create(long_name).error().fault, Fault::Refused);

    auto no_name = client_options();
    no_name.alpn = {""};
    EXPECT_EQ(Engine::create(no_name).error().fault, Fault::Refused);

    auto weak = server_options();
    weak.identity =
        crypto::issue(pki().root, request("weak", crypto::Purpose::ServerAuth), crypto::PrivateKey::generate_rsa(1024));
    EXPECT_EQ(Engine::create(weak).error().fault, Fault::Unsupported);

    auto mixed = server_options();
    mixed.identity = crypto::Identity{pki().rsa_server.certificate, pki().rsa_client.key};
    EXPECT_EQ(Engine::create(mixed).error().fault, Fault::Unsupported);
}

}  // namespace
}  // namespace gatelab::tls
