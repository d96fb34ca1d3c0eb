#include "sim/network/packet_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <iterator>

#include "sim/network/refusal.h"

namespace gatelab::sim {
namespace {

using topologies::FilterRule;
using Direction = PacketFilter::Direction;

constexpr std::uint8_t kTcp = static_cast<std::uint8_t>(IpProtocol::Tcp);
constexpr std::uint8_t kUdp = static_cast<std::uint8_t>(IpProtocol::Udp);
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

bool has_port(const std::vector<std::uint16_t>& ports, const PacketFields& fields, std::uint16_t port) {
    return ports.empty() || (fields.ports && std::find(ports.begin(), ports.end(), port) != ports.end());
}

bool matches(const FilterRule& rule, Direction direction, const PacketFields& fields) {
    using Wanted = FilterRule::Direction;
    const auto wanted = direction == Direction::Outbound ? Wanted::Outbound : Wanted::Inbound;
    if (rule.direction != Wanted::Any && rule.direction != wanted) return false;
    if (rule.protocol && *rule.protocol != fields.protocol) return false;
    if (rule.source && !rule.source->contains(fields.source)) return false;
    if (rule.destination && !rule.destination->contains(fields.destination)) return false;
    return has_port(rule.source_ports, fields, fields.source_port) &&
           has_port(rule.destination_ports, fields, fields.destination_port);
}

template <class Map>
bool make_room(Map& map, std::size_t limit, Duration now) {
    if (map.size() < limit) return true;
    std::erase_if(map, [now](const auto& entry) { return entry.second.expires <= now; });
    return map.size() < limit;
}

Direction back(Direction direction) {
    return direction == Direction::Outbound ? Direction::Inbound : Direction::Outbound;
}

// As rules are counted where they are told: from 1.
std::string name_of(std::size_t rule) { return fmt::format("rule {}", rule + 1); }

bool opens_tcp(const PacketFields& fields) {
    return fields.protocol == kTcp &&
           (fields.tcp_flags & (TcpSegment::kSyn | TcpSegment::kAck | TcpSegment::kRst)) == TcpSegment::kSyn;
}

}  // namespace

PacketFilter::PacketFilter(topologies::Firewall firewall) : firewall_(std::move(firewall)) {
    for (const auto& rule : firewall_.rules) {
        judges_established_ = judges_established_ || rule.state != FilterRule::State::New;
        if (rule.from > Duration::zero()) changes_.push_back(rule.from);
        if (rule.until) changes_.push_back(*rule.until);
    }
    std::sort(changes_.begin(), changes_.end());
}

bool PacketFilter::pass(Duration now, Direction direction, ByteView head) {
    keep_time(now);
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

std::vector<PacketFilter::Answer> PacketFilter::take_answers() { return std::exchange(answers_, {}); }

std::vector<Trace> PacketFilter::drain() { return std::exchange(traces_, {}); }

// --- rules ---

void PacketFilter::keep_time(Duration now) {
    now_ = now;
    while (changes_seen_ < changes_.size() && changes_[changes_seen_] <= now) ++changes_seen_;
}

// What is in force from the start is so before it too, when real programs get ready.
bool PacketFilter::in_force(const FilterRule& rule) const {
    return (rule.from <= Duration::zero() || rule.from <= now_) && !(rule.until && *rule.until <= now_);
}

std::optional<std::size_t> PacketFilter::first_match(bool established, Direction direction,
                                                     const PacketFields& fields) const {
    const auto other = established ? FilterRule::State::New : FilterRule::State::Established;
    for (std::size_t i = 0; i < firewall_.rules.size(); ++i) {
        const auto& rule = firewall_.rules[i];
        if (rule.state != other && in_force(rule) && matches(rule, direction, fields)) return i;
    }
    return std::nullopt;
}

// The rule for established flows that stops this one. It is looked for once, and again when rules have changed.
std::optional<std::size_t> PacketFilter::stopping(const FlowKey& key, Flow& flow) {
    if (!judges_established_) return std::nullopt;
    if (flow.rules_seen == changes_seen_ + 1) return flow.stopped_by;
    flow.rules_seen = changes_seen_ + 1;
    flow.stopped_by = first_match(true, flow.direction, first_packet_of(key, flow));
    if (flow.stopped_by && firewall_.rules[*flow.stopped_by].action == Action::Allow) flow.stopped_by.reset();
    return flow.stopped_by;
}

// --- flows ---

PacketFilter::FlowKey PacketFilter::key_of(const PacketFields& fields) {
    const Endpoint source{fields.source, fields.source_port}, destination{fields.destination, fields.destination_port};
    return {fields.protocol, std::min(source, destination), std::max(source, destination)};
}

// As much of a flow's first packet as rules look at.
PacketFields PacketFilter::first_packet_of(const FlowKey& key, const Flow& flow) {
    const auto& [protocol, lower, upper] = key;
    const auto& source = flow.opened_by_lower ? lower : upper;
    const auto& destination = flow.opened_by_lower ? upper : lower;
    return {.protocol = protocol,
            .source = source.address,
            .destination = destination.address,
            .source_port = source.port,
            .destination_port = destination.port,
            .ports = protocol == kTcp || protocol == kUdp};
}

PacketFilter::Flows::iterator PacketFilter::find(Duration now, const FlowKey& key) {
    const auto found = flows_.find(key);
    if (found == flows_.end() || found->second.expires > now) return found;
    flows_.erase(found);
    return flows_.end();
}

bool PacketFilter::decide(Duration now, Direction direction, const PacketFields& fields, ByteView head) {
    if (fields.icmp_error) return decide_error(now, fields, head);
    const auto found = find(now, key_of(fields));
    if (found == flows_.end()) return decide_new(now, direction, fields, head);
    const bool seen_as_tls = found->second.tls_rule && !found->second.tls;
    if (opens_tcp(fields) && (found->second.closing || seen_as_tls)) {  // the same ports once more
        flows_.erase(found);
        return decide_new(now, direction, fields, head);
    }
    return decide_known(now, found, direction, fields, head);
}

bool PacketFilter::decide_new(Duration now, Direction direction, const PacketFields& fields, ByteView head) {
    const auto rule = first_match(false, direction, fields);
    const auto action = rule ? firewall_.rules[*rule].action : firewall_.otherwise;
    if (action == Action::Allow) return admit(now, direction, fields, rule, head);
    return refuse(action, direction, fields, rule ? name_of(*rule) : "no rule", head);
}

bool PacketFilter::decide_known(Duration now, Flows::iterator found, Direction direction, const PacketFields& fields,
                                ByteView head) {
    auto& [key, flow] = *found;
    if (flow.cut_by) return refuse(Action::Reject, direction, fields, name_of(*flow.cut_by), head);
    if (const auto rule = stopping(key, flow)) {
        return refuse(firewall_.rules[*rule].action, direction, fields, name_of(*rule), head);
    }
    flow.closing = flow.closing || (fields.tcp_flags & (TcpSegment::kFin | TcpSegment::kRst)) != 0;
    flow.expires = now + (flow.closing ? kClosingLife : idle_life(fields.protocol));
    return !flow.tls || watch(flow, direction, fields, head);
}

bool PacketFilter::decide_error(Duration now, const PacketFields& fields, ByteView head) {
    if (head.size() < 28 + kIpv4HeaderSize + 8 || head[28] != 0x45)
        return drop(&fields, "icmp error for no known flow");
    auto quoted = copy_of(head.subspan(28));
    quoted.resize(kIpv4HeaderSize + 14);  // an error may quote 8 octets only: flags it did not quote are not set
    if (head.size() < 28 + quoted.size()) std::fill(quoted.begin() + (head.size() - 28), quoted.end(), 0);
    const auto about = read_fields(quoted);
    const auto found = about && about->first ? find(now, key_of(*about)) : flows_.end();
    if (found == flows_.end()) return drop(&fields, "icmp error for no known flow");
    auto& [key, flow] = *found;
    const auto stopped = flow.cut_by ? flow.cut_by : stopping(key, flow);
    return !stopped || drop(&fields, name_of(*stopped));
}

// A full table is swept once a second at most: a flood of new flows must not cost a sweep for each.
bool PacketFilter::has_room(Duration now) {
    if (flows_.size() < kMaxFlows) return true;
    if (now < next_sweep_) return false;
    next_sweep_ = now + std::chrono::seconds(1);
    return make_room(flows_, kMaxFlows, now);
}

bool PacketFilter::admit(Duration now, Direction direction, const PacketFields& fields, std::optional<std::size_t> rule,
                         ByteView head) {
    const bool tls_only = rule && firewall_.rules[*rule].tls_only;
    const auto opening = tls_only && opens_tcp(fields) ? read_segment(head) : std::nullopt;
    if (tls_only && !opening) return refuse(Action::Reject, direction, fields, name_of(*rule), head);
    if (!has_room(now)) return drop(&fields, "flow table full");
    auto key = key_of(fields);
    const bool lower = std::get<1>(key) == Endpoint{fields.source, fields.source_port};
    Flow flow;
    flow.expires = now + idle_life(fields.protocol);
    flow.opened_by_lower = lower;
    flow.direction = direction;
    if (opening) {
        flow.tls.emplace(*opening);
        flow.tls_rule = rule;
    }
    auto& known = flows_[std::move(key)] = std::move(flow);
    return !opening || watch(known, direction, fields, head);
}

// --- TLS only ---

bool PacketFilter::watch(Flow& flow, Direction direction, const PacketFields& fields, ByteView head) {
    const auto segment = read_segment(head);
    if (!segment) return drop(&fields, name_of(*flow.tls_rule));
    const auto wrong = flow.tls->see(direction == flow.direction, *segment);
    if (!wrong.empty()) return cut(flow, direction, fields, wrong, head);
    if (flow.tls->satisfied()) flow.tls.reset();
    return true;
}

bool PacketFilter::cut(Flow& flow, Direction direction, const PacketFields& fields, std::string_view why,
                       ByteView head) {
    ++dropped_;
    tell("flow-cut", name_of(*flow.tls_rule), &fields, {{"reason", std::string(why)}});
    answer(back(direction), reset_for(head));
    answer(direction, reset_onward(head, flow.tls->next_from(direction == flow.direction)));
    flow.cut_by = flow.tls_rule;
    flow.tls.reset();
    flow.closing = true;
    flow.expires = now_ + kClosingLife;
    return false;
}

// --- what does not pass ---

bool PacketFilter::refuse(Action action, Direction direction, const PacketFields& fields, const std::string& rule,
                          ByteView head) {
    if (action == Action::Drop) return drop(&fields, rule);
    ++dropped_;
    const bool tcp = fields.protocol == kTcp;
    tell("packet-rejected", rule, &fields, {{"answer", std::string(tcp ? "rst" : "icmp")}});
    if (tcp) {
        answer(back(direction), reset_for(head));
        return false;
    }
    const auto second = std::chrono::floor<std::chrono::seconds>(now_).count();
    if (second != error_second_) error_second_ = second, errors_ = 0;
    if (errors_ < kMaxErrorsPerSecond) {
        ++errors_;
        answer(back(direction), prohibited(head));
    }
    return false;
}

void PacketFilter::answer(Direction direction, std::optional<Bytes> packet) {
    if (packet) answers_.push_back({direction, std::move(*packet)});
}

bool PacketFilter::drop(const PacketFields* fields, const std::string& rule) {
    ++dropped_;
    tell("packet-dropped", rule, fields);
    return false;
}

void PacketFilter::tell(std::string_view event, const std::string& rule, const PacketFields* fields, Attributes more) {
    const auto count = ++told_[{event, rule}];
    if (!std::has_single_bit(count)) return;
    Trace trace{std::string(event), {{"rule", rule}, {"packet", fields ? summary(*fields) : std::string("malformed")}}};
    std::move(more.begin(), more.end(), std::back_inserter(trace.attributes));
    trace.attributes.emplace_back("count", static_cast<std::int64_t>(count));
    traces_.push_back(std::move(trace));
}

}  // namespace gatelab::sim
