#include "impl/tunnel/packet_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_tcp.h"

namespace gatelab::tunnel {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::FakeNetwork;
using ::testing::SizeIs;

constexpr Endpoint kDialler{{198, 51, 100, 1}, 5000}, kListener{{203, 0, 113, 1}, 443};

Bytes control(std::size_t size) { return Bytes(size, encode(openvpn::Head{openvpn::Opcode::ControlV1, 0})); }
Bytes data(std::size_t size) { return Bytes(size, encode(openvpn::Head{openvpn::Opcode::DataV2, 0})); }

// Two ends of a connection.
struct Wire {
    explicit Wire(PacketStream::Limits limits = {}) {
        listener->on_accept([this, limits](std::unique_ptr<TcpStream> stream) {
            there = std::make_unique<PacketStream>(std::move(stream), limits, callbacks(arrived, there_closed));
        });
        here = std::make_unique<PacketStream>(network.tcp().connect(kDialler, kListener), limits,
                                              callbacks(returned, here_closed));
        network.run_for(1s);
    }
    PacketStream::Callbacks callbacks(std::vector<Bytes>& packets, std::optional<std::string>& closed) {
        return {.connected = {},
                .received = [&packets](ByteView packet) { packets.push_back(copy_of(packet)); },
                .closed = [&closed](const std::string& why) { closed = why; }};
    }
    FakeNetwork network;
    std::unique_ptr<TcpListener> listener = *network.tcp().listen(kListener);
    std::vector<Bytes> arrived, returned;
    std::optional<std::string> here_closed, there_closed;
    std::unique_ptr<PacketStream> here, there;
};

TEST(PacketStream, KeepsPacketsWholeAndInOrder) {
    Wire wire;
    wire.network.tcp().window = 7;  // cuts lengths and packets anywhere
    std::vector<Bytes> sent;
    for (std::size_t size = 1; size <= 40; ++size) {
        sent.push_back(control(size));
        EXPECT_TRUE(wire.here->send(sent.back()));
    }
    wire.network.run_for(10s);
    EXPECT_EQ(wire.arrived, sent);
    EXPECT_TRUE(wire.there->send(data(3)));
    wire.network.run_for(1s);
    EXPECT_THAT(wire.returned, ElementsAre(data(3)));
}

TEST(PacketStream, HasNoRoomOnceItsQueueIsFullAndRoomAgainLater) {
    Wire wire{{.largest_packet = 4096, .queue = 10'000}};
    wire.network.tcp().stalled = true;
    std::size_t sealed = 0;
    while (wire.here->has_room() && sealed < 1000) {
        EXPECT_TRUE(wire.here->send(data(1000)));
        ++sealed;
    }
    EXPECT_LT(sealed, 30u);
    EXPECT_LE(wire.here->waiting(), 11'100u);
    EXPECT_TRUE(wire.here->send(data(1000)));  // one that is sealed all the same goes out, too
    wire.network.tcp().stalled = false;
    wire.network.run_for(5s);
    EXPECT_TRUE(wire.here->has_room());
    EXPECT_EQ(wire.here->waiting(), 0u);
    EXPECT_THAT(wire.arrived, SizeIs(sealed + 1));
}

TEST(PacketStream, DropsControlPacketsOnceTooManyWait) {
    Wire wire{{.largest_packet = 4096, .queue = 10'000}};
    wire.network.tcp().stalled = true;
    int taken = 0;
    for (int i = 0; i < 1000; ++i) taken += wire.here->send(control(1000)) ? 1 : 0;
    EXPECT_LT(taken, 50);
    EXPECT_LE(wire.here->waiting(), 21'100u);
    wire.network.tcp().stalled = false;
    wire.network.run_for(5s);
    EXPECT_THAT(wire.arrived, SizeIs(static_cast<std::size_t>(taken)));
}

TEST(PacketStream, BreaksOverAPacketThatIsTooLong) {
    Wire wire{{.largest_packet = 100}};
    EXPECT_TRUE(wire.here->send(control(101)));
    wire.network.run_for(1s);
    EXPECT_THAT(wire.arrived, SizeIs(0));
    EXPECT_THAT(wire.there_closed.value_or(""), ::testing::HasSubstr("101 octets"));
    EXPECT_EQ(wire.here_closed, "");
}

TEST(PacketStream, ClosesAfterWhatWaitsHasGoneOut) {
    Wire wire;
    wire.network.tcp().window = 1000;
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(wire.here->send(control(500)));
    wire.here->close();
    EXPECT_FALSE(wire.here->send(control(1)));
    wire.network.run_for(5s);
    EXPECT_THAT(wire.arrived, SizeIs(20));
    EXPECT_EQ(wire.there_closed, "");
}

}  // namespace
}  // namespace gatelab::tunnel
