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
    if (!returned_.empty()) return returned_.extract(returned_.begin()).value();
    if (used_ == capacity()) return {};
    return Ipv4Address{prefix_.first().number() + kBelow + static_cast<std::uint32_t>(used_++)};
}

void AddressPool::give_back(Ipv4Address address) {
    const std::int64_t index = std::int64_t{address.number()} - prefix_.first().number() - kBelow;
    if (index >= 0 && index < static_cast<std::int64_t>(used_)) returned_.insert(address);
}

}  // namespace gatelab::gateway
