#include "sim/resolver.h"

#include <map>

#include "sim/credentials.h"

namespace gatelab::sim {

std::function<Result<Ipv4Address>(const std::string&)> resolver_of(const topologies::Topology& topology,
                                                                   const Pki& pki) {
    std::map<std::string, Ipv4Address> names;
    const auto& graph = topology.graph;
    for (const auto vertex : boost::make_iterator_range(boost::vertices(graph)))
        if (const auto* gateway = std::get_if<topologies::Gateway>(&graph[vertex].kind))
            names.emplace(server_name_of(topology, pki, graph[vertex].name), gateway->public_address);
    return [names = std::move(names)](const std::string& host) -> Result<Ipv4Address> {
        if (const auto at = names.find(host); at != names.end()) return at->second;
        return fail(Fault::NotFound, "no gateway of the topology is named \"" + host + "\"");
    };
}

}  // namespace gatelab::sim
