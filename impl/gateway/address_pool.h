// The addresses that a gateway hands out: the first free one, lowest first (P2S-FAQ-12).
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "impl/base/address.h"

namespace gatelab::gateway {

// How a pool is split for good between SSTP and the other tunnel types (P2S-FAQ-01): in halves, but SSTP has at most
// 128 addresses and the others the surplus (P2S-FAQ-02, -10). Which part is whose is documented nowhere. Here SSTP has
// the upper end, so that the others' part begins where the pool does and has the gateway's own address.
struct PoolSplit {
    std::vector<Prefix> others;  // ascending, without a gap
    Prefix sstp;
};
PoolSplit split(Prefix pool);  // /30 or larger

// Of a prefix, every address but the network's, the broadcast address and the first host address, which is the
// gateway's own; or of those, the ones in a part of the prefix. The prefix is /29 or larger.
class AddressPool {
public:
    explicit AddressPool(Prefix whole) : AddressPool(whole, {whole}) {}
    AddressPool(Prefix whole, const std::vector<Prefix>& part);  // prefixes ascending, without a gap

    std::size_t capacity() const { return last_ - first_ + 1; }
    std::size_t free() const { return capacity() - used_ + returned_.size(); }

    std::optional<Ipv4Address> take();  // nothing when it is exhausted
    void give_back(Ipv4Address);        // without effect on one that is not taken

private:
    std::uint32_t first_, last_;
    std::size_t used_ = 0;            // so many of the lowest were taken at some time
    std::set<Ipv4Address> returned_;  // those of them that are free again
};

// The gateway's own address in the tunnels, of a pool.
Ipv4Address own_address_in(Prefix pool);

}  // namespace gatelab::gateway
