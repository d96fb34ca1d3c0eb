#include "bindings/register_topologies.h"

#include <pybind11/stl.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "bindings/errors.h"
#include "topologies/model/check.h"
#include "topologies/model/topology.h"
#include "topologies/yaml/reader.h"

namespace gatelab::bindings {
namespace {

namespace py = pybind11;
using topologies::Topology;

using Json = nlohmann::ordered_json;
using Settings = std::vector<std::pair<std::string, std::string>>;  // in the order given

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// The address that a node has on the network; "" for those that have none.
std::string address_of(const topologies::NodeKind& kind) {
    if (const auto* client = std::get_if<topologies::Client>(&kind)) return to_string(client->address);
    if (const auto* gateway = std::get_if<topologies::Gateway>(&kind)) return to_string(gateway->public_address);
    if (const auto* machine = std::get_if<topologies::VirtualMachine>(&kind)) return to_string(machine->address);
    if (const auto* proxy = std::get_if<topologies::HttpProxy>(&kind)) return to_string(proxy->address);
    if (const auto* nat = std::get_if<topologies::Nat>(&kind)) return to_string(nat->outside_address);
    return {};
}

template <class Tunnels>
Json names_of(const Tunnels& tunnels) {
    auto names = Json::array();
    for (const auto tunnel : tunnels) names.push_back(name_of(tunnel));
    return names;
}

// What clients and gateways tell beside what every node has; empty for the others.
Json tunnels_of(const topologies::NodeKind& kind) {
    const auto* client = std::get_if<topologies::Client>(&kind);
    const auto* gateway = std::get_if<topologies::Gateway>(&kind);
    return {{"tunnels", client    ? names_of(client->tunnels)
                        : gateway ? names_of(gateway->tunnels)
                                  : Json::array()},
            {"personality", client ? name_of(client->personality) : ""},
            {"http_proxy", client ? client->http_proxy : ""}};
}

Json nodes_of(const Topology& topology) {
    auto all = Json::array();
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph))) {
        const auto& node = topology.graph[vertex];
        Json told{{"name", node.name},
                  {"kind", name_of(node.kind)},
                  {"address", address_of(node.kind)},
                  {"processing_delay", seconds(node.processing_delay)}};
        told.update(tunnels_of(node.kind));
        all.push_back(std::move(told));
    }
    return all;
}

Json links_of(const Topology& topology) {
    auto all = Json::array();
    for (const auto edge : boost::make_iterator_range(boost::edges(topology.graph))) {
        const auto& link = topology.graph[edge];
        all.push_back({{"name", link.name},
                       {"ends",
                        {topology.graph[boost::source(edge, topology.graph)].name,
                         topology.graph[boost::target(edge, topology.graph)].name}},
                       {"bits_per_second", link.bits_per_second},
                       {"delay", seconds(link.delay)},
                       {"loss", link.loss},
                       {"mtu", link.mtu},
                       {"duplicate", link.duplicate},
                       {"corrupt", link.corrupt},
                       {"reorder", link.reorder},
                       {"reorder_by", seconds(link.reorder_by)},
                       {"black_hole_above", link.black_hole_above ? Json(*link.black_hole_above) : Json(nullptr)}});
    }
    return all;
}

Json flows_of(const Topology& topology) {
    auto all = Json::array();
    for (const auto& flow : topology.flows) {
        all.push_back({{"name", flow.name},
                       {"kind", name_of(flow.kind)},
                       {"source", flow.from},
                       {"destination", flow.to},
                       {"start", seconds(flow.start)},
                       {"stop", flow.stop ? Json(seconds(*flow.stop)) : Json(nullptr)},
                       {"bits_per_second", flow.bits_per_second},
                       {"packet_size", flow.packet_size}});
    }
    return all;
}

// What the Python package makes its typed objects from.
std::string describe(const LoadedTopology& loaded) {
    const auto& topology = loaded.topology;
    auto problems = Json::array();
    for (const auto& problem : check(topology)) {
        const bool error = problem.severity == topologies::Problem::Severity::Error;
        problems.push_back({{"severity", error ? "error" : "warning"},
                            {"file", problem.mark.file},
                            {"line", problem.mark.line},
                            {"column", problem.mark.column},
                            {"message", problem.message}});
    }
    return Json{{"name", topology.name},       {"summary", topology.summary}, {"duration", seconds(topology.duration)},
                {"nodes", nodes_of(topology)}, {"links", links_of(topology)}, {"flows", flows_of(topology)},
                {"problems", problems}}
        .dump();
}

LoadedTopology load(const std::string& path, const Settings& settings) {
    std::vector<topologies::Override> overrides;
    std::vector<std::string> said;
    for (const auto& [where, value] : settings) {
        overrides.push_back({where, value});
        said.push_back(where + "=" + value);
    }
    auto source = value_or_raise(topologies::find_source(path));
    auto topology = value_or_raise(topologies::load(source, overrides));
    return {std::move(topology), std::move(source.text), std::move(said)};
}

}  // namespace

void register_topologies(py::module_& module) {
    py::class_<LoadedTopology>(module, "Topology").def("describe", &describe);
    module.def("load", &load);
}

}  // namespace gatelab::bindings
