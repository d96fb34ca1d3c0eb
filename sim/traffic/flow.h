// Traffic between two machines: ping, UDP at a rate, TCP bulk.
//
// A flow sends from `from.address()` to `to.address()`. While either is missing, because a client has no tunnel yet or
// any more, nothing leaves: pings and UDP packets that were due count as sent and lost, TCP waits and tries again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "impl/host/host.h"
#include "sim/traffic/echo_socket.h"
#include "sim/traffic/statistics.h"

namespace gatelab::sim {

// A machine as a flow sees it.
struct FlowEnd {
    Host* stack = nullptr;  // nullptr: the other end only has an address (a ping's target), or nothing can be sent
    std::function<std::optional<Ipv4Address>()> address = {};
    EchoSocket* echo = nullptr;  // of the same machine: what a ping sends with
};

struct FlowOptions {
    FlowEnd from, to;
    Instant epoch;                     // the start of the run
    Instant start;                     // of the flow
    std::optional<Instant> stop = {};  // nothing is sent at or after it
    std::uint16_t number = 0;          // unique among the flows of a run: tells its packets from those of others
};

class Flow {
public:
    virtual ~Flow() = default;
    virtual const FlowCounters& counters() const = 0;
    virtual void stop() = 0;           // sends no more; what is under way still counts
    virtual bool settled() const = 0;  // stopped, and nothing is under way as far as the flow knows
};

struct PingOptions {
    Duration interval = std::chrono::seconds(1);
    std::uint16_t size = 56;                  // octets of ICMP data, 8 to 65507
    std::optional<std::uint64_t> count = {};  // stops by itself after so many probes
};
std::unique_ptr<Flow> start_ping(FlowOptions, PingOptions);

struct UdpOptions {
    std::uint64_t bits_per_second = 1'000'000;  // of payload
    std::uint16_t packet_size = 1200;           // octets of payload, at least 8
};
std::unique_ptr<Flow> start_udp(FlowOptions, UdpOptions);

// Sends as fast as TCP lets it.
std::unique_ptr<Flow> start_tcp(FlowOptions);

}  // namespace gatelab::sim
