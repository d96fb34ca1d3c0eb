#include "topologies/model/paths.h"

#include <algorithm>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/filtered_graph.hpp>

namespace gatelab::topologies {
namespace {

bool forwards(const NodeKind& kind, Through through) {
    if (std::holds_alternative<Client>(kind) || std::holds_alternative<VirtualMachine>(kind) ||
        std::holds_alternative<HttpProxy>(kind))
        return false;
    if (std::holds_alternative<Gateway>(kind) || std::holds_alternative<VirtualNetwork>(kind))
        return through == Through::Everything;
    return true;
}

// Keeps the vertices that may stand on a path between two ends.
struct OnPath {
    const Graph* graph = nullptr;
    Vertex from = 0, to = 0;
    Through through = Through::Everything;

    bool operator()(Vertex vertex) const {
        return vertex == from || vertex == to || forwards((*graph)[vertex].kind, through);
    }
};

bool is_endpoint(const Node& node) {
    return std::holds_alternative<Client>(node.kind) || std::holds_alternative<VirtualMachine>(node.kind);
}

// The gateway that serves an endpoint: the one that a client dials, or the one of a machine's virtual network.
std::optional<Vertex> gateway_of(const Topology& topology, const Node& endpoint) {
    if (const auto* client = std::get_if<Client>(&endpoint.kind)) return find(topology, client->gateway);
    const auto& machine = std::get<VirtualMachine>(endpoint.kind);
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph)))
        if (const auto* gateway = std::get_if<Gateway>(&topology.graph[vertex].kind))
            if (gateway->virtual_network == machine.virtual_network) return vertex;
    return std::nullopt;
}

// The way from an endpoint to its gateway: on the Internet for a client, in the virtual network for a machine.
std::vector<Vertex> to_gateway(const Topology& topology, Vertex endpoint, Vertex gateway) {
    const bool client = std::holds_alternative<Client>(topology.graph[endpoint].kind);
    return shortest_path(topology, endpoint, gateway, client ? Through::Underlay : Through::Everything);
}

bool asks_for(const Client& client, Ipv4Address address) {
    const auto& wanted = client.remote_selectors;
    return wanted.empty() || std::any_of(wanted.begin(), wanted.end(), [&](Prefix p) { return p.contains(address); });
}

// Whether a client's traffic selectors leave a machine out.
std::string refused_by_selectors(const Node& one, const Node& other) {
    for (const auto& [client, machine] : {std::pair{&one, &other}, std::pair{&other, &one}}) {
        const auto* user = std::get_if<Client>(&client->kind);
        const auto* target = std::get_if<VirtualMachine>(&machine->kind);
        if (user && user->dials(Tunnel::IkeV2) && target && !asks_for(*user, target->address))
            return client->name + " does not ask for " + to_string(target->address) + " (remote_selectors)";
    }
    return {};
}

// OpenVPN knows no traffic selectors: what is routed into its tunnel passes.
bool has_selectors(const Node& node) {
    const auto* client = std::get_if<Client>(&node.kind);
    return client && client->dials(Tunnel::IkeV2);
}

// Why clients of one gateway cannot talk to each other: its selectors are the virtual network and its custom routes.
std::string pool_left_out(const Node& node) {
    const auto& gateway = std::get<Gateway>(node.kind);
    for (const auto route : gateway.custom_routes)
        if (route.contains(gateway.client_address_pool)) return {};
    return node.name + " offers no route to its own address_pool (custom_routes)";
}

}  // namespace

std::vector<Vertex> shortest_path(const Topology& topology, Vertex from, Vertex to, Through through) {
    const auto& graph = topology.graph;
    const boost::filtered_graph<Graph, boost::keep_all, OnPath> open{graph, {}, OnPath{&graph, from, to, through}};
    std::vector<Vertex> reached_from(boost::num_vertices(graph), Graph::null_vertex());
    reached_from[from] = from;
    const auto record = boost::record_predecessors(reached_from.data(), boost::on_tree_edge());
    boost::breadth_first_search(open, from, boost::visitor(boost::make_bfs_visitor(record)));
    if (reached_from[to] == Graph::null_vertex()) return {};
    std::vector<Vertex> path{to};
    while (path.back() != from) path.push_back(reached_from[path.back()]);
    std::reverse(path.begin(), path.end());
    return path;
}

std::string to_string(const Topology& topology, const std::vector<Vertex>& path) {
    std::string text;
    for (const auto vertex : path) {
        if (!text.empty()) text += " > ";
        text += topology.graph[vertex].name;
    }
    return text;
}

Reach reach(const Topology& topology, Vertex from, Vertex to) {
    const auto& source = topology.graph[from];
    const auto& target = topology.graph[to];
    Reach result{source.name, target.name, {}, {}, {}};
    const auto* near = std::get_if<VirtualMachine>(&source.kind);
    const auto* far = std::get_if<VirtualMachine>(&target.kind);
    if (near && far && near->virtual_network == far->virtual_network) {
        result.path = shortest_path(topology, from, to, Through::Everything);
        if (result.path.empty()) result.why_not = "no links lead there";
        return result;
    }
    const auto first = gateway_of(topology, source), last = gateway_of(topology, target);
    if (!first || !last || *first != *last) {
        result.why_not = "they have no gateway in common";
        return result;
    }
    auto path = to_gateway(topology, from, *first);
    auto rest = to_gateway(topology, to, *last);
    if (path.empty() || rest.empty()) {
        result.why_not = (path.empty() ? source.name : target.name) + " has no path to " + topology.graph[*first].name;
        return result;
    }
    result.why_not = refused_by_selectors(source, target);
    if (result.why_not.empty() && !near && !far && (has_selectors(source) || has_selectors(target)))
        result.why_not = pool_left_out(topology.graph[*first]);
    if (!result.why_not.empty()) return result;
    path.insert(path.end(), std::next(rest.rbegin()), rest.rend());
    result.path = std::move(path);
    for (const auto* end : {&source, &target})
        if (std::holds_alternative<Client>(end->kind)) result.tunnels.push_back(end->name);
    return result;
}

std::vector<Reach> reachability(const Topology& topology) {
    std::vector<Vertex> endpoints;
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph)))
        if (is_endpoint(topology.graph[vertex])) endpoints.push_back(vertex);
    std::vector<Reach> all;
    for (const auto from : endpoints)
        for (const auto to : endpoints)
            if (from != to) all.push_back(reach(topology, from, to));
    return all;
}

}  // namespace gatelab::topologies
