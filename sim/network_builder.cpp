#include "sim/network_builder.h"

#include <algorithm>
#include <tuple>

#include "impl/client/client.h"
#include "impl/gateway/config.h"
#include "sim/players.h"
#include "sim/static_routes.h"

namespace gatelab::sim {
namespace {

using namespace topologies;

// Between a real gateway's router and its program: no bottleneck, and no packet of the topology's links is too large.
Link link_to_port(const std::string& gateway) {
    Link link;
    link.name = port_of(gateway);
    link.bits_per_second = 10'000'000'000;
    link.delay = Duration::zero();
    return link;
}

class Builder {
public:
    Builder(Network& network, const Topology& topology) : network_(network), topology_(topology) {}

    void add_nodes() {
        for (const auto vertex : boost::make_iterator_range(boost::vertices(topology_.graph)))
            add(topology_.graph[vertex]);
    }

    void add_links() {
        for (const auto edge : boost::make_iterator_range(boost::edges(topology_.graph)))
            network_.connect(name(boost::source(edge, topology_.graph)), name(boost::target(edge, topology_.graph)),
                             topology_.graph[edge]);
    }

    void add_faults() {
        for (const auto& fault : topology_.faults) network_.add_fault(fault);
    }

    void add_routes() {
        for (const auto& route : plan_routes(topology_))
            if (!is_port(route.node)) network_.add_route(name(route.node), route.destination, name(route.neighbour));
        for (const auto vertex : boost::make_iterator_range(boost::vertices(topology_.graph)))
            if (const auto* gateway = std::get_if<Gateway>(&topology_.graph[vertex].kind)) finish(vertex, *gateway);
    }

private:
    const std::string& name(Vertex vertex) const { return topology_.graph[vertex].name; }

    bool is_port(Vertex vertex) const {
        const auto* client = std::get_if<Client>(&topology_.graph[vertex].kind);
        return client && is_program(client->implementation);
    }

    void add(const Node& node) {
        std::visit([&](const auto& kind) { add(node.name, kind); }, node.kind);
        // What a real gateway's router passes on to and from its program has not come to another machine.
        const auto* gateway = std::get_if<Gateway>(&node.kind);
        const bool behind = gateway && is_program(gateway->implementation);
        network_.set_processing_delay(behind ? port_of(node.name) : node.name, node.processing_delay);
    }
    void add(const std::string& node, const Client& client) {
        if (!is_program(client.implementation))
            network_.add_host(node, {client.address});
        else
            network_.add_port(node);
    }
    void add(const std::string& node, const Gateway& gateway) {
        if (!is_program(gateway.implementation)) {
            network_.add_host(node, {gateway.public_address, gateway.inside_address});
        } else {
            network_.add_router(node);
            network_.add_port(port_of(node));
            network_.connect(node, port_of(node), link_to_port(node));
        }
    }
    void add(const std::string& node, const VirtualNetwork&) { network_.add_router(node); }
    void add(const std::string& node, const VirtualMachine& machine) { network_.add_host(node, {machine.address}); }
    void add(const std::string& node, const Router&) { network_.add_router(node); }
    void add(const std::string& node, const Firewall& firewall) { network_.add_filter(node, firewall); }
    void add(const std::string& node, const Nat& nat) { network_.add_nat(node, nat); }
    void add(const std::string& node, const HttpProxy& proxy) { network_.add_host(node, {proxy.address}); }

    void finish(Vertex vertex, const Gateway& gateway) {
        if (!is_program(gateway.implementation)) {
            for (const auto neighbour : neighbours(topology_, vertex))
                if (leads_inside(topology_, vertex, neighbour))
                    network_.set_source(name(vertex), name(neighbour), gateway.inside_address);
            return;
        }
        for (const auto& own :
             {Prefix{gateway.public_address, 32}, Prefix{gateway.inside_address, 32}, gateway.client_address_pool})
            network_.add_route(name(vertex), own, port_of(name(vertex)));
    }

    Network& network_;
    const Topology& topology_;
};

}  // namespace

bool is_real_peer(const NodeKind& kind) {
    const auto* client = std::get_if<Client>(&kind);
    const auto* gateway = std::get_if<Gateway>(&kind);
    return (client && is_program(client->implementation)) || (gateway && is_program(gateway->implementation));
}

bool has_real_peers(const Topology& topology) {
    const auto vertices = boost::make_iterator_range(boost::vertices(topology.graph));
    return std::any_of(vertices.begin(), vertices.end(),
                       [&](Vertex vertex) { return is_real_peer(topology.graph[vertex].kind); });
}

void build_network(Network& network, const Topology& topology) {
    Builder builder{network, topology};
    builder.add_nodes();
    builder.add_links();
    builder.add_faults();
    builder.add_routes();
}

Result<void> capture_all(Network& network, const Topology& topology, const std::filesystem::path& folder) {
    const auto capture = [&](const std::string& node, const std::string& interface) {
        return network.capture(node, interface, folder / (node + "-" + interface + ".pcap"));
    };
    const auto& graph = topology.graph;
    for (const auto edge : boost::make_iterator_range(boost::edges(graph)))
        for (const auto end : {boost::source(edge, graph), boost::target(edge, graph)})
            if (const auto done = capture(graph[end].name, graph[edge].name); !done) return done;
    for (const auto vertex : boost::make_iterator_range(boost::vertices(graph))) {
        const auto& [name, kind] = std::tie(graph[vertex].name, graph[vertex].kind);
        const auto* client = std::get_if<Client>(&kind);
        const auto* gateway = std::get_if<Gateway>(&kind);
        Result<void> done;
        if (client && !is_program(client->implementation)) done = capture(name, client::Config{}.tunnel_interface);
        if (gateway)
            done = !is_program(gateway->implementation) ? capture(name, gateway::Config{}.tunnel_interface)
                                                        : capture(port_of(name), port_of(name));
        if (!done) return done;
    }
    return {};
}

}  // namespace gatelab::sim
