// The parts of check(), one file each. Internal to this folder.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "topologies/model/check.h"

namespace gatelab::topologies {

// Collects what is wrong.
class Findings {
public:
    template <class... Args>
    void error(const Mark& mark, fmt::format_string<Args...> format, Args&&... args) {
        add(Problem::Severity::Error, mark, fmt::format(format, std::forward<Args>(args)...));
    }
    template <class... Args>
    void warning(const Mark& mark, fmt::format_string<Args...> format, Args&&... args) {
        add(Problem::Severity::Warning, mark, fmt::format(format, std::forward<Args>(args)...));
    }
    std::vector<Problem> in_file_order() &&;

private:
    void add(Problem::Severity, const Mark&, std::string message);
    std::vector<Problem> all_;
};

// Calls `act(vertex, node, kind)` for each node of a kind, in order.
template <class Kind, class Act>
void for_each(const Topology& topology, Act act) {
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph))) {
        const auto& node = topology.graph[vertex];
        if (const auto* kind = std::get_if<Kind>(&node.kind)) act(vertex, node, *kind);
    }
}

// ", did you mean \"isp\"?" when a name like `name` is among `known`, else "; there is: ..." or "".
std::string suggestion(std::string_view name, const std::vector<std::string>& known);

void check_names(const Topology&, Findings&);         // what refers to what
void check_certificates(const Topology&, Findings&);  // chains, counts, kinds
void check_prefixes(const Topology&, Findings&);      // pools, virtual networks and subnets
void check_addresses(const Topology&, Findings&);     // inside their network, and unique
void check_links(const Topology&, Findings&);         // neighbours and paths
void check_middleboxes(const Topology&, Findings&);   // the rules of firewalls, the settings of NATs
void check_tunnels(const Topology&, Findings&);       // what clients dial and gateways offer
void check_traffic(const Topology&, Findings&);       // flows and actions

}  // namespace gatelab::topologies
