// Two sessions meet over wires of every kind, exchange data, and show what they agreed on.
#include "impl/openvpn/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/impl/openvpn/pair.h"
#include "tests/support/counted_heap.h"

namespace gatelab::openvpn::test {
namespace {

static_assert(Engine<Session>);

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

StaticKey some_key() {
    SeededRandom random{3, "static key"};
    return StaticKey::generate(random);
}

struct Protections {
    ControlProtection client, server;
};
std::vector<Protections> every_protection() {
    SeededRandom random{4, "tls-crypt-v2"};
    const auto server_key = TlsCryptV2ServerKey::generate(random);
    const auto client_key = TlsCryptV2ClientKey::make(server_key, random).value();
    return {{Unprotected{}, Unprotected{}},
            {TlsAuth{some_key(), KeyDirection::Inverse, crypto::Hash::Sha256},
             TlsAuth{some_key(), KeyDirection::Normal, crypto::Hash::Sha256}},
            {TlsAuth{some_key()}, TlsAuth{some_key()}},
            {TlsCrypt{some_key()}, TlsCrypt{some_key()}},
            {TlsCryptV2{client_key}, TlsCryptV2{server_key}}};
}

void expect_data_both_ways(Pair& pair) {
    EXPECT_TRUE(pair.send(pair.client, inner_packet("ping")));
    EXPECT_TRUE(pair.send(pair.server, inner_packet("pong")));
    pair.run_for(seconds(1));
    EXPECT_THAT(pair.server.received, Contains(inner_packet("ping")));
    EXPECT_THAT(pair.client.received, Contains(inner_packet("pong")));
}

TEST(Session, ConnectsUnderEveryProtectionAndTransport) {
    for (const auto transport : {Transport::Udp, Transport::Tcp}) {
        for (const auto& protection : every_protection()) {
            SCOPED_TRACE(std::string{name_of(transport)} + " " + std::string{name_of(protection.client)});
            auto client = client_options(transport), server = server_options(transport);
            client.protection = protection.client;
            server.protection = protection.server;
            Pair pair{client, server};
            ASSERT_TRUE(pair.connect()) << pair.client.why_closed() << pair.server.why_closed();
            expect_data_both_ways(pair);
        }
    }
}

TEST(Session, ConnectsOverAWireThatLosesReordersAndRepeats) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        for (const auto& protection : every_protection()) {
            SCOPED_TRACE("seed " + std::to_string(seed) + " " + std::string{name_of(protection.client)});
            auto client = client_options(), server = server_options();
            client.protection = protection.client;
            server.protection = protection.server;
            Pair pair{client, server, seed, {.loss = 0.2, .repetition = 0.1, .jitter = milliseconds(30)}};
            ASSERT_TRUE(pair.connect()) << pair.client.why_closed() << pair.server.why_closed();
            EXPECT_FALSE(pair.client.closed());
            EXPECT_FALSE(pair.server.closed());
        }
    }
}

TEST(Session, TellsWhatItIs) {
    Pair pair{client_options(), server_options()};
    EXPECT_FALSE(pair.client.session.status().up);
    ASSERT_TRUE(pair.connect());
    const auto client = pair.client.session.status(), server = pair.server.session.status();
    EXPECT_TRUE(client.up && server.up);
    EXPECT_EQ(client.peer_name, "gw.gatelab.test");
    EXPECT_EQ(server.peer_name, "alice");
    EXPECT_EQ(client.tls_version, "TLSv1.3");
    EXPECT_THAT(client.tls_suite, HasSubstr("TLS_"));
    EXPECT_EQ(client.peer_id, 7u);
    EXPECT_EQ(server.peer_id, 7u);
    EXPECT_EQ(client.pushed, server.pushed);
    EXPECT_EQ(client.pushed->address, usual_push().address);
    EXPECT_EQ(text_of(server.peer_info, "IV_CIPHERS"), "AES-256-GCM:AES-128-GCM");
    EXPECT_EQ(pair.server.last<Session::PeerAuthenticated>().certificate->subject(), "CN=alice");
    EXPECT_FALSE(pair.client.all<Session::Secret>().empty());
    EXPECT_EQ(pair.client.all<Session::Secret>().size(), pair.server.all<Session::Secret>().size());
    pair.send(pair.client, inner_packet("one"));
    pair.run_for(seconds(1));
    EXPECT_EQ(pair.client.session.status().data.packets_out, 1u);
    EXPECT_EQ(pair.server.session.status().data.packets_in, 1u);
}

TEST(Session, AsksForItsPushUntilItComes) {
    auto client = client_options();
    client.peer_info = {{"IV_VER", "2.4"}, {"IV_PROTO", "2"}, {"IV_NCP", "2"}};
    Pair pair{client, server_options()};
    pair.on_peer = [](const Session::PeerAuthenticated&) {};
    pair.dial();
    pair.run_for(seconds(12));
    EXPECT_EQ(pair.client.traced("control-message-sent", "text", "PUSH_REQUEST"), 3);  // at 0, 5 and 10 s
    pair.call([&] { pair.server.session.grant(pair.now, usual_push()); });
    pair.run_for(seconds(1));
    EXPECT_TRUE(pair.client.opened());
    pair.run_for(seconds(20));
    EXPECT_EQ(pair.client.traced("control-message-sent", "text", "PUSH_REQUEST"), 3);
}

