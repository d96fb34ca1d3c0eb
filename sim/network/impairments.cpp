#include "sim/network/impairments.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "sim/network/ipv4_packet.h"
#include "sim/network/packet_kinds.h"
#include "sim/network/world.h"

namespace gatelab::sim {
namespace {

using topologies::LinkFault;

std::string_view done(LinkFault::Kind kind) {
    switch (kind) {
        case LinkFault::Kind::Drop: return "packet-dropped";
        case LinkFault::Kind::Duplicate: return "packet-duplicated";
        case LinkFault::Kind::Corrupt: return "packet-corrupted";
        case LinkFault::Kind::Delay: return "packet-delayed";
    }
    return "?";
}

}  // namespace

bool Impairments::needed(const topologies::Link& link) {
    return link.duplicate > 0 || link.corrupt > 0 || link.reorder > 0 || link.black_hole_above;
}

Impairments::Impairments(std::uint64_t seed, const topologies::Link& link, std::array<std::string, 2> ends)
    : seed_(seed), link_(link), ends_(std::move(ends)) {
    for (std::size_t side = 0; side < 2; ++side) {
        const auto stream = [&](std::optional<SeededRandom>& random, double probability, std::string_view what) {
            if (probability > 0) random.emplace(seed_, fmt::format("link/{}/{}/{}", link_.name, ends_[side], what));
        };
        stream(directions_[side].duplicates, link_.duplicate, "duplicate");
        stream(directions_[side].corruptions, link_.corrupt, "corrupt");
        stream(directions_[side].reorderings, link_.reorder, "reorder");
    }
}

void Impairments::add(const LinkFault& fault, std::size_t number) {
    std::optional<int> side;
    if (!fault.from.empty()) {
        require(fault.from == ends_[0] || fault.from == ends_[1],
                fmt::format("link {} has no end at {}", link_.name, fault.from));
        side = fault.from == ends_[0] ? 0 : 1;
    }
    const auto kind = topologies::packet_kind(fault.packet);
    require(kind || fault.packet.empty(), fmt::format("there is no kind of packet {}", fault.packet));
    faults_.push_back({fault, number, side, kind, SeededRandom{seed_, fmt::format("fault/{}/{}", number, link_.name)}});
}

std::vector<std::pair<int, Trace>> Impairments::drain() { return std::exchange(traces_, {}); }

bool Impairments::happens(std::optional<SeededRandom>& random, double probability) {
    return random && random->unit() < probability;
}

Fate Impairments::judge(Duration now, int side, ByteSpan packet, LinkCounters& counters) {
    auto& direction = directions_[static_cast<std::size_t>(side)];
    Fate fate;
    if (happens(direction.duplicates, link_.duplicate)) fate.twice = true;
    const bool reordered = happens(direction.reorderings, link_.reorder);
    if (reordered) {
        const auto most = static_cast<double>(link_.reorder_by.count());
        fate.later += Duration{1 + static_cast<std::int64_t>(most * direction.reorderings->unit())};
    }
    for (auto& fault : faults_) {
        if (now < fault.fault.at || (fault.fault.until && *fault.fault.until <= now)) continue;
        if (matches(fault, side, packet) && chosen(fault)) apply(fault, side, packet, fate, counters);
    }
    if (happens(direction.corruptions, link_.corrupt)) flip(packet, *direction.corruptions, fate);
    if (link_.black_hole_above && packet.size() > *link_.black_hole_above && !fate.dropped) {
        fate.dropped = true;
        ++counters.black_holed;
    }
    if (fate.dropped) return fate;
    counters.duplicated += fate.twice;
    counters.corrupted += fate.changed;
    counters.delayed += fate.later > Duration::zero();
    return fate;
}

// --- faults ---

bool Impairments::matches(const Fault& fault, int side, ByteView packet) {
    if (fault.side && *fault.side != side) return false;
    const auto& ports = fault.fault.ports;
    if (!fault.fault.protocol && ports.empty() && !fault.kind) return true;
    const auto fields = read_fields(packet);
    if (!fields) return false;
    if (fault.fault.protocol && *fault.fault.protocol != fields->protocol) return false;
    const auto has = [&](std::uint16_t port) { return std::find(ports.begin(), ports.end(), port) != ports.end(); };
    if (!ports.empty() && !(fields->ports && (has(fields->source_port) || has(fields->destination_port)))) return false;
    return !fault.kind || is_kind(*fault.kind, packet);
}

bool Impairments::chosen(Fault& fault) {
    ++fault.matched;
    const auto& numbers = fault.fault.numbers;
    if (!numbers.empty() && std::find(numbers.begin(), numbers.end(), fault.matched) == numbers.end()) return false;
    return fault.fault.share >= 1 || fault.random.unit() < fault.fault.share;
}

void Impairments::apply(Fault& fault, int side, ByteSpan packet, Fate& fate, LinkCounters& counters) {
    if (fate.dropped) return;  // by a fault before this one
    const auto count = ++fault.applied;
    if (std::has_single_bit(count)) {
        const auto fields = read_fields(packet);
        traces_.emplace_back(side, Trace{std::string(done(fault.fault.kind)),
                                         {{"link", link_.name},
                                          {"fault", static_cast<std::int64_t>(fault.number)},
                                          {"packet", fields ? summary(*fields) : std::string("malformed")},
                                          {"count", static_cast<std::int64_t>(count)}}});
    }
    switch (fault.fault.kind) {
        case LinkFault::Kind::Drop:
            fate.dropped = true;
            ++counters.faulted;
            return;
        case LinkFault::Kind::Duplicate: fate.twice = true; return;
        case LinkFault::Kind::Corrupt: return flip(packet, fault.random, fate);
        case LinkFault::Kind::Delay: fate.later += fault.fault.delay; return;
    }
}

void Impairments::flip(ByteSpan packet, Random& random, Fate& fate) {
    const auto bit = random.below(packet.size() * 8);
    packet[bit / 8] = static_cast<std::uint8_t>(packet[bit / 8] ^ 1u << bit % 8);
    fate.changed = true;
    fate.header_changed = fate.header_changed || bit / 8 < kIpv4HeaderSize;
}

}  // namespace gatelab::sim
