// What two sessions settle on: cipher, key derivation, options; and what they refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/impl/openvpn/pair.h"

namespace gatelab::openvpn::test {
namespace {

using testing::Contains;
using testing::HasSubstr;

StaticKey some_key() {
    SeededRandom random{3, "static key"};
    return StaticKey::generate(random);
}

void expect_data_both_ways(Pair& pair) {
    EXPECT_TRUE(pair.send(pair.client, inner_packet("ping")));
    EXPECT_TRUE(pair.send(pair.server, inner_packet("pong")));
    pair.run_for(seconds(1));
    EXPECT_THAT(pair.server.received, Contains(inner_packet("ping")));
    EXPECT_THAT(pair.client.received, Contains(inner_packet("pong")));
}

TEST(Agreement, AgreesOnTheServersFirstCipherThatTheClientHas) {
    using enum DataCipher;
    struct Case {
        std::vector<DataCipher> client, server;
        DataCipher agreed;
    };
    for (const auto& [client_has, server_has, agreed] :
         {Case{{Aes256Gcm, Aes128Gcm}, {Aes128Gcm, Aes256Gcm}, Aes128Gcm},
          Case{{Aes256Gcm}, {Aes128Gcm, Aes256Gcm}, Aes256Gcm}, Case{{Aes256Cbc}, {Aes256Gcm, Aes256Cbc}, Aes256Cbc}}) {
        for (const auto hash : {crypto::Hash::Sha1, crypto::Hash::Sha256}) {
            auto client = client_options(), server = server_options();
            client.auth = server.auth = hash;
            client.data_ciphers = client_has;
            server.data_ciphers = server_has;
            Pair pair{client, server};
            ASSERT_TRUE(pair.connect());
            EXPECT_EQ(pair.client.session.status().cipher, agreed);
            EXPECT_EQ(pair.server.session.status().cipher, agreed);
            expect_data_both_ways(pair);
        }
    }
}

TEST(Agreement, RefusesAClientWithoutACommonCipher) {
    auto client = client_options(), server = server_options();
    client.data_ciphers = {DataCipher::Aes256Cbc};
    Pair pair{client, server};
    pair.dial();
    pair.run_for(seconds(10));
    EXPECT_EQ(pair.client.closed(), CloseReason::AuthenticationFailed);
    EXPECT_THAT(pair.client.why_closed(), HasSubstr("AES-256-CBC"));
    EXPECT_EQ(pair.server.closed(), CloseReason::OptionsMismatch);
}

TEST(Agreement, TakesTheCipherOfAnOldClientFromItsOptionsString) {
    auto client = client_options(), server = server_options();
    client.peer_info = {{"IV_VER", "2.3"}};
    client.cipher = DataCipher::Aes256Cbc;
    client.data_ciphers = {DataCipher::Aes256Cbc};
    server.fallback_cipher = DataCipher::Aes256Cbc;
    Pair pair{client, server};
    ASSERT_TRUE(pair.connect()) << pair.client.why_closed() << pair.server.why_closed();
    EXPECT_EQ(pair.server.session.status().cipher, DataCipher::Aes256Cbc);
    EXPECT_FALSE(pair.server.session.status().key_derivation_ekm);
    EXPECT_FALSE(pair.client.session.status().peer_id);
    expect_data_both_ways(pair);
}

TEST(Agreement, DerivesKeysByTheExporterWhereTheClientCan) {
    for (const auto version : {tls::Version::Tls12, tls::Version::Tls13}) {
        auto client = client_options(), server = server_options();
        client.tls.policy.maximum = version;
        Pair pair{client, server};
        ASSERT_TRUE(pair.connect());
        EXPECT_TRUE(pair.client.session.status().key_derivation_ekm);
        EXPECT_EQ(pair.client.session.status().tls_version, name_of(version));
        EXPECT_EQ(pair.client.last<Session::KeyInstalled>().keys.bytes,
                  pair.server.last<Session::KeyInstalled>().keys.bytes);
        expect_data_both_ways(pair);
    }
    auto client = client_options();
    client.peer_info = {{"IV_VER", "2.5"}, {"IV_PROTO", "2"}, {"IV_CIPHERS", "AES-256-GCM"}};
    Pair pair{client, server_options()};
    ASSERT_TRUE(pair.connect());
    EXPECT_FALSE(pair.client.session.status().key_derivation_ekm);
    expect_data_both_ways(pair);
}

TEST(Agreement, CarriesTheOptionsStringAndPeerInfoOfAForeignClient) {
    auto client = client_options(Transport::Tcp), server = server_options(Transport::Tcp);
    client.protection = TlsAuth{some_key(), KeyDirection::Inverse};
    server.protection = TlsAuth{some_key(), KeyDirection::Normal};
    client.options_string =
        "V4,dev-type tun,link-mtu 1500,tun-mtu 1551,proto TCPv4_CLIENT,keydir 1,cipher AES-256-GCM,auth "
        "[null-digest],keysize 256,tls-auth,key-method 2,tls-client";
    client.peer_info = {{"IV_VER", "AzMac IV_PLAT=0.1 IV_PROTO=1 IV_PLAT_VER= IV_PLAT_DEVICE_ID=x64"}};
    client.cipher = DataCipher::Aes256Gcm;
    Pair pair{client, server};
    ASSERT_TRUE(pair.connect()) << pair.client.why_closed() << pair.server.why_closed();
    EXPECT_EQ(pair.server.last<Session::PeerAuthenticated>().options_string, client.options_string);
    EXPECT_EQ(pair.server.last<Session::PeerAuthenticated>().peer_info, client.peer_info);
    EXPECT_EQ(pair.server.session.status().cipher, DataCipher::Aes256Gcm);
    EXPECT_EQ(pair.server.traced("options-differ", "how", "tun-mtu"), 1);
    expect_data_both_ways(pair);
}

TEST(Agreement, RefusesADifferentOptionsStringOnlyWhenStrict) {
    for (const bool strict : {false, true}) {
        auto client = client_options(), server = server_options();
        client.tun_mtu = 1400;
        server.strict_options_string = strict;
        Pair pair{client, server};
        EXPECT_EQ(pair.connect(), !strict);
        if (!strict) continue;
        EXPECT_EQ(pair.server.closed(), CloseReason::OptionsMismatch);
        EXPECT_THAT(pair.server.why_closed(), HasSubstr("tun-mtu"));
    }
}

TEST(Agreement, RefusesAPeerThatCompresses) {
    for (const bool client_compresses : {true, false}) {
        auto client = client_options(), server = server_options();
        auto& one = client_compresses ? client : server;
        one.options_string = options_string(one) + ",comp-lzo";
        Pair pair{client, server};
        EXPECT_FALSE(pair.connect());
        const auto& other = client_compresses ? pair.server : pair.client;
        EXPECT_EQ(other.closed(), CloseReason::OptionsMismatch);
        EXPECT_THAT(other.why_closed(), HasSubstr("comp-lzo"));
        if (client_compresses) {
            EXPECT_EQ(pair.client.closed(), CloseReason::AuthenticationFailed);
        }
    }
}

TEST(Agreement, RefusesOptionsThatContradictEachOther) {
    SeededRandom random{1};
    const auto refused = [&](auto change) {
        auto options = client_options();
        change(options);
        return !Session::create(options, random).has_value();
    };
    EXPECT_FALSE(refused([](Options&) {}));
    EXPECT_TRUE(refused([](Options& options) { options.data_ciphers.clear(); }));
    EXPECT_TRUE(refused([](Options& options) {
        options.transport = Transport::Tcp;
        options.fragment = 1300;
    }));
    EXPECT_TRUE(refused([](Options& options) { options.auth = crypto::Hash::Sha512; }));
    EXPECT_TRUE(refused([](Options& options) { options.control_payload = 100; }));
    EXPECT_TRUE(refused([](Options& options) { options.tls_timeout = {}; }));
    EXPECT_TRUE(refused([](Options& options) { options.credentials = Credentials{"a", std::string(65535, 'x')}; }));
    EXPECT_TRUE(refused([](Options& options) { options.tls.policy.cipher_suites = {"NO_SUCH_SUITE"}; }));
    EXPECT_TRUE(
        refused([&](Options& options) { options.protection = TlsCryptV2{TlsCryptV2ServerKey::generate(random)}; }));
}

}  // namespace
}  // namespace gatelab::openvpn::test