TEST(Session, NeedsNoRequestFromAClientThatSaidItWantsThePush) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    EXPECT_EQ(pair.client.traced("control-message-sent", "text", "PUSH_REQUEST"), 0);
}

TEST(Session, PushesNineHundredRoutes) {
    Pair pair{client_options(), server_options(), 1, {.loss = 0.1, .jitter = milliseconds(10)}};
    auto push = usual_push();
    push.routes.clear();
    for (std::uint32_t i = 0; i < 900; ++i) push.routes.push_back({Prefix{Ipv4Address{0x0a000000 + (i << 8)}, 24}, {}});
    pair.on_peer = [&](const Session::PeerAuthenticated&) { pair.server.session.grant(pair.now, push); };
    ASSERT_TRUE(pair.connect()) << pair.client.why_closed() << pair.server.why_closed();
    EXPECT_EQ(pair.client.last<Session::Opened>().pushed.routes, push.routes);
}

TEST(Session, KeepsControlPacketsWithinTheirSize) {
    for (const auto& protection : every_protection()) {
        auto client = client_options(), server = server_options();
        client.protection = protection.client;
        server.protection = protection.server;
        client.control_payload = server.control_payload = 300;
        Pair pair{client, server, 5, {.loss = 0.05, .jitter = milliseconds(5)}};
        ASSERT_TRUE(pair.connect());
        for (const auto& parcel : pair.sent)
            if (head_of(parcel.bytes)->opcode != Opcode::ControlHardResetClientV3) {
                EXPECT_LE(parcel.bytes.size(), 300u);
            }
    }
}

TEST(Session, KeepsWhatComesBeforeItsOwnResetIsAcknowledged) {
    Pair pair{client_options(), server_options()};
    bool stripped = false;
    pair.wire.on_send = [&](Instant, Parcel& parcel) {
        auto packet = parse_control(parcel.bytes).value();
        if (stripped || packet.opcode != Opcode::ControlV1) return true;
        stripped = true;  // the ClientHello, whose acknowledgement of the server's reset gets lost
        packet.acks.clear();
        packet.peer_session.reset();
        parcel.bytes = encode(packet);
        return true;
    };
    ASSERT_TRUE(pair.connect());
    EXPECT_TRUE(stripped);
    EXPECT_LT(pair.now - kStart, seconds(3));
    EXPECT_EQ(pair.client.session.status().control_retransmissions, 0u);
}

// SoftEther takes no packet with more, and repeats its own for ever.
TEST(Session, AcknowledgesAtMostFourPacketsInOne) {
    auto client = client_options(), server = server_options();
    client.control_payload = server.control_payload = 256;
    Pair pair{client, server, 5, {.loss = 0.05, .jitter = milliseconds(50)}};
    ASSERT_TRUE(pair.connect());
    std::size_t most = 0;
    for (const auto& parcel : pair.sent)
        if (const auto packet = parse_control(parcel.bytes)) most = std::max(most, packet->acks.size());
    EXPECT_EQ(most, 4u);
}

TEST(Session, RepeatsByteForByteFromOneSeed) {
    const auto run = [](std::uint64_t seed) {
        auto client = client_options(), server = server_options();
        client.renegotiate = seconds(50);
        client.data_ciphers = {DataCipher::Aes256Cbc};
        server.data_ciphers = {DataCipher::Aes256Cbc};
        Pair pair{client, server, seed, {.loss = 0.1, .repetition = 0.1, .jitter = milliseconds(20)}};
        pair.connect();
        for (int i = 0; i < 100; ++i) {
            pair.send(pair.client, inner_packet(std::to_string(i)));
            pair.run_for(seconds(1));
        }
        Bytes all;
        for (const auto& parcel : pair.sent) append(all, parcel.bytes);
        return all;
    };
    const auto once = run(1);
    EXPECT_GT(once.size(), 10'000u);
    EXPECT_EQ(once, run(1));
    EXPECT_NE(once, run(2));
}

TEST(Session, TakesNothingFromTheHeapPerDataPacket) {
    for (const auto cipher : {DataCipher::Aes256Gcm, DataCipher::Aes256Cbc}) {
        auto client = client_options(), server = server_options();
        client.data_ciphers = server.data_ciphers = {cipher};
        client.renegotiate_packets = 1'000'000;
        Pair pair{client, server};
        ASSERT_TRUE(pair.connect());
        const auto inner = inner_packet("data", 1300), syn = inner_syn(1460);
        Bytes wire(2000);
        std::size_t size = 0, arrived = 0;
        std::array<std::uint64_t, 8> large{};  // captures that a std::function would put on the heap
        const auto once = [&](ByteView what) {
            pair.client.session.seal(pair.now, what, [&, large](ByteView packet) {
                std::copy(packet.begin(), packet.end(), wire.begin());
                size = packet.size() + large[0];
            });
            arrived += pair.server.session.open(pair.now, ByteView{wire}.first(size)).size();
        };
        once(inner);
        once(syn);
        const HeapCount heap;
        for (int i = 0; i < 100; ++i) {
            once(inner);
            once(syn);
        }
        EXPECT_EQ(heap.allocations(), 0u);
        EXPECT_EQ(arrived, 101 * (inner.size() + syn.size()));
    }
}

}  // namespace
}  // namespace gatelab::openvpn::test
