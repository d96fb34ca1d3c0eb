#include "sim/traffic/flow.h"

#include <gmock/gmock.h>

#include "sim/network/network.h"

namespace gatelab::sim {
namespace {

using namespace std::chrono_literals;
using testing::DoubleNear;

constexpr Ipv4Address kLeft{10, 0, 0, 1}, kRight{10, 0, 0, 2};

// left --- right over one link.
class Flows : public testing::Test {
protected:
    struct Wire {
        std::uint64_t bits_per_second = 1'000'000'000;
        Duration delay = 1ms;
        double loss = 0;
    };

    void connect(Wire wire) {
        topologies::Link link;
        link.bits_per_second = wire.bits_per_second;
        link.delay = wire.delay;
        link.loss = wire.loss;
        network_.add_host("left", {kLeft});
        network_.add_host("right", {kRight});
        link.name = "wire";
        network_.connect("left", "right", link);
        network_.add_route("left", {}, "right");
        network_.add_route("right", {}, "left");
        echo_ = std::make_unique<EchoSocket>(network_.host("left"));
    }

    FlowOptions options(std::optional<Duration> stop = {}) {
        FlowOptions result{.from = {&network_.host("left"), [this] { return left_; }, echo_.get()},
                           .to = {&network_.host("right"), [this] { return right_; }},
                           .epoch = NetworkOptions{}.epoch,
                           .start = NetworkOptions{}.epoch + 1s,
                           .number = numbers_++};
        if (stop) result.stop = result.epoch + *stop;
        return result;
    }

    Network network_{{}};
    std::unique_ptr<EchoSocket> echo_;
    std::optional<Ipv4Address> left_ = kLeft, right_ = kRight;
    std::uint16_t numbers_ = 0;
};

TEST_F(Flows, PingMeasuresTheRoundTripOfTheLink) {
    connect({.delay = 5ms});
    const auto flow = start_ping(options(2s), {.interval = 100ms, .size = 56});
    network_.run_until(3s);
    EXPECT_EQ(flow->counters().packets_sent, 10);
    EXPECT_EQ(flow->counters().packets_received, 10);
    EXPECT_TRUE(flow->settled());
    const auto trips = summarize(flow->counters().round_trips);
    ASSERT_TRUE(trips);
    EXPECT_THAT(trips->min_ms, DoubleNear(10, 0.01));
    EXPECT_EQ(trips->min_ms, trips->max_ms);
}

TEST_F(Flows, PingStopsAfterItsCount) {
    connect({});
    const auto flow = start_ping(options(), {.interval = 100ms, .count = 3});
    network_.run_until(5s);
    EXPECT_EQ(flow->counters().packets_sent, 3);
    EXPECT_TRUE(flow->settled());
}

TEST_F(Flows, TwoPingsOfOneMachineDoNotMixUp) {
    connect({.delay = 5ms});
    const auto one = start_ping(options(2s), {.interval = 100ms});
    const auto other = start_ping(options(2s), {.interval = 50ms});
    network_.run_until(3s);
    EXPECT_EQ(one->counters().packets_received, 10);
    EXPECT_EQ(other->counters().packets_received, 20);
}

TEST_F(Flows, PingCountsWhatFoundNoTunnelAsLost) {
    connect({});
    left_.reset();
    const auto flow = start_ping(options(2s), {.interval = 100ms});
    network_.at(1s + 450ms, [this] { left_ = kLeft; });
    network_.run_until(4s);
    EXPECT_EQ(flow->counters().packets_sent, 10);
    EXPECT_EQ(flow->counters().packets_received, 5);
    EXPECT_TRUE(flow->settled()) << "it waits a second for the lost ones and no longer";
}

TEST_F(Flows, UdpKeepsItsRate) {
    connect({});
    const auto flow = start_udp(options(3s), {.bits_per_second = 10'000'000, .packet_size = 1250});
    network_.run_until(4s);
    EXPECT_EQ(flow->counters().packets_sent, 2000);
    EXPECT_EQ(flow->counters().packets_received, 2000);
    EXPECT_EQ(flow->counters().loss(), 0);
    EXPECT_THAT(flow->counters().goodput_bps(), DoubleNear(10e6, 20e3));
}

TEST_F(Flows, UdpTellsItsLoss) {
    connect({.loss = 0.2});
    const auto flow = start_udp(options(6s), {.bits_per_second = 10'000'000, .packet_size = 1250});
    network_.run_until(8s);
    EXPECT_EQ(flow->counters().packets_sent, 5000);
    EXPECT_THAT(flow->counters().loss(), DoubleNear(0.2, 0.02));
    EXPECT_TRUE(flow->settled());
}

TEST_F(Flows, UdpIsHeldToTheRateOfTheLink) {
    connect({.bits_per_second = 5'000'000});
    const auto flow = start_udp(options(6s), {.bits_per_second = 10'000'000, .packet_size = 1222});
    network_.run_until(8s);
    EXPECT_THAT(flow->counters().goodput_bps(), DoubleNear(5e6 * 1222 / 1250, 50e3));
    EXPECT_GT(flow->counters().loss(), 0.4);
}

TEST_F(Flows, TcpFillsTheLink) {
    connect({.bits_per_second = 20'000'000, .delay = 5ms});
    const auto flow = start_tcp(options(6s));
    network_.run_until(8s);
    EXPECT_THAT(flow->counters().goodput_bps(), DoubleNear(19e6, 1e6));
    EXPECT_EQ(flow->counters().bytes_received, flow->counters().bytes_sent);
    EXPECT_TRUE(flow->settled());
}

TEST_F(Flows, TcpCountsWhatItSentAgain) {
    connect({.bits_per_second = 20'000'000, .delay = 5ms, .loss = 0.01});
    const auto flow = start_tcp(options(6s));
    network_.run_until(10s);
    EXPECT_GT(flow->counters().retransmissions, 10);
    EXPECT_EQ(flow->counters().bytes_received, flow->counters().bytes_sent);
}

TEST_F(Flows, TcpWaitsForATunnel) {
    connect({.bits_per_second = 20'000'000});
    right_.reset();
    const auto flow = start_tcp(options(4s));
    network_.at(2s, [this] { right_ = kRight; });
    network_.run_until(5s);
    EXPECT_GT(flow->counters().bytes_received, 1'000'000);
}

}  // namespace
}  // namespace gatelab::sim
