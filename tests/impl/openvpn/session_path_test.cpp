// What happens to packets inside the tunnel: MSS, parts, keys that run out, packets that are not for us.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "impl/openvpn/data_path.h"
#include "tests/impl/openvpn/pair.h"

namespace gatelab::openvpn::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::uint16_t mss_of(const Bytes& syn) { return ByteReader{ByteView{syn}.subspan(42)}.u16(); }

// Sends a SYN that way and tells the MSS that arrives.
std::uint16_t mss_through(Pair& pair, End& from) {
    pair.send(from, inner_syn(1460));
    pair.run_for(seconds(1));
    return mss_of(pair.other(from).received.back());
}

TEST(Mssfix, LowersTheMssBothWaysWhicheverEndHasIt) {
    for (const bool client_has_it : {true, false}) {
        auto client = client_options(), server = server_options();
        (client_has_it ? client : server).mssfix = 1200;
        (client_has_it ? server : client).mssfix = 0;
        Pair pair{client, server};
        ASSERT_TRUE(pair.connect());
        const auto up = mss_through(pair, pair.client), down = mss_through(pair, pair.server);
        EXPECT_EQ(up, down);
        // What such a segment becomes on the wire: IP and UDP, then our packet.
        Bytes segment = inner_packet("", up + 40 - 28);
        pair.sent.clear();
        pair.send(pair.client, segment);
        EXPECT_LE(pair.sent.back().bytes.size() + 28, 1200u);
        EXPECT_GE(pair.sent.back().bytes.size() + 28, 1200u - 8);
    }
}

TEST(Mssfix, HasAUsualValueOverUdpAndNoneOverTcp) {
    for (const auto transport : {Transport::Udp, Transport::Tcp}) {
        Pair pair{client_options(transport), server_options(transport)};
        ASSERT_TRUE(pair.connect());
        const auto mss = mss_through(pair, pair.client);
        if (transport == Transport::Udp) {
            EXPECT_TRUE(mss > 1360 && mss < 1460) << mss;
        } else {
            EXPECT_EQ(mss, 1460);
        }
    }
}

TEST(Mssfix, LeavesOtherPacketsAlone) {
    auto client = client_options();
    client.mssfix = 600;
    Pair pair{client, server_options()};
    ASSERT_TRUE(pair.connect());
    auto no_syn = inner_syn(1460);
    no_syn[33] = 0x10;  // ACK
    Bytes six = inner_syn(1460);
    six[0] = 0x60;
    const Bytes tiny{0x45};
    for (const auto& packet : {no_syn, six, tiny}) pair.send(pair.client, packet);
    pair.run_for(seconds(1));
    EXPECT_THAT(pair.server.received, ElementsAre(no_syn, six, tiny));
}

TEST(Fragment, CutsPacketsWhenBothEndsWantIt) {
    auto client = client_options(), server = server_options();
    client.fragment = server.fragment = 500;
    Pair pair{client, server, 1, {.jitter = milliseconds(20)}};
    ASSERT_TRUE(pair.connect());
    pair.sent.clear();
    for (const std::size_t size : {1u, 300u, 500u, 1400u}) pair.send(pair.client, inner_packet("x", size));
    for (const auto& parcel : pair.sent) EXPECT_LE(parcel.bytes.size(), 500u);
    EXPECT_GE(pair.sent.size(), 7u);
    pair.run_for(seconds(1));
    EXPECT_THAT(pair.server.received, testing::UnorderedElementsAre(inner_packet("x", 1), inner_packet("x", 300),
                                                                    inner_packet("x", 500), inner_packet("x", 1400)));
    EXPECT_LT(mss_through(pair, pair.client), 500);
}

TEST(Fragment, IsNotUsedWhenOnlyWeWantIt) {
    auto client = client_options();
    client.fragment = 500;
    Pair pair{client, server_options()};
    EXPECT_FALSE(pair.connect());  // the server could not read the client's packets
    EXPECT_EQ(pair.server.closed(), CloseReason::OptionsMismatch);
}

TEST(Fragment, CarriesPingsAndExitsToo) {
    auto client = client_options(), server = server_options();
    client.fragment = server.fragment = 500;
    client.ping = seconds(5);
    client.peer_info = {{"IV_VER", "2.4"}, {"IV_PROTO", "2"}, {"IV_NCP", "2"}};
    client.explicit_exit_notify = 1;
    server.ping_restart = seconds(12);
    Pair pair{client, server};
    ASSERT_TRUE(pair.connect());
    pair.run_for(minutes(1));
    EXPECT_FALSE(pair.server.closed());
    EXPECT_THAT(pair.server.received, IsEmpty());
    pair.call([&] { pair.client.session.close(pair.now); });
    pair.run_for(seconds(1));
    EXPECT_EQ(pair.server.closed(), CloseReason::PeerExit);
}

