// The routes of one node, kept few.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "impl/base/address.h"
#include "topologies/model/topology.h"

namespace gatelab::sim {

// Of equal prefixes the last counts, as it does in a routing table.
class RouteList {
public:
    struct Entry {
        Prefix prefix;
        topologies::Vertex neighbour;
        friend bool operator==(const Entry&, const Entry&) = default;
    };

    void add(Prefix, topologies::Vertex neighbour);
    bool empty() const { return index_.empty(); }

    // Makes one prefix of its two halves where both go to one neighbour. No address is reached by another way after it.
    void merge();

    // What the next shorter prefix in the list does not say as well, in the order of addition.
    std::vector<Entry> needed() const;

private:
    struct Slot {
        Entry entry;
        bool stands = true;
    };
    void merge_with_upper_half(std::size_t lower);
    bool is_covered(const Entry&) const;

    std::vector<Slot> slots_;
    std::map<std::pair<int, std::uint32_t>, std::size_t> index_;  // of those that stand, by length and network
};

}  // namespace gatelab::sim
