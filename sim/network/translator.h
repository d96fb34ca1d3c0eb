// Network address and port translation (RFC 4787, RFC 5382, RFC 5508), on whole IPv4 packets in place.
//
// A mapping binds an inside endpoint to a port of the outside address: one for all remotes (endpoint-independent; then
// any remote may use it), or one for each remote endpoint (endpoint-dependent; then only that remote may). ICMP echo
// identifiers are ports. The outside port is the inside one if it is free, else the next free one from 1024 up. Traffic
// from the inside keeps a mapping alive, traffic from the outside does not (RFC 4787 REQ-6). ESP has no ports: for each
// remote address, the first inside address to send owns the replies, and others' ESP to that remote is dropped.
// A translator that rebinds forgets everything on schedule, counted from the start; from then on it keeps nobody's port
// but takes the next free one, which is another than before.
// With hairpinning (RFC 4787 section 6) what one inside host sends to the outside endpoint of another goes out and in
// again within the translator: the receiver sees the sender's outside endpoint (REQ-9), and an endpoint-dependent
// mapping lets it in only if its host has sent there. Without, such packets are dropped; pings and ESP to the outside
// address always are.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "impl/base/events.h"
#include "sim/network/ipv4_packet.h"
#include "topologies/model/topology.h"

namespace gatelab::sim {

class Translator {
public:
    static constexpr std::size_t kMaxMappings = 65536, kMaxFragments = 1024;

    explicit Translator(topologies::Nat nat);

    struct Decision {
        bool pass = false;
        std::size_t inside = 0;  // which inside link the packet belongs to
        bool hairpin = false;    // it came from the inside and goes there again
    };
    // Rewrites the packet (a whole IPv4 packet; its TTL is not touched) if it passes. `now` counts from the start.
    Decision outbound(Duration now, std::size_t inside_link, ByteSpan packet);
    Decision inbound(Duration now, ByteSpan packet);
    // "mapping-created", "rebound" (at the first packet after it was due), and "packet-dropped" for a reason's first,
    // second, fourth, eighth ... drop, since the last call.
    std::vector<Trace> drain();
    std::size_t mappings() const { return mappings_.size(); }
    std::uint64_t dropped() const { return dropped_; }

private:
    struct InsideKey {
        std::uint8_t protocol = 0;
        Endpoint inside;
        Endpoint remote;  // unspecified when endpoint-independent
        friend auto operator<=>(const InsideKey&, const InsideKey&) = default;
    };
    using OutsideKey = std::pair<std::uint8_t, std::uint16_t>;  // protocol, port; for ESP see esp_
    struct Mapping {
        std::uint16_t outside_port = 0;
        std::size_t link = 0;
        Duration expires{};
        bool closing = false;
    };
    using Mappings = std::map<InsideKey, Mapping>;
    using FragmentKey = std::tuple<Ipv4Address, Ipv4Address, std::uint8_t, std::uint16_t>;
    struct Fragment {
        Duration expires;
        std::size_t link;
        Ipv4Address translated;  // the address that replaces the inside or the outside one
    };
    struct EspOwner {
        Ipv4Address inside;
        std::size_t link = 0;
        Duration expires{};
    };

    InsideKey key_of(const PacketFields& outbound) const;
    Mapping* mapping_for(Duration now, const PacketFields&, std::size_t link);
    Mapping* create(Duration now, const InsideKey&, const PacketFields&, std::size_t link);
    std::optional<std::uint16_t> free_port(Duration now, const InsideKey&);
    bool take(Duration now, const OutsideKey&);
    Mappings::iterator find_outside(Duration now, std::uint8_t protocol, std::uint16_t port);
    Duration life(std::uint8_t protocol, bool closing) const;
    void sweep(Duration now);
    void rebind(Duration now);

    Decision leave(Duration now, const PacketFields&, std::size_t link, ByteSpan packet);
    Decision enter(Duration now, const PacketFields&, ByteSpan packet);
    Decision turn_back(Duration now, const PacketFields&, std::size_t link, ByteSpan packet);
    Decision outbound_esp(Duration now, const PacketFields&, std::size_t link, ByteSpan packet);
    Decision outbound_error(Duration now, const PacketFields&, std::size_t link, ByteSpan packet);
    Decision inbound_mapped(Duration now, const PacketFields&, ByteSpan packet);
    Decision inbound_esp(Duration now, const PacketFields&, ByteSpan packet);
    Decision inbound_error(Duration now, const PacketFields&, ByteSpan packet);
    Decision later_fragment(Duration now, const PacketFields&, bool outbound, ByteSpan packet);
    void remember_fragment(Duration now, const PacketFields&, std::size_t link, Ipv4Address translated);
    Decision drop(const PacketFields*, const std::string& why);

    topologies::Nat nat_;
    Mappings mappings_;
    std::map<OutsideKey, InsideKey> outside_;
    std::map<Ipv4Address, EspOwner> esp_;  // by remote
    std::map<FragmentKey, Fragment> fragments_;
    std::map<std::uint8_t, std::uint16_t> next_port_;
    Duration rebind_at_;
    std::int64_t rebindings_ = 0;
    std::map<std::string, std::uint64_t> drops_;
    std::uint64_t dropped_ = 0;
    std::vector<Trace> traces_;
};

}  // namespace gatelab::sim
