#include "impl/gateway/config.h"

#include <fmt/format.h>

namespace gatelab::gateway {
namespace {

constexpr std::uint8_t kSmallestPool = 29;  // prefix length, P2S-FAQ-09
constexpr std::uint16_t kSmallestMtu = 576;

ikev2::Connection connection(const Config& config, std::string name, ikev2::Credential credential) {
    ikev2::Connection made;
    made.name = std::move(name);
    made.local_identification = config.identification;
    made.credential = std::move(credential);
    made.ike_policy = config.ike_policy;
    made.child_policy = config.ipsec_policy;
    made.local = granted_selectors(config);
    made.remote = {esp::TrafficSelector::of(config.client_address_pool)};
    made.retransmission = config.retransmission;
    made.lifetimes = config.lifetimes;
    return made;
}

}  // namespace

Result<void> check(const Config& config) {
    const auto refuse = [](std::string why) {
        return fail(Fault::Refused, "gateway configuration: " + std::move(why));
    };
    if (config.public_address.is_unspecified()) return refuse("the public address is missing");
    if (config.identification.data.empty()) return refuse("the identification is missing");
    if (!config.certificate && !config.pre_shared_key)
        return refuse("neither a certificate nor a pre-shared key is given");
    if (config.certificate && !config.client_roots && !config.pre_shared_key) {
        return refuse("with a certificate alone, a client root certificate is needed: no client could prove who it is");
    }
    const auto pool = config.client_address_pool;
    if (pool.length() > kSmallestPool) {
        return refuse(fmt::format("the client address pool {} is smaller than /29", to_string(pool)));
    }
    for (const auto& network : config.networks) {
        if (!pool.overlaps(network)) continue;
        return refuse(
            fmt::format("the client address pool {} overlaps the network {}", to_string(pool), to_string(network)));
    }
    if (config.ike_policy.empty()) return refuse("the IKE policy is empty");
    if (config.ipsec_policy.empty()) return refuse("the IPsec policy is empty");
    if (config.tunnel_mtu < kSmallestMtu) {
        return refuse(fmt::format("the tunnel's MTU {} is below {}", config.tunnel_mtu, kSmallestMtu));
    }
    return {};
}

std::vector<ikev2::Connection> connections_of(const Config& config) {
    std::vector<ikev2::Connection> all;
    if (config.certificate) {
        auto made = connection(config, "p2s-certificate", *config.certificate);
        made.peer.roots = config.client_roots;
        all.push_back(std::move(made));
    }
    if (config.pre_shared_key) {
        auto made = connection(config, "p2s-pre-shared-key", *config.pre_shared_key);
        made.peer.pre_shared_key = config.pre_shared_key;
        all.push_back(std::move(made));
    }
    return all;
}

std::vector<Prefix> granted_prefixes(const Config& config) {
    auto all = config.networks;
    all.insert(all.end(), config.custom_routes.begin(), config.custom_routes.end());
    all.push_back(config.client_address_pool);
    return all;
}

esp::TrafficSelectors granted_selectors(const Config& config) {
    esp::TrafficSelectors all;
    for (const auto& prefix : granted_prefixes(config)) all.push_back(esp::TrafficSelector::of(prefix));
    return all;
}

}  // namespace gatelab::gateway
