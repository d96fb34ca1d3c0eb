// Names: every node and certificate has its own, and what is referred to is there and of the right kind.
#include <set>

#include "topologies/model/checks.h"

namespace gatelab::topologies {
namespace {

template <class Kind>
std::vector<std::string> names_of(const Topology& topology) {
    std::vector<std::string> names;
    for_each<Kind>(topology, [&](Vertex, const Node& node, const Kind&) { names.push_back(node.name); });
    return names;
}

template <class Kind>
void expect_node(const Topology& topology, Findings& findings, const Node& user, std::string_view field,
                 const std::string& name) {
    if (find_as<Kind>(topology, name)) return;
    const auto& mark = mark_of(user, field);
    const auto wanted = name_of(NodeKind{Kind{}});
    if (name.empty())
        return findings.error(mark, "{} \"{}\" needs a {} ({})", name_of(user.kind), user.name, wanted, field);
    if (const auto other = find(topology, name))
        return findings.error(mark, "\"{}\" is a {}; expected a {}", name, name_of(topology.graph[*other].kind),
                              wanted);
    findings.error(mark, "there is no {} \"{}\"{}", wanted, name, suggestion(name, names_of<Kind>(topology)));
}

void expect_unique_names(const Topology& topology, Findings& findings) {
    std::set<std::string, std::less<>> seen;
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph))) {
        const auto& node = topology.graph[vertex];
        if (!seen.insert(node.name).second)
            findings.error(node.mark, "two nodes are named \"{}\"; each needs a name of its own", node.name);
    }
    std::set<std::string, std::less<>> links;
    for (const auto edge : boost::make_iterator_range(boost::edges(topology.graph))) {
        const auto& link = topology.graph[edge];
        if (!links.insert(link.name).second)
            findings.error(link.mark, "two links are named \"{}\"; each needs a name of its own", link.name);
    }
    std::set<std::string, std::less<>> certificates;
    for (const auto& one : topology.certificates)
        if (!certificates.insert(one.name).second)
            findings.error(one.mark, "two certificates are named \"{}\"; each needs a name of its own", one.name);
}

}  // namespace

void check_names(const Topology& topology, Findings& findings) {
    expect_unique_names(topology, findings);
    for_each<Client>(topology, [&](Vertex, const Node& node, const Client& client) {
        expect_node<Gateway>(topology, findings, node, "gateway", client.gateway);
        if (!client.http_proxy.empty())
            expect_node<HttpProxy>(topology, findings, node, "http_proxy", client.http_proxy);
    });
    for_each<Gateway>(topology, [&](Vertex, const Node& node, const Gateway& gateway) {
        expect_node<VirtualNetwork>(topology, findings, node, "virtual_network", gateway.virtual_network);
    });
    for_each<VirtualMachine>(topology, [&](Vertex, const Node& node, const VirtualMachine& machine) {
        expect_node<VirtualNetwork>(topology, findings, node, "virtual_network", machine.virtual_network);
    });
}

}  // namespace gatelab::topologies
