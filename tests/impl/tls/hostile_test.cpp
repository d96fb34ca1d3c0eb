// Whatever arrives, the engine ends in one of its states, and does not keep more than a record.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "impl/base/random.h"
#include "tests/impl/tls/pair.h"

namespace gatelab::tls {
namespace {

struct Flights {
    Bytes client_hello, server_flight;
};

Flights flights(Version version) {
    auto options = client_options();
    options.policy.minimum = options.policy.maximum = version;
    Pair pair{options};
    pair.client.engine.start(kNow);
    pair.client.take();
    Flights made{pair.client.out, {}};
    pair.server.engine.handle_bytes(kNow, made.client_hello);
    pair.server.take();
    made.server_flight = pair.server.out;
    return made;
}

TEST(TlsHostile, PrefixesOfAHelloAreWaitedFor) {
    const auto hello = flights(Version::Tls13).client_hello;
    for (std::size_t size = 0; size < hello.size(); ++size) {
        End server{server_options()};
        server.engine.handle_bytes(kNow, ByteView{hello}.first(size));
        server.take();
        EXPECT_FALSE(server.closed) << size;
        EXPECT_TRUE(server.out.empty());
    }
}

TEST(TlsHostile, FlippedBitsNeverEstablish) {
    for (const auto version : {Version::Tls12, Version::Tls13}) {
        SeededRandom random{1, "flips"};
        const auto [hello, flight] = flights(version);
        for (int i = 0; i < 150; ++i) {
            auto bad = hello;
            bad[random.below(bad.size())] ^= static_cast<std::uint8_t>(1u << random.below(8));
            End server{server_options()};
            server.engine.handle_bytes(kNow, bad);
            server.take();
            EXPECT_FALSE(server.established);

            Pair pair;
            pair.client.engine.start(kNow);
            pair.client.take();
            auto answer = flight;  // to another ClientHello, and broken
            answer[random.below(answer.size())] ^= static_cast<std::uint8_t>(1u << random.below(8));
            pair.client.engine.handle_bytes(kNow, answer);
            pair.client.take();
            EXPECT_FALSE(pair.client.established);
        }
    }
}

TEST(TlsHostile, FlippedBitsOfTheLastFlightNeverEstablishTheServer) {
    for (const auto version : {Version::Tls12, Version::Tls13}) {
        SeededRandom random{2, "flips"};
        for (int i = 0; i < 60; ++i) {
            auto options = client_options();
            options.policy.minimum = options.policy.maximum = version;
            Pair pair{options};
            pair.client.engine.start(kNow);
            pair.client.take();
            pair.server.engine.handle_bytes(kNow, std::exchange(pair.client.out, {}));
            pair.server.take();
            pair.client.engine.handle_bytes(kNow, pair.server.out);
            pair.client.take();
            auto last = pair.client.out;
            // The version in a record's header is ignored once encrypted (RFC 8446 section 5.1), so hit the end.
            last[last.size() - 1 - random.below(16)] ^= static_cast<std::uint8_t>(1u << random.below(8));
            pair.server.engine.handle_bytes(kNow, last);
            pair.server.take();
            EXPECT_FALSE(pair.server.established);
            ASSERT_TRUE(pair.server.closed);
            EXPECT_EQ(pair.server.closed->reason, CloseReason::Protocol);
        }
    }
}

TEST(TlsHostile, NoiseEndsTheConnectionWithAReason) {
    SeededRandom random{3, "noise"};
    for (int i = 0; i < 200; ++i) {
        const auto noise = random.bytes(1 + random.below(2000));
        for (auto* end : {new End{server_options()}, new End{client_options()}}) {
            const std::unique_ptr<End> owner{end};
            end->engine.start(kNow);
            for (ByteView rest = noise; !rest.empty();) {
                const auto piece = rest.first(std::min<std::size_t>(rest.size(), 1 + random.below(50)));
                end->engine.handle_bytes(kNow, piece);
                rest = rest.subspan(piece.size());
            }
            end->take();
            EXPECT_FALSE(end->established);
            EXPECT_TRUE(end->closed || noise.size() <= 16);
        }
    }
}

TEST(TlsHostile, AnotherProtocolIsRefused) {
    // The last one opens like OpenVPN over TCP: a length, an opcode and a session id.
    const std::string openvpn("\x00\x0e\x38wxyz12345678", 15);
    for (const auto& text :
         {std::string{"GET / HTTP/1.1\r\nHost: gw\r\n\r\n"}, std::string{"SSH-2.0-OpenSSH_9.2\r\n"}, openvpn}) {
        End server{server_options()};
        server.engine.handle_bytes(kNow, as_bytes(text));
        server.take();
        ASSERT_TRUE(server.closed);
        EXPECT_EQ(server.closed->reason, CloseReason::Protocol);
        EXPECT_FALSE(server.closed->detail.empty());
    }
}

TEST(TlsHostile, RenegotiationIsRefused) {
    auto options = client_options();
    options.policy.maximum = Version::Tls12;
    Pair pair{options};
    pair.run();
    // --> ClientHello in the clear, where only protected records are due
    const auto hello = flights(Version::Tls12).client_hello;
    pair.server.engine.handle_bytes(kNow, hello);
    pair.server.take();
    ASSERT_TRUE(pair.server.closed);
    EXPECT_EQ(pair.server.closed->reason, CloseReason::Protocol);
}

TEST(TlsHostile, AReplayedRecordEndsTheConnection) {
    for (const auto version : {Version::Tls12, Version::Tls13}) {
        auto options = client_options();
        options.policy.minimum = options.policy.maximum = version;
        Pair pair{options};
        pair.run();
        pair.client.engine.write(kNow, as_bytes("once"));
        pair.client.take();
        const auto record = pair.client.out;
        pair.run();
        pair.server.engine.handle_bytes(kNow, record);
        pair.server.take();
        EXPECT_EQ(pair.server.received, "once");
        ASSERT_TRUE(pair.server.closed);
        EXPECT_EQ(pair.server.closed->reason, CloseReason::Protocol);
    }
}

}  // namespace
}  // namespace gatelab::tls
