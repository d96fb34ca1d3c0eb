// One end of IKE as a real program is to play it, whatever the program: out of the topology.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "impl/crypto/certificates.h"
#include "impl/ikev2/policy.h"
#include "sim/players.h"

namespace gatelab::sim::peers {

struct IkeEnd {
    Ipv4Address address;                       // outside the tunnel
    std::optional<crypto::Identity> identity;  // how we prove ourselves, unless by key
    crypto::TrustStore roots;                  // whom certificates of the peer must come from
    std::string pre_shared_key;                // "" for none
    std::vector<ikev2::IkeSuite> ike_policy;
    std::vector<ikev2::ChildSuite> ipsec_policy;
    Duration ike_lifetime{}, child_lifetime{}, liveness{};  // zero: never
};

// The node must be a client, a gateway. Errors name it: a policy row or a certificate that cannot be.
Result<IkeEnd> client_end(const Stage&, const std::string& name);
Result<IkeEnd> gateway_end(const Stage&, const std::string& name);

template <class Value>
tl::unexpected<Error> named(const std::string& name, const Result<Value>& wrong) {
    return fail(wrong.error().fault, name + ": " + wrong.error().detail);
}

}  // namespace gatelab::sim::peers
