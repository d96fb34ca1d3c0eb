#include <gmock/gmock.h>

#include "tests/sim/network/support.h"

namespace gatelab::sim {
namespace {

// One end of a connection and what it saw.
struct Peer {
    std::unique_ptr<TcpStream> stream;
    std::string received;
    bool connected = false;
    std::optional<std::string> closed;
    std::function<void()> writable;

    void take(std::unique_ptr<TcpStream> taken) {
        stream = std::move(taken);
        stream->set_callbacks({.connected = [this] { connected = true; },
                               .received = [this](ByteView bytes) { received += as_text(bytes); },
                               .writable =
                                   [this] {
                                       if (writable) writable();
                                   },
                               .closed = [this](std::string why) { closed = std::move(why); }});
    }
};

// alice connects to bob's port 443.
struct Connection {
    Line line;
    std::unique_ptr<TcpListener> listener;
    Peer alice, bob;

    explicit Connection(double loss = 0) : line({}, loss), listener(line.bob.listen_tcp({{}, 443}).value()) {
        listener->on_accept([this](std::unique_ptr<TcpStream> stream) { bob.take(std::move(stream)); });
        alice.take(line.alice.connect_tcp({kBob, 443}).value());
    }
    void run(Duration until) { line.network.run_until(until); }
};

TEST(SimTcp, ConnectsAndCarriesBytesBothWays) {
    Connection connection;
    connection.run(milliseconds(100));
    ASSERT_TRUE(connection.alice.connected);
    ASSERT_TRUE(connection.bob.stream);
    EXPECT_EQ(connection.alice.stream->remote(), (Endpoint{kBob, 443}));
    EXPECT_EQ(connection.bob.stream->remote(), connection.alice.stream->local());
    EXPECT_EQ(connection.alice.stream->write(as_bytes("question")), 8u);
    connection.run(milliseconds(200));
    EXPECT_EQ(connection.bob.received, "question");
    EXPECT_EQ(connection.bob.stream->write(as_bytes("answer")), 6u);
    connection.run(milliseconds(300));
    EXPECT_EQ(connection.alice.received, "answer");
}

std::string long_text() {
    std::string text;
    for (int i = 0; text.size() < 3'000'000; ++i) text += std::to_string(i) + ' ';
    return text;
}

// Writes all of `text` as the stream takes it, then closes.
void pour(Peer& peer, const std::string& text, std::size_t& position, int& refusals) {
    const auto more = [&peer, &text, &position, &refusals] {
        position += peer.stream->write(as_bytes(text).subspan(position));
        if (position < text.size()) ++refusals;
        if (position == text.size()) peer.stream->close();
    };
    peer.writable = more;
    more();
}

TEST(SimTcp, PushesBackAndLosesNothing) {
    Connection connection{0.01};
    connection.run(milliseconds(100));
    const auto text = long_text();
    std::size_t position = 0;
    int refusals = 0;
    pour(connection.alice, text, position, refusals);
    EXPECT_LT(position, text.size());
    connection.run(seconds(120));
    EXPECT_GT(refusals, 0);
    EXPECT_EQ(connection.bob.received, text);
    EXPECT_EQ(connection.bob.closed, "");
    EXPECT_EQ(connection.alice.closed, "");
    EXPECT_GT(connection.alice.stream->retransmissions(), 0u);
    EXPECT_EQ(connection.bob.stream->retransmissions(), 0u);
}

// Links this fast leave nothing but the receiver's window to hold the sender back when a packet is lost.
TEST(SimTcp, SurvivesALossWhileTheReceiversWindowIsFull) {
    Line line{{}, 0.0005};
    for (const auto* side : {"alice", "bob"}) {
        line.network.set_processing_delay(side, milliseconds(20));
    }
    const auto listener = line.bob.listen_tcp({{}, 443}).value();
    Peer alice, bob;
    std::size_t received = 0, written = 0;
    listener->on_accept([&](std::unique_ptr<TcpStream> stream) {
        bob.stream = std::move(stream);
        bob.stream->set_callbacks({.connected = {},
                                   .received = [&](ByteView bytes) { received += bytes.size(); },
                                   .writable = {},
                                   .closed = {}});
    });
    const std::string chunk(16 * 1024, 'x');
    alice.take(line.alice.connect_tcp({kBob, 443}).value());
    alice.writable = [&] {
        for (std::size_t taken = chunk.size(); taken == chunk.size(); written += taken)
            taken = alice.stream->write(as_bytes(chunk));
    };
    line.network.run_until(milliseconds(200));
    alice.writable();
    line.network.run_until(seconds(12));
    EXPECT_GT(alice.stream->retransmissions(), 0u);
    EXPECT_GT(received, 10'000'000u);
}

TEST(SimTcp, AsksAgainForALostPacketWithinAFifthOfASecond) {
    Connection connection;
    connection.run(milliseconds(100));
    bool lost = false;
    connection.line.network.intercept("router-bob", [&](const std::string&, ByteView packet) {
        const bool first = packet.size() > 1000 && !lost;
        lost = lost || first;
        return first ? Verdict{Verdict::Kind::Drop, {}} : Verdict{};
    });
    (void)connection.alice.stream->write(as_bytes(std::string(1200, 'x')));  // no other tells of the loss
    connection.run(milliseconds(100 + 250));
    EXPECT_TRUE(lost);
    EXPECT_EQ(connection.bob.received.size(), 1200u);
}

TEST(SimTcp, TellsOfRoomAsSoonAsSomebodyReads) {
    Line line;
    const auto listener = line.bob.listen_tcp({{}, 443}).value();
    Peer alice, bob;
    listener->on_accept([&](std::unique_ptr<TcpStream> stream) { bob.stream = std::move(stream); });
    alice.take(line.alice.connect_tcp({kBob, 443}).value());
    line.network.run_until(milliseconds(100));
    const std::string text(2'000'000, 'x');
    std::size_t written = 0;
    alice.writable = [&] { written += alice.stream->write(as_bytes(text).subspan(written)); };
    alice.writable();
    line.network.run_until(seconds(1));  // nobody listens: the window is closed
    ASSERT_LT(written, text.size());
    bob.take(std::move(bob.stream));
    line.network.run_until(seconds(1) + milliseconds(100));
    EXPECT_EQ(bob.received.size(), text.size());
}

TEST(SimTcp, CountsNoRetransmissionsOnACleanPath) {
    Connection connection;
    connection.run(milliseconds(100));
    (void)connection.alice.stream->write(as_bytes(std::string(100'000, 'x')));
    connection.run(seconds(5));
    EXPECT_EQ(connection.bob.received.size(), 100'000u);
    EXPECT_EQ(connection.alice.stream->retransmissions(), 0u);
}

TEST(SimTcp, SaysThatNobodyListens) {
    Line line;
    Peer peer;
    peer.take(line.alice.connect_tcp({kBob, 443}).value());
    line.network.run_until(seconds(1));
    ASSERT_TRUE(peer.closed.has_value());
    EXPECT_NE(*peer.closed, "");
    EXPECT_FALSE(peer.connected);
}

TEST(SimTcp, AbortsWhenDestroyed) {
    Connection connection;
    connection.run(milliseconds(100));
    connection.alice.stream.reset();
    connection.run(milliseconds(200));
    ASSERT_TRUE(connection.bob.closed.has_value());
    EXPECT_NE(*connection.bob.closed, "");
}

TEST(SimTcp, MayBeDestroyedInItsOwnCallback) {
    Connection connection;
    connection.run(milliseconds(100));
    auto& bob = connection.bob;
    TcpStream::Callbacks callbacks;
    callbacks.received = [&](ByteView) { bob.stream.reset(); };
    callbacks.closed = [](const std::string&) { FAIL(); };
    bob.stream->set_callbacks(std::move(callbacks));
    (void)connection.alice.stream->write(as_bytes("x"));
    connection.run(milliseconds(200));
    EXPECT_FALSE(bob.stream);
    EXPECT_TRUE(connection.alice.closed.has_value());
}

TEST(SimTcp, KeepsBytesUntilSomebodyListens) {
    Line line;
    const auto listener = line.bob.listen_tcp({{}, 443}).value();
    std::unique_ptr<TcpStream> accepted;
    listener->on_accept([&](std::unique_ptr<TcpStream> stream) { accepted = std::move(stream); });
    Peer alice, bob;
    alice.take(line.alice.connect_tcp({kBob, 443}).value());
    (void)alice.stream->write(as_bytes("early"));
    line.network.run_until(seconds(1));
    alice.stream->close();
    line.network.run_until(seconds(2));
    ASSERT_TRUE(accepted);
    bob.take(std::move(accepted));
    line.network.run_until(seconds(3));
    EXPECT_EQ(bob.received, "early");
    EXPECT_EQ(bob.closed, "");
}

TEST(SimTcp, StopsAcceptingWhenTheListenerIsGone) {
    Connection connection;
    connection.run(milliseconds(100));
    connection.listener.reset();
    Peer second;
    second.take(connection.line.alice.connect_tcp({kBob, 443}).value());
    connection.run(seconds(1));
    EXPECT_TRUE(second.closed.has_value());
    EXPECT_EQ(connection.alice.stream->write(as_bytes("still")), 5u);
    connection.run(seconds(2));
    EXPECT_EQ(connection.bob.received, "still");
    EXPECT_FALSE(connection.line.bob.listen_tcp({{10, 9, 9, 9}, 443}).has_value());
}

TEST(SimTcp, RefusesATakenPort) {
    Connection connection;
    EXPECT_EQ(connection.line.bob.listen_tcp({{}, 443}).error().fault, Fault::Refused);
}

}  // namespace
}  // namespace gatelab::sim
