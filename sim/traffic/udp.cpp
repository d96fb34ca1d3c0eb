#include <algorithm>

#include "impl/base/bytes.h"
#include "sim/traffic/flow.h"

namespace gatelab::sim {
namespace {

constexpr std::uint16_t kFirstPort = 20000;
constexpr Duration kPatience = std::chrono::seconds(1);  // for what is under way, once the flow has stopped

// A payload begins with its number; the rest is a fixed pattern.
class Udp final : public Flow {
public:
    Udp(FlowOptions flow, UdpOptions udp) : flow_(std::move(flow)), udp_(udp) {
        payload_.assign(std::max<std::size_t>(udp_.packet_size, 8), 0x5a);
        if (flow_.from.stack && flow_.to.stack) plan();
    }

    const FlowCounters& counters() const override { return counters_; }
    void stop() override { stopped_ = true; }
    bool settled() const override {
        return !flow_.from.stack || (stopped_ && (counters_.packets_received == counters_.packets_sent ||
                                                  flow_.from.stack->now() >= last_sent_ + kPatience));
    }

private:
    // Counted from the start, so that the rate holds whatever the rounding of one interval.
    Instant due(std::uint64_t packet) const {
        const auto rate = udp_.bits_per_second;  // below 18 Gbit/s, or the nanoseconds would not fit
        const auto bits = packet * payload_.size() * 8;
        const auto rest = static_cast<std::int64_t>(bits % rate * 1'000'000'000 / rate);
        return flow_.start + std::chrono::seconds{bits / rate} + Duration{rest};
    }

    void plan() {
        const auto at = due(counters_.packets_sent);
        if (flow_.stop && at >= *flow_.stop) stop();
        if (!stopped_) timer_ = flow_.from.stack->call_at(at, [this] { send(); });
    }

    void send() {
        if (stopped_) return;
        const auto now = flow_.from.stack->now();
        if (!counters_.started) counters_.started = now - flow_.epoch;
        const auto number = counters_.packets_sent++;
        counters_.bytes_sent += payload_.size();
        last_sent_ = now;
        for (std::size_t i = 0; i < 8; ++i) payload_[i] = static_cast<std::uint8_t>(number >> (56 - 8 * i));
        const auto target = flow_.to.address();
        // A datagram that finds no route is a lost datagram.
        if (target && flow_.from.address() && open()) (void)sender_->send({*target, port()}, payload_);
        plan();
    }

    bool open() {
        if (!receiver_) {
            auto opened = flow_.to.stack->open_udp({Ipv4Address{}, port()});
            if (!opened) return false;
            receiver_ = std::move(*opened);
            receiver_->on_datagram([this](Endpoint, ByteView payload) { handle(payload); });
        }
        if (!sender_) {
            auto opened = flow_.from.stack->open_udp({Ipv4Address{}, port()});
            if (!opened) return false;
            sender_ = std::move(*opened);
        }
        return true;
    }

    // Duplicates would count twice; nothing here makes any.
    void handle(ByteView payload) {
        if (payload.size() != payload_.size()) return;
        ++counters_.packets_received;
        counters_.bytes_received += payload.size();
        counters_.last_arrival = flow_.to.stack->now() - flow_.epoch;
    }

    std::uint16_t port() const { return static_cast<std::uint16_t>(kFirstPort + flow_.number); }

    FlowOptions flow_;
    UdpOptions udp_;
    FlowCounters counters_;
    Bytes payload_;
    Instant last_sent_;
    bool stopped_ = false;
    std::unique_ptr<UdpSocket> receiver_, sender_;
    Timer timer_;
};

}  // namespace

std::unique_ptr<Flow> start_udp(FlowOptions flow, UdpOptions options) {
    return std::make_unique<Udp>(std::move(flow), options);
}

}  // namespace gatelab::sim
