// A stateful packet filter: ordered rules for new flows; what belongs to a flow that was let through passes.
//
// A flow is UDP or TCP between two endpoints, ICMP echo with one identifier, or any other protocol (ESP) between two
// addresses, both ways. ICMP errors belong to the flow of the packet that they quote. Later fragments go the way of the
// first; without it they are dropped.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "impl/base/events.h"
#include "sim/network/ipv4_packet.h"
#include "topologies/model/topology.h"

namespace gatelab::sim {

class PacketFilter {
public:
    enum class Direction { Outbound, Inbound };  // outbound: from the inside
    static constexpr std::size_t kMaxFlows = 65536, kMaxFragments = 1024;

    explicit PacketFilter(topologies::Firewall firewall);

    // Whether the packet passes. `head` is its first 80 octets, or all of it. `now` counts from the start of the run.
    bool pass(Duration now, Direction, ByteView head);
    // What there is to tell since the last call: "packet-dropped" for a rule's first, second, fourth, eighth ... drop.
    std::vector<Trace> drain();
    std::size_t flows() const { return flows_.size(); }
    std::uint64_t dropped() const { return dropped_; }

private:
    // Protocol, then the two ends in ascending order, so that both directions have one key.
    using FlowKey = std::tuple<std::uint8_t, Endpoint, Endpoint>;
    using FragmentKey = std::tuple<Ipv4Address, Ipv4Address, std::uint8_t, std::uint16_t>;
    struct Flow {
        Duration expires;
        bool closing = false;
    };
    struct Fragment {
        Duration expires;
        bool pass;
    };

    static FlowKey key_of(const PacketFields&);
    bool decide(Duration now, Direction, const PacketFields&, ByteView head);
    bool known(Duration now, const PacketFields&);
    bool belongs_to_quoted(Duration now, ByteView head);
    std::optional<std::size_t> first_match(Direction, const PacketFields&) const;
    bool admit(Duration now, const PacketFields&);
    bool drop(const PacketFields*, const std::string& rule);

    topologies::Firewall firewall_;
    std::map<FlowKey, Flow> flows_;
    std::map<FragmentKey, Fragment> fragments_;
    std::map<std::string, std::uint64_t> drops_by_rule_;
    std::uint64_t dropped_ = 0;
    std::vector<Trace> traces_;
};

}  // namespace gatelab::sim
