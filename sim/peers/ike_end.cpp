#include "sim/peers/ike_end.h"

#include "sim/credentials.h"

namespace gatelab::sim::peers {
namespace {

// What clients and gateways say alike.
template <class Node>
Result<IkeEnd> policy_of(const std::string& name, const Node& node) {
    IkeEnd end;
    auto ike = ike_policy_from(node.ike_policy);
    if (!ike) return named(name, ike);
    auto ipsec = ipsec_policy_from(node.ipsec_policy);
    if (!ipsec) return named(name, ipsec);
    end.ike_policy = std::move(*ike);
    end.ipsec_policy = std::move(*ipsec);
    end.ike_lifetime = node.ike_lifetime;
    end.child_lifetime = node.child_lifetime;
    end.liveness = node.liveness;
    return end;
}

}  // namespace

Result<IkeEnd> client_end(const Stage& stage, const std::string& name) {
    const auto& node = *topologies::find_as<topologies::Client>(stage.topology, name);
    auto end = policy_of(name, node);
    if (!end) return end;
    end->address = node.address;
    if (node.authentication == topologies::Authentication::PreSharedKey) {
        end->pre_shared_key = node.pre_shared_key;
        return end;
    }
    auto identity = stage.pki.identity(node.certificate);
    if (!identity) return named(name, identity);
    auto roots = roots_of_gateway(stage.pki, *topologies::find_as<topologies::Gateway>(stage.topology, node.gateway));
    if (!roots) return named(name, roots);
    end->identity = std::move(*identity);
    end->roots = std::move(*roots);
    return end;
}

Result<IkeEnd> gateway_end(const Stage& stage, const std::string& name) {
    const auto& node = *topologies::find_as<topologies::Gateway>(stage.topology, name);
    auto end = policy_of(name, node);
    if (!end) return end;
    end->address = node.public_address;
    end->pre_shared_key = node.pre_shared_key;
    if (node.certificate.empty()) return end;
    auto identity = stage.pki.identity(node.certificate);
    if (!identity) return named(name, identity);
    auto roots = stage.pki.trust(node.root_certificates);
    if (!roots) return named(name, roots);
    end->identity = std::move(*identity);
    end->roots = std::move(*roots);
    return end;
}

}  // namespace gatelab::sim::peers
