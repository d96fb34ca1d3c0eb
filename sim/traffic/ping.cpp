#include <algorithm>
#include <deque>
#include <vector>

#include "impl/base/bytes.h"
#include "sim/traffic/flow.h"

namespace gatelab::sim {
namespace {

constexpr std::uint8_t kEchoRequest = 8;  // RFC 792
constexpr std::size_t kHeader = 8;
constexpr Duration kPatience = std::chrono::seconds(1);  // for the last reply, once the flow has stopped

std::uint16_t internet_checksum(ByteView bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8 : bytes[i];
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

class Ping final : public Flow {
public:
    Ping(FlowOptions flow, PingOptions ping) : flow_(std::move(flow)), ping_(ping) {
        request_.assign(kHeader + ping_.size, 0);
        for (std::size_t i = 0; i < ping_.size; ++i) request_[kHeader + i] = static_cast<std::uint8_t>(i);
        if (!flow_.from.stack) return;
        flow_.from.echo->listen(flow_.number, [this](ByteView message) { handle(message); });
        plan(flow_.start);
    }
    ~Ping() override {
        if (flow_.from.stack) flow_.from.echo->forget(flow_.number);
    }

    const FlowCounters& counters() const override { return counters_; }
    void stop() override { stopped_ = true; }
    bool settled() const override {
        return !flow_.from.stack || (stopped_ && (counters_.packets_received == counters_.packets_sent ||
                                                  flow_.from.stack->now() >= last_sent_ + kPatience));
    }

private:
    void plan(Instant at) {
        if ((flow_.stop && at >= *flow_.stop) || (ping_.count && counters_.packets_sent >= *ping_.count)) stop();
        if (!stopped_) timer_ = flow_.from.stack->call_at(at, [this, at] { probe(at); });
    }

    void probe(Instant due) {
        if (stopped_) return;
        if (!counters_.started) counters_.started = flow_.from.stack->now() - flow_.epoch;
        const auto sequence = counters_.packets_sent++;
        counters_.bytes_sent += ping_.size;
        last_sent_ = flow_.from.stack->now();
        sent_at_.push_back(last_sent_);
        answered_.push_back(false);
        send(static_cast<std::uint16_t>(sequence));
        plan(due + ping_.interval);
    }

    void send(std::uint16_t sequence) {
        const auto target = flow_.to.address();
        if (!target || !flow_.from.address()) return;
        request_[0] = kEchoRequest;
        put(2, 0);
        put(4, flow_.number);
        put(6, sequence);
        put(2, internet_checksum(request_));
        (void)flow_.from.echo->send(*target, request_);  // a probe that cannot leave is lost
    }

    void handle(ByteView message) {
        ByteReader reader{message};
        reader.skip(6);
        const auto low = reader.u16();
        if (!reader.ok() || message.size() != request_.size()) return;
        // Sequence numbers have 16 bits: the newest probe of that number is meant.
        const auto sent = counters_.packets_sent;
        const std::uint64_t back = static_cast<std::uint16_t>(static_cast<std::uint16_t>(sent - 1) - low);
        if (back >= sent || answered_[sent - 1 - back]) return;
        answered_[sent - 1 - back] = true;
        const auto now = flow_.from.stack->now();
        ++counters_.packets_received;
        counters_.bytes_received += ping_.size;
        counters_.last_arrival = now - flow_.epoch;
        counters_.round_trips.push_back(now - sent_at_[sent - 1 - back]);
    }

    void put(std::size_t at, std::uint16_t value) {
        request_[at] = static_cast<std::uint8_t>(value >> 8);
        request_[at + 1] = static_cast<std::uint8_t>(value);
    }

    FlowOptions flow_;
    PingOptions ping_;
    FlowCounters counters_;
    Bytes request_;
    std::vector<Instant> sent_at_;  // by probe
    std::vector<bool> answered_;
    Instant last_sent_;
    bool stopped_ = false;
    Timer timer_;
};

}  // namespace

std::unique_ptr<Flow> start_ping(FlowOptions flow, PingOptions options) {
    return std::make_unique<Ping>(std::move(flow), options);
}

}  // namespace gatelab::sim
