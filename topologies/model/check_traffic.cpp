// Flows and actions: between things that exist, at times that make sense.
#include <set>

#include "topologies/model/checks.h"
#include "topologies/model/paths.h"

namespace gatelab::topologies {
namespace {

std::vector<std::string> endpoint_names(const Topology& topology) {
    std::vector<std::string> names;
    for_each<Client>(topology, [&](Vertex, const Node& node, const Client&) { names.push_back(node.name); });
    for_each<VirtualMachine>(topology,
                             [&](Vertex, const Node& node, const VirtualMachine&) { names.push_back(node.name); });
    return names;
}

bool expect_endpoint(const Topology& topology, Findings& findings, const Flow& flow, std::string_view field,
                     const std::string& name) {
    if (find_as<Client>(topology, name) || find_as<VirtualMachine>(topology, name)) return true;
    const auto& mark = mark_of(flow, field);
    if (const auto other = find(topology, name))
        findings.error(mark, "\"{}\" is a {}; a flow goes between clients and virtual machines", name,
                       name_of(topology.graph[*other].kind));
    else
        findings.error(mark, "there is no client or virtual machine \"{}\"{}", name,
                       suggestion(name, endpoint_names(topology)));
    return false;
}

void check_numbers(Findings& findings, const Flow& flow) {
    if (flow.stop && *flow.stop <= flow.start)
        findings.error(mark_of(flow, "stop"), "flow \"{}\" stops at {} s, not after it starts at {} s", flow.name,
                       format_seconds(*flow.stop), format_seconds(flow.start));
    if (flow.kind == Flow::Kind::Udp && (flow.bits_per_second == 0 || flow.packet_size == 0))
        findings.error(flow.mark, "flow \"{}\" sends nothing; expected a rate and a packet_size above 0", flow.name);
    if (flow.kind == Flow::Kind::Ping && flow.interval <= Duration::zero())
        findings.error(mark_of(flow, "interval"), "flow \"{}\" needs an interval above 0", flow.name);
    if (flow.packet_size > 65000)
        findings.error(mark_of(flow, "packet_size"),
                       "packet_size {} of flow \"{}\" is too large; expected at most "
                       "65000",
                       flow.packet_size, flow.name);
}

void check_action(const Topology& topology, Findings& findings, const Action& action) {
    const auto& mark = mark_of(action, "node");
    const bool client = find_as<Client>(topology, action.node), gateway = find_as<Gateway>(topology, action.node);
    if (!find(topology, action.node)) {
        auto names = endpoint_names(topology);
        for_each<Gateway>(topology, [&](Vertex, const Node& node, const Gateway&) { names.push_back(node.name); });
        findings.error(mark, "there is no client or gateway \"{}\"{}", action.node, suggestion(action.node, names));
    } else if (!client && (!gateway || action.kind == Action::Kind::Connect)) {
        findings.error(mark, "\"{}\" is a {}; {} is for {}", action.node,
                       name_of(topology.graph[*find(topology, action.node)].kind), name_of(action.kind),
                       action.kind == Action::Kind::Connect ? "clients" : "clients and gateways");
    }
    if (action.at > topology.duration)
        findings.warning(mark_of(action, "at"), "this action at {} s comes after the end of the run at {} s",
                         format_seconds(action.at), format_seconds(topology.duration));
}

void check_flow(const Topology& topology, Findings& findings, const Flow& flow) {
    check_numbers(findings, flow);
    const bool from = expect_endpoint(topology, findings, flow, "from", flow.from);
    const bool to = expect_endpoint(topology, findings, flow, "to", flow.to);
    if (!from || !to) return;
    if (flow.from == flow.to)
        return findings.error(mark_of(flow, "to"), "flow \"{}\" goes from \"{}\" to itself", flow.name, flow.from);
    const auto way = reach(topology, *find(topology, flow.from), *find(topology, flow.to));
    if (!way.why_not.empty()) findings.warning(flow.mark, "flow \"{}\" will not arrive: {}", flow.name, way.why_not);
}

}  // namespace

void check_traffic(const Topology& topology, Findings& findings) {
    std::set<std::string, std::less<>> names;
    for (const auto& flow : topology.flows) {
        if (!names.insert(flow.name).second)
            findings.error(flow.mark, "two flows are named \"{}\"; each needs a name of its own", flow.name);
        check_flow(topology, findings, flow);
    }
    for (const auto& action : topology.actions) check_action(topology, findings, action);
    if (topology.duration <= Duration::zero()) findings.error(Mark{}, "the duration of a run must be above 0");
}

}  // namespace gatelab::topologies
