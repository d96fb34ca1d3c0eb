#include "sim/static_routes.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "sim/route_list.h"

namespace gatelab::sim {
namespace {

using namespace topologies;

enum class Realm { Underlay, Inside };

// Somewhere that packets go: an address or a prefix, and the node that has it.
struct Destination {
    Prefix prefix;
    Vertex owner;
    Realm realm;
};

// Destinations that all of the network but their common neighbour reaches the same way: those of machines that hang on
// it by their only link. A destination of another owner is alone.
struct Bunch {
    std::optional<Vertex> neighbour;
    std::vector<Destination> destinations;
};

template <class Kind>
bool is(const Topology& topology, Vertex vertex) {
    return std::holds_alternative<Kind>(topology.graph[vertex].kind);
}

bool passes_on(const Topology& topology, Vertex vertex, Realm realm) {
    return is<Router>(topology, vertex) || is<Firewall>(topology, vertex) || is<Nat>(topology, vertex) ||
           (realm == Realm::Inside && is<VirtualNetwork>(topology, vertex));
}

// Whether nodes of that kind send anything in the realm at all.
bool takes_part(const Topology& topology, Vertex vertex, Realm realm) {
    if (is<Client>(topology, vertex)) return realm == Realm::Underlay;
    if (is<VirtualMachine>(topology, vertex) || is<VirtualNetwork>(topology, vertex)) return realm == Realm::Inside;
    return true;
}

std::optional<Vertex> outside_of(const Topology& topology, Vertex nat) {
    return find(topology, std::get<Nat>(topology.graph[nat].kind).outside);
}

// Whether `hop` takes from `from` what it is to pass on: a NAT takes nothing from outside but for itself.
bool lets_in(const Topology& topology, Vertex from, Vertex hop) {
    return !is<Nat>(topology, hop) || outside_of(topology, hop) != from;
}

class Planner {
public:
    explicit Planner(const Topology& topology) : topology_(topology), nodes_(boost::num_vertices(topology.graph)) {
        for (Vertex vertex = 0; vertex < nodes_.size(); ++vertex) {
            nodes_[vertex].otherwise = default_neighbour(vertex);
            nodes_[vertex].is_leaf = nodes_[vertex].otherwise && !is<Gateway>(topology, vertex);
        }
    }

    std::vector<StaticRoute> plan() {
        for (const auto& bunch : bunches()) spread(bunch);
        std::vector<StaticRoute> result;
        for (Vertex vertex = 0; vertex < nodes_.size(); ++vertex) {
            auto& [routes, otherwise, is_leaf, hears] = nodes_[vertex];
            routes.merge();
            if (otherwise && (hears || !routes.empty())) routes.add({}, *otherwise);
            for (const auto& entry : routes.needed()) result.push_back({vertex, entry.prefix, entry.neighbour});
        }
        return result;
    }

private:
    struct NodePlan {
        RouteList routes;
        std::optional<Vertex> otherwise;  // where it sends what it knows nothing about
        bool is_leaf = false;             // it sends everything there
        bool hears = false;               // a leaf: of anything
    };

    std::vector<Destination> destinations() const {
        std::vector<Destination> result;
        const auto add = [&](Prefix prefix, Vertex owner, Realm realm) { result.push_back({prefix, owner, realm}); };
        const auto whole = [](Ipv4Address address) { return Prefix{address, 32}; };
        for (const auto vertex : boost::make_iterator_range(boost::vertices(topology_.graph))) {
            const auto& kind = topology_.graph[vertex].kind;
            if (const auto* client = std::get_if<Client>(&kind)) add(whole(client->address), vertex, Realm::Underlay);
            if (const auto* nat = std::get_if<Nat>(&kind)) add(whole(nat->outside_address), vertex, Realm::Underlay);
            if (const auto* proxy = std::get_if<HttpProxy>(&kind)) add(whole(proxy->address), vertex, Realm::Underlay);
            if (const auto* machine = std::get_if<VirtualMachine>(&kind))
                add(whole(machine->address), vertex, Realm::Inside);
            if (const auto* network = std::get_if<VirtualNetwork>(&kind))
                for (const auto& prefix : network->address_space) add(prefix, vertex, Realm::Inside);
            if (const auto* gateway = std::get_if<Gateway>(&kind)) {
                add(whole(gateway->public_address), vertex, Realm::Underlay);
                if (!gateway->inside_address.is_unspecified())
                    add(whole(gateway->inside_address), vertex, Realm::Inside);
                add(gateway->client_address_pool, vertex, Realm::Inside);
            }
        }
        return result;
    }

