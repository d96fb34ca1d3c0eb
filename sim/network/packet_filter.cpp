#include "sim/network/packet_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace gatelab::sim {
namespace {

using topologies::FilterRule;

constexpr std::uint8_t kFin = 1, kRst = 4;
constexpr Duration kFragmentLife = std::chrono::seconds(30);  // RFC 791's reassembly timer is shorter
constexpr Duration kClosingLife = std::chrono::seconds(30);

Duration idle_life(std::uint8_t protocol) {
    switch (protocol) {
        case static_cast<int>(IpProtocol::Tcp): return std::chrono::hours(2);
        case static_cast<int>(IpProtocol::Udp): return std::chrono::minutes(3);
        case static_cast<int>(IpProtocol::Icmp): return std::chrono::seconds(60);
        default: return std::chrono::minutes(10);
    }
}

bool matches(const FilterRule& rule, PacketFilter::Direction direction, const PacketFields& fields) {
    using Direction = FilterRule::Direction;
    const auto wanted = direction == PacketFilter::Direction::Outbound ? Direction::Outbound : Direction::Inbound;
    if (rule.direction != Direction::Any && rule.direction != wanted) return false;
    if (rule.protocol && *rule.protocol != fields.protocol) return false;
    if (rule.source && !rule.source->contains(fields.source)) return false;
    if (rule.destination && !rule.destination->contains(fields.destination)) return false;
    const auto& ports = rule.destination_ports;
    return ports.empty() ||
           (fields.ports && std::find(ports.begin(), ports.end(), fields.destination_port) != ports.end());
}

template <class Map>
bool make_room(Map& map, std::size_t limit, Duration now) {
    if (map.size() < limit) return true;
    std::erase_if(map, [now](const auto& entry) { return entry.second.expires <= now; });
    return map.size() < limit;
}

}  // namespace

PacketFilter::PacketFilter(topologies::Firewall firewall) : firewall_(std::move(firewall)) {}

bool PacketFilter::pass(Duration now, Direction direction, ByteView head) {
    const auto fields = read_fields(head);
    if (!fields) return drop(nullptr, "malformed");
    const FragmentKey fragment{fields->source, fields->destination, fields->protocol, fields->identification};
    if (!fields->first) {
        const auto found = fragments_.find(fragment);
        if (found != fragments_.end() && found->second.expires > now) {
            return found->second.pass || drop(&*fields, "fragment of a dropped packet");
        }
        return drop(&*fields, "fragment without its first part");
    }
    const bool passes = decide(now, direction, *fields, head);
    if (fields->fragment && make_room(fragments_, kMaxFragments, now)) {
        fragments_[fragment] = {now + kFragmentLife, passes};
    }
    return passes;
}

std::vector<Trace> PacketFilter::drain() { return std::exchange(traces_, {}); }

PacketFilter::FlowKey PacketFilter::key_of(const PacketFields& fields) {
    const Endpoint source{fields.source, fields.source_port}, destination{fields.destination, fields.destination_port};
    return {fields.protocol, std::min(source, destination), std::max(source, destination)};
}

bool PacketFilter::decide(Duration now, Direction direction, const PacketFields& fields, ByteView head) {
    if (fields.icmp_error) return belongs_to_quoted(now, head) || drop(&fields, "icmp error for no known flow");
    if (known(now, fields)) return true;
    const auto rule = first_match(direction, fields);
    const auto action = rule ? firewall_.rules[*rule].action : firewall_.otherwise;
    if (action == FilterRule::Action::Drop) {
        return drop(&fields, rule ? fmt::format("rule {}", *rule + 1) : "no rule");
    }
    return admit(now, fields);
}

// Whether the packet belongs to a flow; keeps the flow alive.
bool PacketFilter::known(Duration now, const PacketFields& fields) {
    const auto found = flows_.find(key_of(fields));
    if (found == flows_.end()) return false;
    auto& flow = found->second;
    if (flow.expires <= now) {
        flows_.erase(found);
        return false;
    }
    flow.closing = flow.closing || (fields.tcp_flags & (kFin | kRst)) != 0;
    flow.expires = now + (flow.closing ? kClosingLife : idle_life(fields.protocol));
    return true;
}

bool PacketFilter::belongs_to_quoted(Duration now, ByteView head) {
    if (head.size() < 28 + kIpv4HeaderSize + 8 || head[28] != 0x45) return false;
    auto quoted = copy_of(head.subspan(28));
    quoted.resize(kIpv4HeaderSize + 14);  // an error may quote 8 octets only: flags it did not quote are not set
    if (head.size() < 28 + quoted.size()) std::fill(quoted.begin() + (head.size() - 28), quoted.end(), 0);
    const auto fields = read_fields(quoted);
    if (!fields || !fields->first) return false;
    const auto found = flows_.find(key_of(*fields));
    return found != flows_.end() && found->second.expires > now;
}

std::optional<std::size_t> PacketFilter::first_match(Direction direction, const PacketFields& fields) const {
    for (std::size_t i = 0; i < firewall_.rules.size(); ++i) {
        if (matches(firewall_.rules[i], direction, fields)) return i;
    }
    return std::nullopt;
}

bool PacketFilter::admit(Duration now, const PacketFields& fields) {
    if (!make_room(flows_, kMaxFlows, now)) return drop(&fields, "flow table full");
    flows_[key_of(fields)] = {now + idle_life(fields.protocol)};
    return true;
}

bool PacketFilter::drop(const PacketFields* fields, const std::string& rule) {
    ++dropped_;
    const auto count = ++drops_by_rule_[rule];
    if (std::has_single_bit(count)) {
        traces_.push_back({"packet-dropped",
                           {{"rule", rule},
                            {"packet", fields ? summary(*fields) : std::string("malformed")},
                            {"count", static_cast<std::int64_t>(count)}}});
    }
    return false;
}

}  // namespace gatelab::sim
