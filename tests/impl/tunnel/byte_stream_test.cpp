#include "impl/tunnel/byte_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/counted_heap.h"
#include "tests/support/fake_tcp.h"

namespace gatelab::tunnel {
namespace {

using namespace std::chrono_literals;
using testing::FakeNetwork;

constexpr Endpoint kDialler{{198, 51, 100, 1}, 5000}, kListener{{203, 0, 113, 1}, 443};
constexpr std::size_t kQueue = 10'000;

// Two ends of a connection.
struct Wire {
    Wire() {
        listener->on_accept([this](std::unique_ptr<TcpStream> stream) {
            there = std::make_unique<ByteStream>(std::move(stream), ByteStream::Limits{kQueue},
                                                 callbacks(arrived, there_closed));
        });
        here = std::make_unique<ByteStream>(network.tcp().connect(kDialler, kListener), ByteStream::Limits{kQueue},
                                            callbacks(returned, here_closed));
        network.run_for(1s);
    }
    ByteStream::Callbacks callbacks(Bytes& into, std::optional<std::string>& closed) {
        return {.connected = [this] { connected = true; },
                .received = [&into](ByteView bytes) { append(into, bytes); },
                .closed = [&closed](const std::string& why) { closed = why; }};
    }
    FakeNetwork network;
    std::unique_ptr<TcpListener> listener = *network.tcp().listen(kListener);
    Bytes arrived, returned;
    bool connected = false;
    std::optional<std::string> here_closed, there_closed;
    std::unique_ptr<ByteStream> here, there;
};

Bytes counted(std::size_t size, std::uint8_t first) {
    Bytes bytes(size);
    for (auto& byte : bytes) byte = first++;
    return bytes;
}

TEST(ByteStream, CarriesWhatItIsGivenWholeAndInOrder) {
    Wire wire;
    EXPECT_TRUE(wire.connected);
    wire.network.tcp().window = 7;
    Bytes sent;
    for (std::uint8_t i = 0; i < 40; ++i) {
        append(sent, counted(i, i));
        EXPECT_TRUE(wire.here->send(counted(i, i)));
    }
    wire.network.run_for(10s);
    EXPECT_EQ(wire.arrived, sent);
    EXPECT_EQ(wire.here->waiting(), 0u);
    EXPECT_TRUE(wire.there->send(counted(3, 9)));
    wire.network.run_for(1s);
    EXPECT_EQ(wire.returned, counted(3, 9));
}

TEST(ByteStream, HoldsABoundedAmountForAPeerThatDoesNotRead) {
    Wire wire;
    wire.network.tcp().stalled = true;
    std::size_t taken = 0, with_room = 0;
    for (int i = 0; i < 1000; ++i) {
        with_room += wire.here->has_room() ? 1 : 0;
        taken += wire.here->send(counted(1000, 0)) ? 1 : 0;
    }
    EXPECT_LT(with_room, 30u);
    EXPECT_LE(wire.here->waiting(), 2 * kQueue + 1000);
    wire.network.tcp().stalled = false;
    wire.network.run_for(10s);
    EXPECT_EQ(wire.arrived.size(), taken * 1000);  // and each that was taken arrives whole
    EXPECT_TRUE(wire.here->has_room());
}

TEST(ByteStream, ClosesAfterWhatWaitsHasGoneOut) {
    Wire wire;
    wire.network.tcp().window = 1000;
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(wire.here->send(counted(500, 0)));
    wire.here->close();
    EXPECT_FALSE(wire.here->has_room());
    EXPECT_FALSE(wire.here->send(counted(1, 0)));
    EXPECT_TRUE(wire.there->send(counted(5, 0)));
    wire.network.run_for(5s);
    EXPECT_EQ(wire.arrived.size(), 20u * 500);
    EXPECT_EQ(wire.there_closed, "");
    EXPECT_THAT(wire.returned, ::testing::IsEmpty());  // who closes wants to hear nothing any more
}

TEST(ByteStream, FailsWithAReasonAndIsClosedForThePeer) {
    Wire wire;
    wire.here->fail("nonsense");
    EXPECT_EQ(wire.here_closed, "nonsense");
    wire.network.run_for(1s);
    EXPECT_EQ(wire.there_closed, "");
    EXPECT_FALSE(wire.here->send(counted(1, 0)));
}

// Takes half of what it is given.
struct Slow final : TcpStream {
    explicit Slow(TcpStream::Callbacks& to) : callbacks(to) {}
    Endpoint local() const override { return kDialler; }
    Endpoint remote() const override { return kListener; }
    std::size_t write(ByteView bytes) override { return bytes.size() / 2; }
    void close() override {}
    void set_callbacks(Callbacks with) override { callbacks = std::move(with); }
    TcpStream::Callbacks& callbacks;
};

TEST(ByteStream, TakesNothingFromTheHeapOnceItHasGrown) {
    TcpStream::Callbacks host;
    ByteStream stream{std::make_unique<Slow>(host), {kQueue}, {}};
    const auto piece = counted(1000, 0);
    for (int i = 0; i < 40; ++i) stream.send(piece);
    const HeapCount heap;
    for (int i = 0; i < 1000; ++i) {
        host.writable();
        if (stream.has_room()) stream.send(piece);
    }
    EXPECT_EQ(heap.allocations(), 0u);
}

}  // namespace
}  // namespace gatelab::tunnel
