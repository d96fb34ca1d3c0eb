#include "sim/peers/openvpn_players.h"

#include "impl/tls/policy.h"
#include "sim/credentials.h"
#include "sim/openvpn_profile.h"
#include "sim/peers/ike_end.h"
#include "sim/peers/openvpn_client.h"
#include "sim/peers/openvpn_config.h"
#include "sim/peers/openvpn_gateway.h"

namespace gatelab::sim::peers {
namespace {

using Protection = topologies::OpenVpn::Protection;

std::string control_key(const Stage& stage, const std::string& gateway, Protection protection) {
    const auto keys = keys_of(gateway, stage.seed);
    switch (protection) {
        case Protection::TlsAuth:
        case Protection::TlsCrypt: return keys.key.to_pem();
        case Protection::TlsCryptV2: return keys.server_key.to_pem();
        case Protection::None: return {};
    }
    return {};
}

Result<OpenVpnGatewaySettings> settings_of(const Stage& stage, const std::string& name,
                                           const topologies::Gateway& node) {
    auto identity = stage.pki.identity(node.certificate);
    if (!identity) return named(name, identity);
    auto roots = stage.pki.trust(node.root_certificates);
    if (!roots) return named(name, roots);
    const auto policy = tls::profile_of(node.openvpn.tls_policy);
    if (!policy) return fail(Fault::Malformed, name + ": there is no TLS policy '" + node.openvpn.tls_policy + "'");
    OpenVpnGatewaySettings settings{.address = node.public_address,
                                    .identity = std::move(*identity),
                                    .roots = std::move(*roots),
                                    .control_key = control_key(stage, name, node.openvpn.protection),
                                    .pool = node.client_address_pool,
                                    .networks = {},
                                    .dns_servers = node.dns_servers,
                                    .tls = tls::p2s_policy(*policy, tls::Carrier::OpenVpn),
                                    .openvpn = node.openvpn,
                                    .users = node.users};
    if (const auto* network = topologies::find_as<topologies::VirtualNetwork>(stage.topology, node.virtual_network))
        settings.networks = network->address_space;
    settings.networks.insert(settings.networks.end(), node.custom_routes.begin(), node.custom_routes.end());
    return settings;
}

}  // namespace

Result<std::unique_ptr<ClientPlayer>> make_openvpn_client(const Stage& stage, const std::string& name) {
    const auto& node = *topologies::find_as<topologies::Client>(stage.topology, name);
    const auto& gateway = *topologies::find_as<topologies::Gateway>(stage.topology, node.gateway);
    const auto profile = profile_of(stage.topology, stage.pki, stage.seed, name);
    if (!profile) return pass(profile);
    auto machine = OpenVpnMachine::start(stage, {name, name, {.addresses = {node.address}}});
    if (!machine) return pass(machine);
    const auto text = profile::encode(*profile);
    (*machine)->keep({kOpenVpnProfile, without_secrets(text)});
    if (auto put = (*machine)->put({{kOpenVpnProfile, text, true}}); !put) return pass(put);
    OpenVpnClient::Options options;
    options.protocol = "openvpn-" + std::string{name_of(node.openvpn.transport)};
    options.server = server_name_of(stage.topology, stage.pki, node.gateway);
    options.gateway = gateway.public_address;
    return std::make_unique<OpenVpnClient>(std::move(*machine), std::move(options));
}

Result<std::unique_ptr<GatewayPlayer>> make_openvpn_gateway(const Stage& stage, const std::string& name) {
    const auto& node = *topologies::find_as<topologies::Gateway>(stage.topology, name);
    auto settings = settings_of(stage, name, node);
    if (!settings) return pass(settings);
    const auto doors = doors_of(node.openvpn, node.client_address_pool);
    OpenVpnMachine::Place place{name, port_of(name), {}};
    place.machine.forwards = true;
    place.machine.addresses = {node.public_address, node.inside_address};
    auto machine = OpenVpnMachine::start(stage, std::move(place));
    if (!machine) return pass(machine);
    if (auto put = (*machine)->put(openvpn_gateway_files(*settings, doors, (*machine)->folder())); !put)
        return pass(put);
    return std::make_unique<OpenVpnGateway>(
        std::move(*machine), OpenVpnGateway::Options{doors, settings->tls, node.users, settings->networks});
}

}  // namespace gatelab::sim::peers
