// Machines on an in-memory wire in virtual time, for tests of products.
//
// Every packet on the wire is a whole IPv4 packet. It takes `delay`, may be lost, and reaches whatever machine has its
// next hop's address. What is lost depends on the seed alone.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <vector>

#include "impl/host/host.h"

namespace gatelab::testing {

// Whatever has an address on the wire.
class Station {
public:
    virtual ~Station() = default;
    virtual void receive(Bytes packet) = 0;
};

class FakeTcp;

class FakeNetwork {
public:
    explicit FakeNetwork(std::uint64_t seed = 1);
    ~FakeNetwork();

    Instant now() const { return now_; }
    [[nodiscard]] Timer call_at(Instant, std::function<void()>);
    void later(Duration, std::function<void()>);  // cannot be cancelled
    void run_for(Duration);
    // Until `condition` holds (checked after every event) or `limit` has passed; true if it holds.
    bool run_until(const std::function<bool()>& condition, Duration limit);

    void attach(Ipv4Address, Station&);
    void detach(Ipv4Address);
    void carry(Ipv4Address next_hop, Bytes packet);

    Duration delay = std::chrono::milliseconds(5);
    double loss = 0;
    // Sees every packet put on the wire; false drops it. May change it.
    std::function<bool(Bytes&)> filter;
    FakeTcp& tcp() { return *tcp_; }  // beside the wire: its bytes are no packets

private:
    struct Entry {
        Instant at;
        std::uint64_t order;  // of equal times, first come first served
        std::shared_ptr<std::function<void()>> call;
        bool operator>(const Entry& other) const { return std::tie(at, order) > std::tie(other.at, other.order); }
    };
    std::shared_ptr<std::function<void()>> schedule(Instant, std::function<void()>);
    bool step(Instant limit);

    Instant now_ = instant_from_unix(1767225600);  // 2026-01-01
    std::uint64_t next_order_ = 0;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue_;
    std::map<Ipv4Address, Station*> stations_;
    SeededRandom random_;
    std::unique_ptr<FakeTcp> tcp_;
};

// A network address and port translator: endpoint-independent mapping, UDP only.
class FakeNat final : public Station {
public:
    FakeNat(FakeNetwork&, Ipv4Address inside, Ipv4Address outside);
    void receive(Bytes packet) override;
    void forget();  // its mappings: the next packets get new ports

private:
    FakeNetwork& network_;
    Ipv4Address outside_;
    std::uint16_t next_port_ = 20000;
    std::map<Endpoint, std::uint16_t> port_of_;
    std::map<std::uint16_t, Endpoint> inside_of_;
};

}  // namespace gatelab::testing
