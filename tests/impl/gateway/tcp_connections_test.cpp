#include "impl/gateway/tcp_connections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>

#include "impl/base/strong.h"
#include "impl/tunnel/byte_stream.h"
#include "tests/support/fake_host.h"
#include "tests/support/fake_tcp.h"

namespace gatelab::gateway {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using Id = Strong<struct TestIdTag, std::uint64_t>;
using Connections = TcpConnections<tunnel::ByteStream, Id>;

constexpr Endpoint kPort{{203, 0, 113, 1}, 443};

struct Door final : Connections::Owner {
    explicit Door(const TcpBounds& bounds) : connections(host, *host.listen_tcp(kPort), bounds, {}, *this) {}
    void handle_accepted(Id id) override { accepted.push_back(id.value()); }
    void handle_received(Id, ByteView bytes) override { append(received, bytes); }
    void handle_disconnect(Id id, const std::string& why) override { left.emplace_back(id.value(), why); }

    testing::FakeNetwork network;
    testing::FakeHost host{network, "gw", kPort.address};
    std::vector<std::uint64_t> accepted;
    std::vector<std::pair<std::uint64_t, std::string>> left;
    Bytes received;
    Connections connections;
};

struct Caller {
    Caller(Door& door, std::uint8_t last) : stream(door.network.tcp().connect({{192, 0, 2, last}, 5000}, kPort)) {
        stream->set_callbacks(
            {.connected = {}, .received = {}, .writable = {}, .closed = [this](const std::string&) { closed = true; }});
        door.network.run_for(20ms);
    }
    bool closed = false;
    std::unique_ptr<TcpStream> stream;
};

TEST(TcpConnections, MakesRoomAmongStrangersAndKeepsTheTrusted) {
    Door door{{.untrusted = 2}};
    std::list<Caller> callers;
    callers.emplace_back(door, 1);
    door.connections.trust(Id{1});
    for (std::uint8_t i = 2; i <= 5; ++i) callers.emplace_back(door, i);
    door.network.run_for(1s);
    EXPECT_THAT(door.accepted, ElementsAre(1, 2, 3, 4, 5));
    EXPECT_THAT(door.left, ElementsAre(std::pair{2u, "makes room"}, std::pair{3u, "makes room"}));
    EXPECT_FALSE(callers.front().closed);
    EXPECT_EQ(door.connections.refused(), 2u);
}

TEST(TcpConnections, DropsWhatHasNotBeenSettledInTimeTrustedOrNot) {
    Door door{{.patience = 20s}};
    Caller stranger{door, 1}, trusted{door, 2}, settled{door, 3};
    door.connections.trust(Id{2});
    door.connections.trust(Id{3});
    door.connections.settle(Id{3});
    door.network.run_for(19s);
    EXPECT_FALSE(stranger.closed || trusted.closed);
    door.network.run_for(2s);
    EXPECT_TRUE(stranger.closed && trusted.closed);
    EXPECT_FALSE(settled.closed);
}

TEST(TcpConnections, LetsOnesThatLingerMakeRoomLikeStrangers) {
    Door door{{.untrusted = 2}};
    std::list<Caller> callers;
    for (std::uint8_t i = 1; i <= 3; ++i) {
        callers.emplace_back(door, i);
        door.connections.trust(Id{i});
        door.connections.close(Id{i});
        EXPECT_EQ(door.connections.endpoint_of(Id{i}).address, (Ipv4Address{192, 0, 2, i}));  // it lingers
    }
    Caller newcomer{door, 4};
    EXPECT_THAT(door.accepted, ElementsAre(1, 2, 3, 4));
    EXPECT_EQ(door.connections.find(Id{1}), nullptr);
    EXPECT_EQ(door.connections.find(Id{2}), nullptr);
    EXPECT_NE(door.connections.find(Id{3}), nullptr);
    door.network.run_for(11s);
    EXPECT_EQ(door.connections.find(Id{3}), nullptr);  // the linger time
}

TEST(TcpConnections, SendsWhatWaitsBeforeItCloses) {
    Door door{{}};
    Caller caller{door, 1};
    Bytes got;
    caller.stream->set_callbacks({.connected = {},
                                  .received = [&](ByteView bytes) { append(got, bytes); },
                                  .writable = {},
                                  .closed = [&](const std::string&) { caller.closed = true; }});
    EXPECT_TRUE(door.connections.find(Id{1})->send(Bytes(50'000, 7)));
    door.connections.close(Id{1});
    door.network.run_for(5s);
    EXPECT_EQ(got.size(), 50'000u);
    EXPECT_TRUE(caller.closed);
}

}  // namespace
}  // namespace gatelab::gateway
