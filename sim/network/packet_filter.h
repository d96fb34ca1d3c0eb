// A stateful packet filter: ordered rules, and a table of the flows that they let through.
//
// A flow is UDP or TCP between two endpoints, ICMP echo with one identifier, or any other protocol (ESP) between two
// addresses, both ways. It is judged as a whole, by its first packet: that one meets the rules for new flows; what
// belongs to a flow passes afterwards, either way, unless a rule for established flows says otherwise about that first
// packet. ICMP errors belong to the flow of the packet that they quote. Later fragments go the way of the first;
// without it they are dropped.
//
// Rules come into force and end at their times. A flow that a rule stops may go on when the rule ends, if it has not
// been forgotten by then.
//
// A flow that a TLS-only rule lets through must begin with its SYN, and is cut when it turns out to be something else:
// both ends get a RST, and whoever sends more of it gets another.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "impl/base/events.h"
#include "sim/network/ipv4_packet.h"
#include "sim/network/tls_watch.h"
#include "topologies/model/topology.h"

namespace gatelab::sim {

class PacketFilter {
public:
    enum class Direction { Outbound, Inbound };  // outbound: from the inside
    static constexpr std::size_t kMaxFlows = 65536, kMaxFragments = 1024;
    static constexpr int kMaxErrorsPerSecond = 100;  // ICMP (RFC 1812 section 4.3.2.8), in each second since the start
    // How much of a packet it looks at: IP header, the longest TCP header, and the first octets of TLS.
    static constexpr std::size_t kHead = 96;

    explicit PacketFilter(topologies::Firewall firewall);

    // Whether the packet passes. `head` is its first kHead octets, or all of it. `now` counts from the start of the
    // run.
    bool pass(Duration now, Direction, ByteView head);

    // A packet that the filter sends of its own accord: a RST or an ICMP error.
    struct Answer {
        Direction direction;  // outbound: it leaves towards the outside
        Bytes packet;
    };
    std::vector<Answer> take_answers();  // since the last call

    // What there is to tell since the last call: "packet-dropped", "packet-rejected" and "flow-cut", each for a rule's
    // first, second, fourth, eighth ... time.
    std::vector<Trace> drain();
    std::size_t flows() const { return flows_.size(); }
    std::uint64_t dropped() const { return dropped_; }  // packets that did not pass, for whatever reason

private:
    // Protocol, then the two ends in ascending order, so that both directions have one key.
    using FlowKey = std::tuple<std::uint8_t, Endpoint, Endpoint>;
    using FragmentKey = std::tuple<Ipv4Address, Ipv4Address, std::uint8_t, std::uint16_t>;
    struct Flow {
        Duration expires{};
        bool closing = false;
        bool opened_by_lower = false;  // its first packet came from the lower of the two ends
        Direction direction = Direction::Outbound;
        std::size_t rules_seen = 0;             // 1 more than changes_seen_ was when `stopped_by` was found
        std::optional<std::size_t> stopped_by;  // the rule for established flows that stops it
        std::optional<std::size_t> tls_rule;    // the TLS-only rule that let it through
        std::optional<std::size_t> cut_by;      // the same, when it was no TLS
        std::optional<TlsWatch> tls;            // until both sides have shown what they are
    };
    using Flows = std::map<FlowKey, Flow>;
    struct Fragment {
        Duration expires;
        bool pass;
    };
    using Action = topologies::FilterRule::Action;

    static FlowKey key_of(const PacketFields&);
    static PacketFields first_packet_of(const FlowKey&, const Flow&);
    bool decide(Duration now, Direction, const PacketFields&, ByteView head);
    bool decide_new(Duration now, Direction, const PacketFields&, ByteView head);
    bool decide_known(Duration now, Flows::iterator, Direction, const PacketFields&, ByteView head);
    bool decide_error(Duration now, const PacketFields&, ByteView head);
    Flows::iterator find(Duration now, const FlowKey&);
    void keep_time(Duration now);
    bool in_force(const topologies::FilterRule&) const;
    std::optional<std::size_t> first_match(bool established, Direction, const PacketFields&) const;
    std::optional<std::size_t> stopping(const FlowKey&, Flow&);
    bool has_room(Duration now);
    bool admit(Duration now, Direction, const PacketFields&, std::optional<std::size_t> rule, ByteView head);
    bool watch(Flow&, Direction, const PacketFields&, ByteView head);
    bool cut(Flow&, Direction, const PacketFields&, std::string_view why, ByteView head);

    bool refuse(Action, Direction, const PacketFields&, const std::string& rule, ByteView head);
    void answer(Direction of_packet, std::optional<Bytes>);
    bool drop(const PacketFields*, const std::string& rule);
    void tell(std::string_view event, const std::string& rule, const PacketFields*, Attributes more = {});

    topologies::Firewall firewall_;
    bool judges_established_ = false;  // some rule does
    std::vector<Duration> changes_;    // when rules come into force or end, ascending
    std::size_t changes_seen_ = 0;
    Duration now_{};
    Flows flows_;
    Duration next_sweep_ = Duration::min();
    std::map<FragmentKey, Fragment> fragments_;
    std::map<std::pair<std::string_view, std::string>, std::uint64_t> told_;  // by event and rule
    std::int64_t error_second_ = 0;
    int errors_ = 0;  // ICMP, in that second
    std::uint64_t dropped_ = 0;
    std::vector<Answer> answers_;
    std::vector<Trace> traces_;
};

}  // namespace gatelab::sim
