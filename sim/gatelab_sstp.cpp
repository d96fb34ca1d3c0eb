#include "sim/gatelab_sstp.h"

#include <algorithm>

#include "sim/credentials.h"

namespace gatelab::sim {
namespace {

Result<std::vector<ppp::Authentication>> methods_of(const std::vector<std::string>& words) {
    std::vector<ppp::Authentication> methods;
    for (const auto& word : words) {
        if (word == "mschapv2")
            methods.push_back(ppp::Authentication::MsChapV2);
        else if (word == "pap")
            methods.push_back(ppp::Authentication::Pap);
        else
            return fail(Fault::Unsupported, "there is no PPP authentication \"" + word + "\"");
    }
    return methods;
}

Result<std::uint8_t> hashes_of(const std::vector<std::string>& words) {
    std::uint8_t hashes = 0;
    for (const auto& word : words) {
        if (word == "SHA256")
            hashes |= sstp::kSha256;
        else if (word == "SHA1")
            hashes |= sstp::kSha1;
        else
            return fail(Fault::Unsupported, "there is no hash \"" + word + "\" of the crypto binding");
    }
    return hashes;
}

// TLS 1.2 alone (P2S-PROTO-02), with the suites that the client names.
tls::Policy policy_of(const topologies::Sstp& sstp) {
    auto policy = tls::any_policy();
    policy.maximum = tls::Version::Tls12;
    if (!sstp.tls_suites.empty()) policy.cipher_suites = sstp.tls_suites;
    std::erase_if(policy.cipher_suites, [](const std::string& suite) { return tls::is_tls13(suite); });
    return policy;
}

// What a gateway grants to its clients over the tunnel types that can say so (impl/gateway's granted_prefixes()).
std::vector<Prefix> granted_by(const topologies::Topology& topology, const topologies::Gateway& gateway) {
    std::vector<Prefix> granted;
    if (const auto* network = topologies::find_as<topologies::VirtualNetwork>(topology, gateway.virtual_network))
        granted = network->address_space;
    granted.insert(granted.end(), gateway.custom_routes.begin(), gateway.custom_routes.end());
    granted.push_back(gateway.client_address_pool);
    return granted;
}

}  // namespace

Result<client::Sstp> sstp_client_of(const Stage& stage, const topologies::Client& node) {
    const auto* gateway = topologies::find_as<topologies::Gateway>(stage.topology, node.gateway);
    auto roots = roots_of_gateway(stage.pki, *gateway);
    if (!roots) return pass(roots);
    client::Sstp config;
    config.gateway = {gateway->public_address, gateway->sstp.port};
    config.destinations = granted_by(stage.topology, *gateway);
    auto& session = config.session;
    session.host = server_name_of(stage.topology, stage.pki, node.gateway);
    session.tls.policy = policy_of(node.sstp);
    session.tls.roots = std::move(*roots);
    if (!parse_address(session.host)) session.tls.server_name = session.host;  // RFC 6066 section 3: no addresses
    session.ppp.credentials = ppp::Credentials{node.username, node.password};
    session.ppp.authentication = {ppp::Authentication::MsChapV2, ppp::Authentication::Pap};
    session.ppp.mru = node.sstp.mru;
    session.hello = node.sstp.hello;
    return config;
}

Result<void> offer_sstp(gateway::Config& gateway, const topologies::Gateway& node) {
    const auto& said = node.sstp;
    auto& config = gateway.sstp.emplace();
    config.port = said.port;
    const auto policy = tls::profile_of(said.tls_policy);
    if (!policy) return fail(Fault::Unsupported, "there is no TLS policy \"" + said.tls_policy + "\"");
    config.tls_policy = tls::p2s_policy(*policy, tls::Carrier::Sstp);
    for (const auto& user : node.users) config.users.push_back({user.name, user.password});
    auto methods = methods_of(said.authentication);
    if (!methods) return pass(methods);
    config.authentication = std::move(*methods);
    const auto hashes = hashes_of(said.hashes);
    if (!hashes) return pass(hashes);
    config.hashes = *hashes;
    config.mru = said.mru;
    config.negotiation = said.negotiation;
    config.hello = said.hello;
    return {};
}

}  // namespace gatelab::sim
