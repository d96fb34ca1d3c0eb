#include "sim/peers/sstp_client_players.h"

#include "sim/credentials.h"
#include "sim/peers/sstp_client.h"

namespace gatelab::sim::peers {
namespace {

// What a profile of Windows carries: the networks behind the gateway, and its other clients.
std::vector<Prefix> networks_of(const topologies::Topology& topology, const topologies::Gateway& gateway) {
    std::vector<Prefix> networks;
    if (const auto* network = topologies::find_as<topologies::VirtualNetwork>(topology, gateway.virtual_network))
        networks = network->address_space;
    networks.insert(networks.end(), gateway.custom_routes.begin(), gateway.custom_routes.end());
    networks.push_back(gateway.client_address_pool);
    return networks;
}

Result<SstpClientSettings> settings_of(const Stage& stage, const std::string& name, const topologies::Client& node) {
    const auto& gateway = *topologies::find_as<topologies::Gateway>(stage.topology, node.gateway);
    if (!node.dials(topologies::Tunnel::Sstp) || node.tunnels.size() != 1)
        return fail(Fault::Refused, name + ": sstp-client dials with SSTP, and with nothing else");
    if (node.username.empty())
        return fail(Fault::Refused, name + ": sstp-client signs in by name and password: give it a username");
    auto roots = roots_of_gateway(stage.pki, gateway);
    if (!roots) return fail(roots.error().fault, name + ": " + roots.error().detail);
    SstpClientSettings settings;
    settings.server = {gateway.public_address, gateway.sstp.port};
    settings.server_name = server_name_of(stage.topology, stage.pki, node.gateway);
    for (const auto& root : roots->roots()) settings.roots += root.to_pem();
    settings.user = node.username;
    settings.password = node.password;
    if (const auto* proxy = topologies::find_as<topologies::HttpProxy>(stage.topology, node.http_proxy))
        settings.proxy = {{proxy->address, proxy->port}, node.http_proxy_username, node.http_proxy_password};
    settings.routes = networks_of(stage.topology, gateway);
    settings.mru = node.sstp.mru;
    settings.seed = stage.seed;
    return settings;
}

}  // namespace

Result<std::unique_ptr<ClientPlayer>> make_sstp_client(const Stage& stage, const std::string& name) {
    const auto& node = *topologies::find_as<topologies::Client>(stage.topology, name);
    auto settings = settings_of(stage, name, node);
    if (!settings) return pass(settings);
    auto machine = SstpMachine::start(stage, {name, name, {.addresses = {node.address}}}, std::move(*settings));
    if (!machine) return pass(machine);
    return std::make_unique<SstpClient>(std::move(*machine),
                                        SstpClient::Options{node.reconnects.value_or(false), node.give_up_after});
}

}  // namespace gatelab::sim::peers
