#include "impl/openvpn/control_protection.h"

#include <gtest/gtest.h>

namespace gatelab::openvpn {
namespace {

using namespace std::chrono_literals;

constexpr auto kNow = instant_from_unix(1'700'000'000);

ControlPacket sample(Opcode opcode = Opcode::ControlV1) {
    return {opcode, 0, {1, 2, 3, 4, 5, 6, 7, 8}, {0, 1}, SessionId{8, 7, 6, 5, 4, 3, 2, 1}, 1, Bytes(100, 0x16)};
}

struct Pair {
    ControlChannel client, server;
};

TlsAuth tls_auth(KeyDirection direction, crypto::Hash hash) {
    SeededRandom random{7};
    return {StaticKey::generate(random), direction, hash};
}

Pair tls_auth_pair(crypto::Hash hash = crypto::Hash::Sha1) {
    return {ControlChannel{tls_auth(KeyDirection::Inverse, hash), Role::Client},
            ControlChannel{tls_auth(KeyDirection::Normal, hash), Role::Server}};
}

Pair tls_crypt_pair() {
    SeededRandom random{7};
    const TlsCrypt settings{StaticKey::generate(random)};
    return {ControlChannel{settings, Role::Client}, ControlChannel{settings, Role::Server}};
}

struct V2 {
    TlsCryptV2ServerKey server;
    TlsCryptV2ClientKey client;
    explicit V2(ByteView metadata = {}) {
        SeededRandom random{7};
        server = TlsCryptV2ServerKey::generate(random);
        client = TlsCryptV2ClientKey::make(server, random, metadata).value();
    }
    Pair pair() const {
        return {ControlChannel{TlsCryptV2{client}, Role::Client}, ControlChannel{TlsCryptV2{server}, Role::Server}};
    }
};

void expect_round_trip(Pair pair, Opcode first = Opcode::ControlHardResetClientV2) {
    for (const auto opcode : {first, Opcode::ControlV1, Opcode::AckV1}) {
        const auto plain = encode(sample(opcode));
        const auto there = pair.server.unprotect(kNow, pair.client.protect(kNow, plain));
        ASSERT_TRUE(there) << there.error().detail;
        EXPECT_EQ(*there, plain);
        const auto back = pair.client.unprotect(kNow, pair.server.protect(kNow, plain));
        ASSERT_TRUE(back) << back.error().detail;
        EXPECT_EQ(*back, plain);
    }
}

TEST(ControlProtection, CarriesPacketsBothWays) {
    expect_round_trip({ControlChannel{Unprotected{}, Role::Client}, ControlChannel{Unprotected{}, Role::Server}});
    expect_round_trip(tls_auth_pair());
    expect_round_trip(tls_auth_pair(crypto::Hash::Sha256));
    expect_round_trip({ControlChannel{tls_auth(KeyDirection::Bidirectional, crypto::Hash::Sha1), Role::Client},
                       ControlChannel{tls_auth(KeyDirection::Bidirectional, crypto::Hash::Sha1), Role::Server}});
    expect_round_trip(tls_crypt_pair());
    expect_round_trip(V2{}.pair(), Opcode::ControlHardResetClientV3);
}

TEST(ControlProtection, TellsHowMuchItAdds) {
    const auto plain = encode(sample());
    const auto added = [&](ControlChannel channel) { return channel.protect(kNow, plain).size() - plain.size(); };
    EXPECT_EQ(tls_auth_pair().client.overhead(), 28u);
    EXPECT_EQ(tls_auth_pair(crypto::Hash::Sha256).client.overhead(), 40u);
    EXPECT_EQ(tls_crypt_pair().client.overhead(), 40u);
    EXPECT_EQ(V2{}.pair().server.overhead(), 40u);
    EXPECT_EQ(added(tls_auth_pair().client), 28u);
    EXPECT_EQ(added(tls_crypt_pair().client), 40u);
    EXPECT_EQ(added(V2{}.pair().client), 40u);
}

TEST(ControlProtection, RefusesEveryChangedBit) {
    for (auto* make : {+[] { return tls_auth_pair(); }, +[] { return tls_crypt_pair(); }}) {
        auto pair = make();
        const auto wire = pair.client.protect(kNow, encode(sample()));
        for (std::size_t bit = 0; bit < wire.size() * 8; ++bit) {
            auto changed = wire;
            changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
            ASSERT_FALSE(pair.server.unprotect(kNow, changed)) << bit;
        }
        for (std::size_t size = 0; size < wire.size(); ++size)
            ASSERT_FALSE(pair.server.unprotect(kNow, ByteView{wire}.first(size))) << size;
        EXPECT_TRUE(pair.server.unprotect(kNow, wire)) << "and none of it was remembered";
    }
}

TEST(ControlProtection, RefusesItsOwnPacketsComingBack) {
    for (auto* make : {+[] { return tls_auth_pair(); }, +[] { return tls_crypt_pair(); }}) {
        auto pair = make().client;
        EXPECT_EQ(pair.unprotect(kNow, pair.protect(kNow, encode(sample()))).error().fault, Fault::Unauthentic);
    }
}

TEST(ControlProtection, RefusesAPacketThatCameBefore) {
    auto pair = tls_crypt_pair();
    const auto wire = pair.client.protect(kNow, encode(sample()));
    ASSERT_TRUE(pair.server.unprotect(kNow, wire));
    EXPECT_EQ(pair.server.unprotect(kNow, wire).error().fault, Fault::Refused);
    EXPECT_TRUE(pair.server.fresh().unprotect(kNow, wire)) << "a copy without memory";
}

TEST(ControlProtection, TakesSixtyFourNumbersOutOfOrder) {
    auto pair = tls_auth_pair();
    std::vector<Bytes> wires;
    for (int i = 0; i < 66; ++i) wires.push_back(pair.client.protect(kNow, encode(sample())));
    ASSERT_TRUE(pair.server.unprotect(kNow, wires[65]));
    EXPECT_TRUE(pair.server.unprotect(kNow, wires[2])) << "63 behind";
    EXPECT_EQ(pair.server.unprotect(kNow, wires[1]).error().fault, Fault::Refused) << "64 behind";
    for (std::size_t i = 3; i < 65; ++i) ASSERT_TRUE(pair.server.unprotect(kNow, wires[i])) << i;
    for (std::size_t i = 1; i < 66; ++i) ASSERT_FALSE(pair.server.unprotect(kNow, wires[i])) << i;
}

TEST(ControlProtection, LetsAPeerBeginAgainLaterButNotEarlier) {
    auto server = tls_auth_pair().server;
    auto earlier = tls_auth_pair().client, later = tls_auth_pair().client;
    const auto old = earlier.protect(kNow, encode(sample()));
    EXPECT_TRUE(server.unprotect(kNow, later.protect(kNow + 1s, encode(sample()))));
    EXPECT_FALSE(server.unprotect(kNow, old));
}

TEST(ControlProtection, CountsFromWhereItIsTold) {
    auto pair = tls_crypt_pair();
    pair.client.start_at(0x0f000001);
    const auto wire = pair.client.protect(kNow, encode(sample()));
    EXPECT_EQ(to_hex(ByteView{wire}.subspan(9, 8)), "0f0000016553f100");
    pair.client.start_at(0xffffffff);
    pair.client.protect(kNow, encode(sample()));
    const auto wrapped = pair.client.protect(kNow + 5s, encode(sample()));
    EXPECT_EQ(to_hex(ByteView{wrapped}.subspan(9, 8)), "000000016553f105") << "a new time when the ids are used up";
}

TEST(TlsCryptV2, TeachesTheServerTheClientsKeyAndMetadata) {
    const V2 keys{as_bytes("hello")};
    auto pair = keys.pair();
    EXPECT_FALSE(pair.server.knows_client_key());
    EXPECT_TRUE(pair.client.knows_client_key());
    const auto reset = pair.client.protect(kNow, encode(sample(Opcode::ControlHardResetClientV3)));
    EXPECT_EQ(Bytes(reset.end() - static_cast<std::ptrdiff_t>(keys.client.wrapped.size()), reset.end()),
              keys.client.wrapped);
    ASSERT_TRUE(pair.server.unprotect(kNow, reset));
    EXPECT_TRUE(pair.server.knows_client_key());
    EXPECT_EQ(as_text(pair.server.client_metadata()), "hello");
    EXPECT_TRUE(pair.server.fresh().knows_client_key());
}

TEST(TlsCryptV2, TakesNothingBeforeTheWrappedKey) {
    auto pair = V2{}.pair();
    EXPECT_EQ(pair.server.unprotect(kNow, pair.client.protect(kNow, encode(sample()))).error().fault,
              Fault::Unauthentic);
    EXPECT_TRUE(pair.server.protect(kNow, encode(sample())).empty());
}

TEST(TlsCryptV2, KeepsTheKeyThatItBeganWith) {
    const V2 keys;
    SeededRandom random{9};
    const auto other = TlsCryptV2ClientKey::make(keys.server, random).value();
    auto pair = keys.pair();
    ControlChannel stranger{TlsCryptV2{other}, Role::Client};
    ASSERT_TRUE(pair.server.unprotect(kNow, pair.client.protect(kNow, encode(sample(Opcode::ControlWkcV1)))));
    EXPECT_EQ(pair.server.unprotect(kNow, stranger.protect(kNow, encode(sample(Opcode::ControlWkcV1)))).error().fault,
              Fault::Refused);
    EXPECT_TRUE(pair.server.unprotect(kNow, pair.client.protect(kNow, encode(sample(Opcode::ControlWkcV1)))));
}

TEST(TlsCryptV2, LearnsNothingFromAPacketThatIsNotTheKeysOwn) {
    const V2 keys;
    auto pair = keys.pair();
    auto reset = pair.client.protect(kNow, encode(sample(Opcode::ControlHardResetClientV3)));
    for (std::size_t size = 0; size < reset.size(); ++size)
        ASSERT_FALSE(pair.server.unprotect(kNow, ByteView{reset}.first(size))) << size;
    for (std::size_t at = 0; at < reset.size(); ++at) {
        reset[at] ^= 1;
        ASSERT_FALSE(pair.server.unprotect(kNow, reset)) << at;
        reset[at] ^= 1;
    }
    EXPECT_FALSE(pair.server.knows_client_key());
    EXPECT_TRUE(pair.server.unprotect(kNow, reset));
}

TEST(ControlProtection, KnowsItsNames) {
    EXPECT_EQ(name_of(ControlProtection{Unprotected{}}), "none");
    EXPECT_EQ(name_of(ControlProtection{TlsAuth{}}), "tls-auth");
    EXPECT_EQ(name_of(ControlProtection{TlsCrypt{}}), "tls-crypt");
    EXPECT_EQ(name_of(ControlProtection{TlsCryptV2{}}), "tls-crypt-v2");
}

}  // namespace
}  // namespace gatelab::openvpn
