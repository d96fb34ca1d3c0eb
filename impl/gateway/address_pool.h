// The addresses that a gateway hands out: the first free one, lowest first (P2S-FAQ-12).
#pragma once

#include <optional>
#include <set>

#include "impl/base/address.h"

namespace gatelab::gateway {

// Of a prefix, every address but the network's, the broadcast address and the first host address, which is the
// gateway's own. The prefix is /29 or larger.
class AddressPool {
public:
    explicit AddressPool(Prefix);

    Prefix prefix() const { return prefix_; }
    Ipv4Address own_address() const;  // the gateway's
    std::size_t capacity() const;
    std::size_t free() const { return capacity() - used_ + returned_.size(); }

    std::optional<Ipv4Address> take();  // nothing when it is exhausted
    void give_back(Ipv4Address);        // without effect on one that is not taken

private:
    Prefix prefix_;
    std::size_t used_ = 0;            // so many of the lowest were taken at some time
    std::set<Ipv4Address> returned_;  // those of them that are free again
};

}  // namespace gatelab::gateway
