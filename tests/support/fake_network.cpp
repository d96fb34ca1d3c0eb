#include "tests/support/fake_network.h"

#include "tests/support/fake_tcp.h"
#include "tests/support/ip_packet.h"

namespace gatelab::testing {
namespace {

class Handle final : public TimerHandle {
public:
    explicit Handle(std::weak_ptr<std::function<void()>> call) : call_(std::move(call)) {}
    ~Handle() override {
        if (const auto call = call_.lock()) *call = nullptr;
    }

private:
    std::weak_ptr<std::function<void()>> call_;
};

}  // namespace

FakeNetwork::FakeNetwork(std::uint64_t seed) : random_(seed, "wire"), tcp_(std::make_unique<FakeTcp>(*this)) {}
FakeNetwork::~FakeNetwork() = default;

std::shared_ptr<std::function<void()>> FakeNetwork::schedule(Instant at, std::function<void()> call) {
    auto shared = std::make_shared<std::function<void()>>(std::move(call));
    queue_.push({std::max(at, now_), next_order_++, shared});
    return shared;
}

Timer FakeNetwork::call_at(Instant at, std::function<void()> call) {
    return std::make_unique<Handle>(schedule(at, std::move(call)));
}

void FakeNetwork::later(Duration after, std::function<void()> call) { schedule(now_ + after, std::move(call)); }

bool FakeNetwork::step(Instant limit) {
    if (queue_.empty() || queue_.top().at > limit) return false;
    const auto entry = queue_.top();
    queue_.pop();
    now_ = entry.at;
    // Moved out, so that a call may drop its own handle.
    if (const auto call = std::exchange(*entry.call, nullptr)) call();
    return true;
}

void FakeNetwork::run_for(Duration duration) {
    const auto end = now_ + duration;
    while (step(end)) {
    }
    now_ = end;
}

bool FakeNetwork::run_until(const std::function<bool()>& condition, Duration limit) {
    const auto end = now_ + limit;
    while (!condition()) {
        if (!step(end)) {
            now_ = end;
            return condition();
        }
    }
    return true;
}

void FakeNetwork::attach(Ipv4Address address, Station& station) { stations_[address] = &station; }

void FakeNetwork::detach(Ipv4Address address) { stations_.erase(address); }

void FakeNetwork::carry(Ipv4Address next_hop, Bytes packet) {
    if (filter && !filter(packet)) return;
    if (loss > 0 && random_.unit() < loss) return;
    later(delay, [this, next_hop, packet = std::move(packet)]() mutable {
        const auto at = stations_.find(next_hop);
        if (at != stations_.end()) at->second->receive(std::move(packet));
    });
}

FakeNat::FakeNat(FakeNetwork& network, Ipv4Address inside, Ipv4Address outside) : network_(network), outside_(outside) {
    network_.attach(inside, *this);
    network_.attach(outside, *this);
}

void FakeNat::receive(Bytes packet) {
    const auto udp = udp_of(packet);
    if (!udp) return;
    if (udp->destination.address == outside_) {
        const auto at = inside_of_.find(udp->destination.port);
        if (at == inside_of_.end()) return;
        return network_.carry(at->second.address, udp_packet(udp->source, at->second, udp->payload));
    }
    auto& port = port_of_[udp->source];
    if (port == 0) {
        port = next_port_++;
        inside_of_[port] = udp->source;
    }
    network_.carry(udp->destination.address, udp_packet({outside_, port}, udp->destination, udp->payload));
}

void FakeNat::forget() {
    port_of_.clear();
    inside_of_.clear();
}

}  // namespace gatelab::testing
