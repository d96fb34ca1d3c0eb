#include "sim/route_list.h"

namespace gatelab::sim {
namespace {

std::pair<int, std::uint32_t> key(Prefix prefix) { return {prefix.length(), prefix.network().number()}; }

Prefix parent_of(Prefix prefix) { return {prefix.network(), static_cast<std::uint8_t>(prefix.length() - 1)}; }

}  // namespace

void RouteList::add(Prefix prefix, topologies::Vertex neighbour) {
    const auto [at, is_new] = index_.try_emplace(key(prefix), slots_.size());
    if (is_new) return slots_.push_back({{prefix, neighbour}});
    slots_[at->second].entry.neighbour = neighbour;
}

void RouteList::merge() {
    for (int length = 32; length > 0; --length) {
        std::vector<std::size_t> lower_halves;
        for (auto at = index_.lower_bound({length, 0}); at != index_.end() && at->first.first == length; ++at) {
            const auto prefix = slots_[at->second].entry.prefix;
            if (parent_of(prefix).first() == prefix.first()) lower_halves.push_back(at->second);
        }
        for (const auto lower : lower_halves) merge_with_upper_half(lower);
    }
}

void RouteList::merge_with_upper_half(std::size_t lower) {
    const auto half = slots_[lower].entry;
    const auto whole = parent_of(half.prefix);
    const auto upper = index_.find({half.prefix.length(), half.prefix.last().number() + 1});
    if (upper == index_.end() || slots_[upper->second].entry.neighbour != half.neighbour) return;
    slots_[lower].stands = slots_[upper->second].stands = false;
    index_.erase(upper);
    index_.erase(key(half.prefix));
    if (const auto known = index_.find(key(whole)); known != index_.end()) {
        slots_[known->second].entry.neighbour = half.neighbour;  // the halves left nothing to it
    } else {
        slots_[lower] = {{whole, half.neighbour}};
        index_[key(whole)] = lower;
    }
}

std::vector<RouteList::Entry> RouteList::needed() const {
    std::vector<Entry> entries;
    for (const auto& slot : slots_)
        if (slot.stands && !is_covered(slot.entry)) entries.push_back(slot.entry);
    return entries;
}

bool RouteList::is_covered(const Entry& entry) const {
    for (int length = entry.prefix.length() - 1; length >= 0; --length) {
        const auto wider = index_.find(key({entry.prefix.network(), static_cast<std::uint8_t>(length)}));
        if (wider != index_.end()) return slots_[wider->second].entry.neighbour == entry.neighbour;
    }
    return false;
}

}  // namespace gatelab::sim