TEST(DataPackets, BeforeTheTunnelIsUpGoNowhere) {
    Pair pair{client_options(), server_options()};
    EXPECT_FALSE(pair.send(pair.client, inner_packet("early")));
    pair.dial();
    EXPECT_FALSE(pair.send(pair.client, inner_packet("early")));
    EXPECT_THAT(pair.server.session.open(pair.now, Bytes(60, 0x48)), IsEmpty());
    EXPECT_FALSE(pair.server.session.is_genuine(Bytes(60, 0x48)));
}

TEST(DataPackets, AreGenuineUntilTheyHaveBeenSeen) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    Bytes packet;
    pair.client.session.seal(pair.now, inner_packet("one"), [&](ByteView sealed) { packet = copy_of(sealed); });
    auto& server = pair.server.session;
    EXPECT_TRUE(server.is_genuine(packet));
    EXPECT_TRUE(server.is_genuine(packet));
    auto forged = packet;
    forged.back() ^= 1;
    EXPECT_FALSE(server.is_genuine(forged));
    EXPECT_THAT(server.open(pair.now, forged), IsEmpty());
    EXPECT_FALSE(server.open(pair.now, packet).empty());
    EXPECT_FALSE(server.is_genuine(packet));
    EXPECT_THAT(server.open(pair.now, packet), IsEmpty());
    EXPECT_EQ(server.status().data.unauthentic, 1u);
    EXPECT_EQ(server.status().data.replayed, 1u);
}

DataKeys keys_of(std::uint8_t fill) {
    DataKeys keys;
    keys.bytes.fill(fill);
    return keys;
}

struct PathPair {
    PathPair() : client(random), server(random) {
        DataPath::Settings settings;
        client.configure(settings);
        settings.role = Role::Server;
        server.configure(settings);
    }
    void install(std::uint8_t id, Duration wait) {
        client.install(kStart, id, keys_of(id), kStart + wait);
        server.install(kStart, id, keys_of(id), kStart + wait);
    }
    SeededRandom random{1};
    DataPath client, server;
};

TEST(DataPath, UsesTheOnlyKeyAtOnceAndALaterOneInItsTime) {
    PathPair pair;
    EXPECT_FALSE(pair.client.sending_key());
    pair.install(0, seconds(30));
    EXPECT_EQ(pair.client.sending_key(), 0);
    EXPECT_FALSE(pair.client.next_switch());
    pair.install(1, seconds(30));
    EXPECT_EQ(pair.client.sending_key(), 0);
    EXPECT_EQ(pair.client.next_switch(), kStart + seconds(30));
    pair.client.switch_keys(kStart + seconds(29));
    EXPECT_EQ(pair.client.sending_key(), 0);
    // A packet sent when the time has come needs no earlier handle_timeout().
    EXPECT_TRUE(pair.client.seal(kStart + seconds(30), inner_packet("x"),
                                 [](ByteView packet) { EXPECT_EQ(head_of(packet)->key_id, 1); }));
    EXPECT_EQ(pair.client.sending_key(), 1);
}

TEST(DataPath, MovesToTheNewestKeyWhenTheOldOneIsRetired) {
    PathPair pair;
    pair.install(0, {});
    pair.install(1, seconds(30));
    pair.client.retire(0);
    EXPECT_EQ(pair.client.sending_key(), 1);
    pair.client.retire(1);
    EXPECT_FALSE(pair.client.sending_key());
    EXPECT_FALSE(pair.client.seal(kStart, inner_packet("x"), [](ByteView) { FAIL(); }));
    EXPECT_EQ(pair.client.counters().no_key, 1u);
}

TEST(DataPath, CountsOverKeysThatAreGone) {
    PathPair pair;
    pair.install(0, {});
    for (int i = 0; i < 3; ++i) pair.client.seal(kStart, inner_packet("x"), [](ByteView) {});
    pair.install(1, {});
    pair.client.retire(0);
    pair.client.seal(kStart, inner_packet("x"), [](ByteView) {});
    EXPECT_EQ(pair.client.counters().packets_out, 4u);
    EXPECT_EQ(pair.client.usage_of_newest().packets, 1u);
}

}  // namespace
}  // namespace gatelab::openvpn::test
