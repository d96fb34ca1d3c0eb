#include "sim/peers/strongswan_players.h"

#include <algorithm>

#include "sim/credentials.h"
#include "sim/peers/ike_end.h"
#include "sim/peers/strongswan_ends.h"

namespace gatelab::sim::peers {
namespace {

// The gateway's half of the selectors of any child that its clients can ask it for.
std::vector<Prefix> possible_selectors(const topologies::Topology& topology, const std::string& gateway,
                                       const std::vector<Prefix>& granted) {
    auto selectors = granted;
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph))) {
        const auto* client = std::get_if<topologies::Client>(&topology.graph[vertex].kind);
        if (!client || client->gateway != gateway) continue;
        for (const auto wanted : client->remote_selectors)
            for (const auto given : granted)
                if (given.contains(wanted) && given != wanted) selectors.push_back(wanted);
    }
    return selectors;
}

MachineSpec gateway_machine(const topologies::Gateway& node) {
    MachineSpec machine;
    machine.forwards = true;
    machine.addresses = {node.public_address, node.inside_address,
                         Ipv4Address{node.client_address_pool.first().number() + 1}};
    return machine;
}

// kernel-libipsec installs no policy unless the machine has an address within its own half of the selectors, whatever
// the settings say about routes. It shall find one in each, without anything changing for the hosts that are there.
MachineSpec borrowing(MachineSpec machine, const std::vector<Prefix>& selectors) {
    for (const auto& selector : selectors) {
        const auto inside = [&](auto address) { return selector.contains(address); };
        if (std::none_of(machine.addresses.begin(), machine.addresses.end(), inside) &&
            std::none_of(machine.borrowed.begin(), machine.borrowed.end(), inside))
            machine.borrowed.push_back(Ipv4Address{selector.last().number() - (selector.size() > 2 ? 1 : 0)});
    }
    return machine;
}

}  // namespace

Result<std::unique_ptr<ClientPlayer>> make_strongswan_client(const Stage& stage, const std::string& name) {
    const auto& node = *topologies::find_as<topologies::Client>(stage.topology, name);
    const auto& gateway = *topologies::find_as<topologies::Gateway>(stage.topology, node.gateway);
    auto common = client_end(stage, name);
    if (!common) return pass(common);
    StrongSwanClientSettings settings{std::move(*common), gateway.public_address,
                                      identification_of(stage.topology, stage.pki, name),
                                      server_name_of(stage.topology, stage.pki, node.gateway), node.remote_selectors};
    StrongSwanMachine::Options options;
    options.node = options.port = name;
    options.machine.addresses = {node.address};
    options.files = client_files(settings);
    options.patient = node.personality == topologies::Personality::StrongSwan;
    auto machine = StrongSwanMachine::start(stage, std::move(options));
    if (!machine) return pass(machine);
    return make_dialling_end(std::move(*machine), kClientConnection);
}

Result<std::unique_ptr<GatewayPlayer>> make_strongswan_gateway(const Stage& stage, const std::string& name) {
    const auto& node = *topologies::find_as<topologies::Gateway>(stage.topology, name);
    auto common = gateway_end(stage, name);
    if (!common) return pass(common);
    std::vector<Prefix> networks;
    if (const auto* network = topologies::find_as<topologies::VirtualNetwork>(stage.topology, node.virtual_network))
        networks = network->address_space;
    networks.insert(networks.end(), node.custom_routes.begin(), node.custom_routes.end());
    StrongSwanGatewaySettings settings{std::move(*common), server_name_of(stage.topology, stage.pki, name),
                                       node.client_address_pool, node.dns_servers, std::move(networks)};
    StrongSwanMachine::Options options;
    options.node = name;
    options.port = port_of(name);
    auto granted = settings.networks;
    granted.push_back(settings.pool);
    options.machine = gateway_machine(node);
    if (!stage.guests)
        options.machine = borrowing(std::move(options.machine), possible_selectors(stage.topology, name, granted));
    options.files = gateway_files(settings);
    auto machine = StrongSwanMachine::start(stage, std::move(options));
    if (!machine) return pass(machine);
    return make_answering_end(std::move(*machine));
}

Result<std::unique_ptr<ClientPlayer>> make_strongswan_site(const Stage& stage, StrongSwanSiteNode site) {
    StrongSwanMachine::Options options;
    options.node = std::move(site.node);
    options.port = std::move(site.port);
    options.machine.addresses = std::move(site.addresses);
    options.machine.addresses.insert(options.machine.addresses.begin(), site.settings.common.address);
    options.machine.forwards = true;
    options.files = site_files(site.settings);
    auto machine = StrongSwanMachine::start(stage, std::move(options));
    if (!machine) return pass(machine);
    return make_dialling_end(std::move(*machine), kSiteConnection);
}

}  // namespace gatelab::sim::peers
