#include "impl/gateway/address_pool.h"

namespace gatelab::gateway {
namespace {

constexpr std::uint32_t kBelow = 2;  // the network's address and the gateway's own
constexpr std::uint32_t kAbove = 1;  // the broadcast address

}  // namespace

AddressPool::AddressPool(Prefix prefix) : prefix_(prefix) {}

Ipv4Address AddressPool::own_address() const { return Ipv4Address{prefix_.first().number() + 1}; }

std::size_t AddressPool::capacity() const { return static_cast<std::size_t>(prefix_.size()) - kBelow - kAbove; }

std::optional<Ipv4Address> AddressPool::take() {
    if (free() == 0) return {};
    Ipv4Address candidate{prefix_.first().number() + kBelow};
    for (const auto address : taken_) {  // in ascending order: the first gap is the lowest free address
        if (address != candidate) break;
        candidate = Ipv4Address{candidate.number() + 1};
    }
    taken_.insert(candidate);
    return candidate;
}

void AddressPool::give_back(Ipv4Address address) { taken_.erase(address); }

}  // namespace gatelab::gateway
