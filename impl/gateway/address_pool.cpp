#include "impl/gateway/address_pool.h"

#include <algorithm>

namespace gatelab::gateway {
namespace {

constexpr std::uint32_t kBelow = 2;       // the network's address and the gateway's own
constexpr std::uint32_t kAbove = 1;       // the broadcast address
constexpr std::uint8_t kMostOfSstp = 25;  // prefix length: 128 addresses

}  // namespace

PoolSplit split(Prefix pool) {
    PoolSplit parts;
    const auto half = static_cast<std::uint8_t>(pool.length() + 1);
    parts.sstp = Prefix{pool.last(), std::max(half, kMostOfSstp)};
    auto next = pool.first();
    for (auto length = half; length <= parts.sstp.length(); ++length) {
        const auto& part = parts.others.emplace_back(next, length);
        next = Ipv4Address{part.last().number() + 1};
    }
    return parts;
}

AddressPool::AddressPool(Prefix whole, const std::vector<Prefix>& part)
    : first_(std::max(part.front().first().number(), whole.first().number() + kBelow)),
      last_(std::min(part.back().last().number(), whole.last().number() - kAbove)) {}

std::optional<Ipv4Address> AddressPool::take() {
    if (!returned_.empty()) return returned_.extract(returned_.begin()).value();
    if (used_ == capacity()) return {};
    return Ipv4Address{first_ + static_cast<std::uint32_t>(used_++)};
}

void AddressPool::give_back(Ipv4Address address) {
    const std::int64_t index = std::int64_t{address.number()} - first_;
    if (index >= 0 && index < static_cast<std::int64_t>(used_)) returned_.insert(address);
}

Ipv4Address own_address_in(Prefix pool) { return Ipv4Address{pool.first().number() + 1}; }

}  // namespace gatelab::gateway