    std::vector<Bunch> bunches() const {
        std::vector<Bunch> result;
        std::map<std::pair<Vertex, Realm>, std::size_t> known;
        for (const auto& destination : destinations()) {
            const auto& owner = nodes_[destination.owner];
            if (!owner.is_leaf) {
                result.push_back({std::nullopt, {destination}});
                continue;
            }
            const auto [at, is_new] = known.try_emplace({*owner.otherwise, destination.realm}, result.size());
            if (is_new) result.push_back({owner.otherwise, {}});
            result[at->second].destinations.push_back(destination);
        }
        return result;
    }

    void spread(const Bunch& bunch) {
        const auto& first = bunch.destinations.front();
        if (!bunch.neighbour) return spread_from(first.owner, first, prefixes_of(bunch));
        if (!takes_part(topology_, *bunch.neighbour, first.realm)) return;
        if (needs_route(*bunch.neighbour))
            for (const auto& one : bunch.destinations) nodes_[*bunch.neighbour].routes.add(one.prefix, one.owner);
        spread_from(*bunch.neighbour, first, prefixes_of(bunch), bunch.destinations.size() == 1);
    }

    static std::vector<Prefix> prefixes_of(const Bunch& bunch) {
        RouteList all;
        for (const auto& one : bunch.destinations) all.add(one.prefix, {});
        all.merge();
        std::vector<Prefix> prefixes;
        for (const auto& one : all.needed()) prefixes.push_back(one.prefix);
        return prefixes;
    }

    // Breadth first from the owner, or its only neighbour, outward: who hears of the destination from `hop` sends there
    // by `hop`.
    void spread_from(Vertex start, const Destination& destination, const std::vector<Prefix>& prefixes,
                     bool owner_knows = true) {
        std::vector<bool> reached(nodes_.size());
        reached[start] = true;
        if (owner_knows) reached[destination.owner] = true;
        std::deque<Vertex> heard{start};
        while (!heard.empty()) {
            const auto hop = heard.front();
            heard.pop_front();
            if (hop != destination.owner && !passes_on(topology_, hop, destination.realm)) continue;
            for (const auto from : boost::make_iterator_range(boost::adjacent_vertices(hop, topology_.graph))) {
                if (reached[from] || !takes_part(topology_, from, destination.realm)) continue;
                if (hop != destination.owner && !lets_in(topology_, from, hop)) continue;
                if (hop == destination.owner && !is_announced(destination, from)) continue;
                reached[from] = true;
                if (nodes_[from].is_leaf) {
                    nodes_[from].hears = true;
                    continue;
                }
                heard.push_back(from);
                if (needs_route(from))
                    for (const auto prefix : prefixes) nodes_[from].routes.add(prefix, hop);
            }
        }
    }

    // A gateway's public address is known outside and its inside ones inside.
    bool is_announced(const Destination& destination, Vertex to) const {
        if (!is<Gateway>(topology_, destination.owner)) return true;
        return leads_inside(topology_, destination.owner, to) == (destination.realm == Realm::Inside);
    }

    // A firewall is a bump in the wire; a NAT learns from what passes where its inside addresses are.
    bool needs_route(Vertex node) const { return !is<Firewall>(topology_, node) && !is<Nat>(topology_, node); }

    // Where a machine sends what it knows nothing about; a gateway asks the Internet.
    std::optional<Vertex> default_neighbour(Vertex vertex) const {
        const bool gateway = is<Gateway>(topology_, vertex);
        if (!gateway && !is<Client>(topology_, vertex) && !is<VirtualMachine>(topology_, vertex)) return std::nullopt;
        std::optional<Vertex> only;
        for (const auto neighbour : neighbours(topology_, vertex)) {
            if (gateway && leads_inside(topology_, vertex, neighbour)) continue;
            if (only) return std::nullopt;
            only = neighbour;
        }
        return only;
    }

    const Topology& topology_;
    std::vector<NodePlan> nodes_;  // by vertex
};

}  // namespace

std::vector<StaticRoute> plan_routes(const Topology& topology) { return Planner{topology}.plan(); }

bool leads_inside(const Topology& topology, Vertex gateway, Vertex neighbour) {
    const auto network = find(topology, std::get<Gateway>(topology.graph[gateway].kind).virtual_network);
    std::vector<bool> seen(boost::num_vertices(topology.graph));
    seen[gateway] = seen[neighbour] = true;
    std::deque<Vertex> open{neighbour};
    while (!open.empty()) {
        const auto vertex = open.front();
        open.pop_front();
        if (vertex == network) return true;
        if (!passes_on(topology, vertex, Realm::Inside)) continue;
        for (const auto next : neighbours(topology, vertex))
            if (!seen[next]) {
                seen[next] = true;
                open.push_back(next);
            }
    }
    return false;
}

}  // namespace gatelab::sim
