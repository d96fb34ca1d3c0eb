// Both profiles suite by suite, and the floor under the versions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>

#include "tests/impl/tls/pair.h"

namespace gatelab::tls {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

struct Case {
    Profile profile;
    Carrier carrier;
};

struct TlsProfiles : testing::TestWithParam<Case> {
    const Policy policy = p2s_policy(GetParam().profile, GetParam().carrier);
    bool allows(const std::string& suite) const {
        return std::find(policy.cipher_suites.begin(), policy.cipher_suites.end(), suite) != policy.cipher_suites.end();
    }
    static Key key_for(const std::string& suite) {
        return suite.find("_ECDSA_") != std::string::npos ? Key::Ecdsa : Key::Rsa;
    }
    Pair pair_for(const std::string& suite) const {
        auto client = client_options();
        client.policy.cipher_suites = {suite};
        auto server = server_options(key_for(suite));
        server.policy = policy;
        return Pair{client, server};
    }
};

INSTANTIATE_TEST_SUITE_P(Every, TlsProfiles,
                         testing::Values(Case{Profile::P2s2023, Carrier::OpenVpn},
                                         Case{Profile::P2s2023, Carrier::Sstp},
                                         Case{Profile::P2s2026, Carrier::OpenVpn},
                                         Case{Profile::P2s2026, Carrier::Sstp}),
                         [](const auto& one) {
                             return std::string{one.param.profile == Profile::P2s2023 ? "P2s2023" : "P2s2026"} +
                                    (one.param.carrier == Carrier::OpenVpn ? "OpenVpn" : "Sstp");
                         });

TEST_P(TlsProfiles, ConnectWithEachOfTheirSuitesAndNoOther) {
    int connected = 0;
    for (const auto& suite : any_policy().cipher_suites) {
        auto pair = pair_for(suite);
        pair.run();
        if (allows(suite)) {
            ++connected;
            ASSERT_TRUE(pair.established()) << suite;
            EXPECT_EQ(pair.client.established->cipher_suite, suite);
            EXPECT_EQ(pair.server.established->cipher_suite, suite);
        } else {
            ASSERT_TRUE(pair.server.closed && pair.client.closed) << suite;
            EXPECT_EQ(pair.server.closed->reason, CloseReason::NoCommonSuite) << suite << pair.server.closed->detail;
            EXPECT_THAT(pair.client.closed->detail, AnyOf("handshake failure", "protocol version")) << suite;
        }
    }
    EXPECT_EQ(connected, static_cast<int>(policy.cipher_suites.size()));
}

TEST_P(TlsProfiles, FollowTheOrderOfTheServer) {
    for (const auto key : {Key::Rsa, Key::Ecdsa}) {
        auto client = client_options();
        std::reverse(client.policy.cipher_suites.begin(), client.policy.cipher_suites.end());
        auto server = server_options(key);
        server.policy = policy;
        const auto first = std::find_if(
            policy.cipher_suites.begin(), policy.cipher_suites.end(),
            [&](const auto& suite) { return suite.find("_WITH_") == std::string::npos || key_for(suite) == key; });
        Pair pair{client, server};
        pair.run();
        if (first == policy.cipher_suites.end()) {
            EXPECT_FALSE(pair.established());
            continue;
        }
        ASSERT_TRUE(pair.established());
        EXPECT_EQ(pair.client.established->cipher_suite, *first);
    }
}

// A ClientHello of a client that speaks no version above `version`.
Bytes old_client_hello(int version) {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
    SSL* connection = SSL_new(context);
    BIO* out = BIO_new(BIO_s_mem());
    SSL_set_bio(connection, BIO_new(BIO_s_mem()), out);
    SSL_connect(connection);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out, &bytes);
    Bytes hello{bytes, bytes + size};
    SSL_free(connection);
    SSL_CTX_free(context);
    return hello;
}

// P2S-PROTO-07
TEST_P(TlsProfiles, RefuseTls10And11) {
    for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
        auto options = server_options();
        options.policy = policy;
        End server{options};
        const auto hello = old_client_hello(version);
        ASSERT_GT(hello.size(), 50u);
        server.engine.handle_bytes(kNow, hello);
        server.take();
        ASSERT_TRUE(server.closed);
        EXPECT_EQ(server.closed->reason, CloseReason::NoCommonSuite);
        // alert, fatal, protocol_version
        ASSERT_EQ(server.out.size(), 7u);
        EXPECT_EQ(server.out[0], 21);
        EXPECT_EQ(server.out[5], 2);
        EXPECT_EQ(server.out[6], 70);
    }
}

TEST(TlsVersionFloor, ClientRefusesAServerThatPicksAnOldVersion) {
    End client{client_options()};
    client.engine.start(kNow);
    client.take();
    // --> ServerHello of TLS 1.1 with an empty session id and TLS_RSA_WITH_AES_128_CBC_SHA
    ByteWriter hello;
    hello.u8(22).u16(0x0302).u16(4 + 38).u8(2).u24(38).u16(0x0302).zeros(32).u8(0).u16(0x002f).u8(0);
    client.engine.handle_bytes(kNow, hello.view());
    client.take();
    ASSERT_TRUE(client.closed);
    EXPECT_EQ(client.closed->reason, CloseReason::NoCommonSuite) << client.closed->detail;
}

}  // namespace
}  // namespace gatelab::tls
