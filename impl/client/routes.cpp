#include "impl/client/routes.h"

#include <algorithm>
#include <bit>

namespace gatelab::client {

std::vector<Prefix> prefixes_between(Ipv4Address first, Ipv4Address last) {
    std::vector<Prefix> all;
    std::uint64_t at = first.number();
    const std::uint64_t end = std::uint64_t{last.number()} + 1;
    while (at < end) {
        // The largest block that starts here: as aligned as the address, and no longer than what is left.
        const auto aligned = at == 0 ? 32 : std::countr_zero(at);
        const auto fits = std::bit_width(end - at) - 1;
        const auto bits = std::min<int>(aligned, fits);
        all.emplace_back(Ipv4Address{static_cast<std::uint32_t>(at)}, static_cast<std::uint8_t>(32 - bits));
        at += std::uint64_t{1} << bits;
    }
    return all;
}

Prefix class_based_network(Ipv4Address address) {
    const auto first = address.number() >> 24;
    const std::uint8_t length = first < 128 ? 8 : first < 192 ? 16 : first < 224 ? 24 : 32;
    return Prefix{address, length};
}

std::vector<Prefix> destinations(const esp::TrafficSelectors& selectors) {
    std::vector<Prefix> all;
    for (const auto& selector : selectors) {
        const auto prefixes = prefixes_between(selector.first, selector.last);
        all.insert(all.end(), prefixes.begin(), prefixes.end());
    }
    return merged(std::move(all));
}

std::vector<Prefix> merged(std::vector<Prefix> all) {
    // By address, the shorter prefix first: whatever lies inside another follows it.
    std::sort(all.begin(), all.end());
    std::vector<Prefix> kept;
    for (const auto& prefix : all) {
        if (kept.empty() || !kept.back().contains(prefix)) kept.push_back(prefix);
    }
    return kept;
}

}  // namespace gatelab::client
