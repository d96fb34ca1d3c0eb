// Nodes and links: sound in themselves, the right neighbours for middleboxes, and a way for each tunnel and machine.
#include <algorithm>

#include "topologies/model/checks.h"
#include "topologies/model/paths.h"

namespace gatelab::topologies {
namespace {

std::vector<std::string> neighbour_names(const Topology& topology, Vertex vertex) {
    std::vector<std::string> names;
    for (const auto other : neighbours(topology, vertex)) names.push_back(topology.graph[other].name);
    return names;
}

void expect_neighbour(const Topology& topology, Findings& findings, Vertex vertex, std::string_view field,
                      const std::string& name) {
    const auto& node = topology.graph[vertex];
    const auto& mark = mark_of(node, field);
    const auto names = neighbour_names(topology, vertex);
    if (name.empty())
        findings.error(mark, "{} \"{}\" needs a neighbour as its {}", name_of(node.kind), node.name, field);
    else if (std::find(names.begin(), names.end(), name) == names.end())
        findings.error(mark, "\"{}\", the {} of {} \"{}\", is not linked to it{}", name, field, name_of(node.kind),
                       node.name, suggestion(name, names));
}

void check_link(const Topology& topology, Findings& findings, const Graph::edge_descriptor& edge) {
    const auto& link = topology.graph[edge];
    if (boost::source(edge, topology.graph) == boost::target(edge, topology.graph))
        findings.error(link.mark, "link \"{}\" leads from a node to itself", link.name);
    if (link.bits_per_second == 0)
        findings.error(mark_of(link, "rate"), "link \"{}\" has a rate of 0; expected more", link.name);
    const auto expect_share = [&](std::string_view field, double share) {
        if (!(share >= 0 && share <= 1))
            findings.error(mark_of(link, field), "{} {} of link \"{}\" is no probability; expected 0 to 1", field,
                           share, link.name);
    };
    expect_share("loss", link.loss);
    expect_share("duplicate", link.duplicate);
    expect_share("corrupt", link.corrupt);
    expect_share("reorder", link.reorder);
    if (link.reorder > 0 && link.reorder_by <= Duration::zero())
        findings.error(mark_of(link, "reorder_by"), "reorder_by of link \"{}\" is 0; expected more", link.name);
    if (link.black_hole_above && (*link.black_hole_above < 576 || *link.black_hole_above >= link.mtu))
        findings.error(mark_of(link, "black_hole_above"),
                       "black_hole_above {} of link \"{}\" swallows nothing, or everything; expected 576 or more, and "
                       "less than its mtu of {}",
                       *link.black_hole_above, link.name, link.mtu);
    if (link.delay < Duration::zero())
        findings.error(mark_of(link, "delay"), "link \"{}\" has a negative delay", link.name);
    if (link.mtu < 576)
        findings.error(mark_of(link, "mtu"), "mtu {} of link \"{}\" is too small; expected 576 to 65535", link.mtu,
                       link.name);
}

void check_node(Findings& findings, const Node& node) {
    if (node.processing_delay < Duration::zero())
        findings.error(mark_of(node, "processing_delay"), "{} \"{}\" has a negative processing_delay",
                       name_of(node.kind), node.name);
}

void check_ways(const Topology& topology, Findings& findings) {
    for_each<Client>(topology, [&](Vertex vertex, const Node& node, const Client& client) {
        if (!find_as<Gateway>(topology, client.gateway)) return;
        const auto gateway = find(topology, client.gateway);
        if (shortest_path(topology, vertex, *gateway, Through::Underlay).empty())
            findings.error(mark_of(node, "gateway"), "no path of links leads from client \"{}\" to its gateway \"{}\"",
                           node.name, client.gateway);
    });
    const auto expect_network = [&](Vertex vertex, const Node& node, const std::string& name) {
        if (!find_as<VirtualNetwork>(topology, name)) return;
        const auto names = neighbour_names(topology, vertex);
        if (std::find(names.begin(), names.end(), name) == names.end())
            findings.error(mark_of(node, "virtual_network"), "{} \"{}\" is not linked to its virtual network \"{}\"",
                           name_of(node.kind), node.name, name);
    };
    for_each<Gateway>(topology, [&](Vertex vertex, const Node& node, const Gateway& gateway) {
        expect_network(vertex, node, gateway.virtual_network);
    });
    for_each<VirtualMachine>(topology, [&](Vertex vertex, const Node& node, const VirtualMachine& machine) {
        expect_network(vertex, node, machine.virtual_network);
    });
}

}  // namespace

void check_links(const Topology& topology, Findings& findings) {
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph)))
        check_node(findings, topology.graph[vertex]);
    for (const auto edge : boost::make_iterator_range(boost::edges(topology.graph)))
        check_link(topology, findings, edge);
    for_each<Firewall>(topology, [&](Vertex vertex, const Node& node, const Firewall& firewall) {
        expect_neighbour(topology, findings, vertex, "inside", firewall.inside);
        if (const auto count = neighbours(topology, vertex).size(); count != 2)
            findings.error(node.mark, "firewall \"{}\" has {} links; expected 2, it stands between two neighbours",
                           node.name, count);
    });
    for_each<Nat>(topology, [&](Vertex vertex, const Node& node, const Nat& nat) {
        expect_neighbour(topology, findings, vertex, "outside", nat.outside);
        if (const auto count = neighbours(topology, vertex).size(); count < 2)
            findings.error(node.mark, "nat \"{}\" has {} links; expected 2 or more", node.name, count);
    });
    check_ways(topology, findings);
}

}  // namespace gatelab::topologies
