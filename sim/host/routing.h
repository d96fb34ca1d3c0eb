// Longest-prefix routes of one node: of equal prefixes the newest wins.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "impl/host/host.h"

namespace gatelab::sim {

// `Way` is what a caller keeps beside a route.
template <class Way>
class RoutingTable {
public:
    struct Entry {
        Route route;
        Way way;
    };

    void add(Entry entry) {
        auto& entries = entries_[key(entry.route.destination)];
        ++lengths_[entry.route.destination.length()];
        entries.push_back(std::move(entry));
        cached_ = nullptr;
    }

    template <class Condition>
    void remove_if(Condition condition) {
        cached_ = nullptr;
        for (auto it = entries_.begin(); it != entries_.end();) {
            const auto before = it->second.size();
            const auto length = static_cast<std::uint8_t>(it->first >> 32);
            std::erase_if(it->second, condition);
            lengths_[length] -= static_cast<std::uint32_t>(before - it->second.size());
            it = it->second.empty() ? entries_.erase(it) : std::next(it);
        }
    }

    template <class Change>
    void for_each(Change change) {
        for (auto& [prefix, entries] : entries_) {
            for (auto& entry : entries) change(entry);
        }
    }

    // The entry for an address, or nullptr. Valid until the next change.
    const Entry* find(Ipv4Address address) const {
        if (cached_ && cached_for_ == address) return cached_;
        for (int length = 32; length >= 0; --length) {
            if (lengths_[length] == 0) continue;
            const auto found = entries_.find(key(Prefix{address, static_cast<std::uint8_t>(length)}));
            if (found == entries_.end()) continue;
            cached_for_ = address;
            return cached_ = &found->second.back();
        }
        return nullptr;
    }

private:
    static std::uint64_t key(Prefix prefix) { return std::uint64_t{prefix.length()} << 32 | prefix.network().number(); }

    std::unordered_map<std::uint64_t, std::vector<Entry>> entries_;  // never walked in a way that order could show
    std::array<std::uint32_t, 33> lengths_{};
    mutable const Entry* cached_ = nullptr;
    mutable Ipv4Address cached_for_;
};

}  // namespace gatelab::sim
