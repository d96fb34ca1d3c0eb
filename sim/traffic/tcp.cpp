#include <string>

#include "impl/base/bytes.h"
#include "sim/traffic/flow.h"

namespace gatelab::sim {
namespace {

constexpr std::uint16_t kFirstPort = 30000;
constexpr std::size_t kChunk = 16 * 1024;
constexpr Duration kRetry = std::chrono::milliseconds(100);

class Tcp final : public Flow {
public:
    explicit Tcp(FlowOptions flow) : flow_(std::move(flow)), chunk_(kChunk, 0x5a) {
        if (flow_.from.stack && flow_.to.stack) again_at(flow_.start);
    }

    const FlowCounters& counters() const override {
        counters_.retransmissions = earlier_retransmissions_ + (sender_ ? sender_->retransmissions() : 0);
        return counters_;
    }
    void stop() override {
        stopped_ = true;
        if (sender_) sender_->close();
    }
    bool settled() const override { return stopped_ && (!sender_ || counters_.bytes_received == counters_.bytes_sent); }

private:
    void again_at(Instant at) {
        timer_ = flow_.from.stack->call_at(at, [this] { dial(); });
    }

    void dial() {
        const auto now = flow_.from.stack->now();
        if (stopped_ || (flow_.stop && now >= *flow_.stop)) return;
        if (!counters_.started) counters_.started = now - flow_.epoch;
        const auto target = flow_.to.address();
        if (!target || !flow_.from.address() || !listen()) return again_at(now + kRetry);
        auto opened = flow_.from.stack->connect_tcp({*target, port()});
        if (!opened) return again_at(now + kRetry);
        sender_ = std::move(*opened);
        sender_->set_callbacks({.connected = [this] { fill(); },
                                .received = [](ByteView) {},
                                .writable = [this] { fill(); },
                                .closed = [this](std::string) { handle_closed(); }});
        if (flow_.stop) timer_ = flow_.from.stack->call_at(*flow_.stop, [this] { stop(); });
    }

    bool listen() {
        if (listener_) return true;
        auto opened = flow_.to.stack->listen_tcp({Ipv4Address{}, port()});
        if (!opened) return false;
        listener_ = std::move(*opened);
        listener_->on_accept([this](std::unique_ptr<TcpStream> stream) { accept(std::move(stream)); });
        return true;
    }

    void accept(std::unique_ptr<TcpStream> stream) {
        receiver_ = std::move(stream);
        receiver_->set_callbacks({.connected = {},
                                  .received = [this](ByteView bytes) { handle(bytes); },
                                  .writable = {},
                                  .closed = [this](std::string) { receiver_->close(); }});
    }

    void fill() {
        while (!stopped_) {
            const auto taken = sender_->write(chunk_);
            counters_.bytes_sent += taken;
            if (taken < chunk_.size()) return;
        }
    }

    void handle(ByteView bytes) {
        counters_.bytes_received += bytes.size();
        counters_.last_arrival = flow_.to.stack->now() - flow_.epoch;
    }

    // A connection that broke is dialled again. Not from inside its own callback.
    void handle_closed() {
        timer_ = flow_.from.stack->call_at(flow_.from.stack->now() + kRetry, [this] {
            earlier_retransmissions_ += sender_->retransmissions();
            sender_.reset();
            dial();
        });
    }

    std::uint16_t port() const { return static_cast<std::uint16_t>(kFirstPort + flow_.number); }

    FlowOptions flow_;
    mutable FlowCounters counters_;
    const Bytes chunk_;
    bool stopped_ = false;
    std::uint64_t earlier_retransmissions_ = 0;
    std::unique_ptr<TcpListener> listener_;
    std::unique_ptr<TcpStream> sender_, receiver_;
    Timer timer_;
};

}  // namespace

std::unique_ptr<Flow> start_tcp(FlowOptions flow) { return std::make_unique<Tcp>(std::move(flow)); }

}  // namespace gatelab::sim
