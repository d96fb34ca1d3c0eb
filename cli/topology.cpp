// gatelab topology check|show
#include <fmt/format.h>

#include "cli/describe_network.h"
#include "cli/verbs.h"
#include "topologies/model/check.h"
#include "topologies/model/paths.h"
#include "topologies/yaml/reader.h"

namespace gatelab::cli {
namespace {

using namespace topologies;

struct Input {
    std::string topology;
    std::vector<std::string> settings;
};

void add_input(CLI::App& verb, Input& input) {
    verb.add_option("TOPOLOGY", input.topology, "A YAML file, or a name of the library")->required();
    verb.add_option("--set", input.settings, "PATH=VALUE, such as links.alice-isp.delay=50ms")->allow_extra_args(false);
}

Result<std::vector<Override>> overrides_of(const Input& input) {
    std::vector<Override> overrides;
    for (const auto& one : input.settings) {
        auto parsed = parse_override(one);
        if (!parsed) return pass(parsed);
        overrides.push_back(std::move(*parsed));
    }
    return overrides;
}

Json to_json(const Problem& problem) {
    return {{"severity", problem.severity == Problem::Severity::Error ? "error" : "warning"},
            {"file", problem.mark.file},
            {"line", problem.mark.line},
            {"column", problem.mark.column},
            {"message", problem.message}};
}

Exit check_topology(const Console& console, const Input& input) {
    const auto overrides = overrides_of(input);
    if (!overrides) return console.complain(overrides.error());
    auto reading = read(input.topology, *overrides);
    if (reading.topology) reading.problems = check(*reading.topology);
    const auto exit = has_errors(reading.problems) ? Exit::WrongInput : Exit::Held;
    if (console.json) {
        auto problems = Json::array();
        for (const auto& problem : reading.problems) problems.push_back(to_json(problem));
        console.print_document(
            Json{{"topology", input.topology}, {"valid", exit == Exit::Held}, {"problems", problems}});
        return exit;
    }
    for (const auto& problem : reading.problems) console.warn(to_string(problem));
    if (exit == Exit::Held)
        console.print(fmt::format("{}: {} nodes, {} links, nothing wrong\n", reading.topology->name,
                                  boost::num_vertices(reading.topology->graph),
                                  boost::num_edges(reading.topology->graph)));
    return exit;
}

std::vector<std::string_view> names_of(const std::vector<Tunnel>& tunnels) {
    std::vector<std::string_view> names;
    for (const auto tunnel : tunnels) names.push_back(name_of(tunnel));
    return names;
}

std::string_view word_of(Authentication authentication) {
    return authentication == Authentication::PreSharedKey ? "pre-shared key" : name_of(authentication);
}

struct Describe {  // one line about a node
    std::string operator()(const Client& one) const {
        const auto proxy = one.http_proxy.empty() ? "" : ", through " + one.http_proxy;
        return fmt::format("{}, dials {} by {}{} with a {}, played by {}{}", to_string(one.address), one.gateway,
                           fmt::join(names_of(one.tunnels), ", then "), proxy, word_of(one.authentication),
                           name_of(one.implementation),
                           one.personality == Personality::Gatelab
                               ? ""
                               : fmt::format(" with the habits of {}", name_of(one.personality)));
    }
    std::string operator()(const Gateway& one) const {
        return fmt::format("{}, offers {}, into {} at {}, pool {}, played by {}", to_string(one.public_address),
                           fmt::join(names_of(one.tunnels), " and "), one.virtual_network,
                           to_string(one.inside_address), to_string(one.client_address_pool),
                           name_of(one.implementation));
    }
    std::string operator()(const VirtualNetwork& one) const {
        std::vector<std::string> spaces;
        for (const auto space : one.address_space) spaces.push_back(to_string(space));
        return fmt::format("{}", fmt::join(spaces, ", "));
    }
    std::string operator()(const VirtualMachine& one) const {
        return fmt::format("{}, in {}", to_string(one.address), one.virtual_network);
    }
    std::string operator()(const Router&) const { return ""; }
    std::string operator()(const Firewall& one) const {
        return fmt::format("protects {}, {} rules, otherwise {}", one.inside, one.rules.size(), name_of(one.otherwise));
    }
    std::string operator()(const Nat& one) const {
        return fmt::format("as {} towards {}, {} mapping{}, UDP for {:g} s", to_string(one.outside_address),
                           one.outside, one.endpoint_dependent ? "endpoint-dependent" : "endpoint-independent",
                           one.hairpin ? " with hairpin" : "", std::chrono::duration<double>(one.udp_timeout).count());
    }
    std::string operator()(const HttpProxy& one) const {
        return fmt::format("{}:{}, connects to {}, {}", to_string(one.address), one.port,
                           fmt::join(one.allowed_ports, ", "),
                           one.users.empty() ? "open" : "with Basic authentication");
    }
};

std::string as_rate(std::uint64_t bits) {
    if (bits >= 1'000'000'000) return fmt::format("{:g} Gbit/s", static_cast<double>(bits) / 1e9);
    return fmt::format("{:g} Mbit/s", static_cast<double>(bits) / 1e6);
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string as_milliseconds(Duration duration) {
    return fmt::format("{:g} ms", std::chrono::duration<double, std::milli>(duration).count());
}

// ", 0.15 ms a packet".
std::string delay_of(const Node& node) {
    if (node.processing_delay == Duration::zero()) return "";
    return (std::holds_alternative<Router>(node.kind) ? "" : ", ") + as_milliseconds(node.processing_delay) +
           " a packet";
}

std::string show_text(const Topology& topology) {
    const auto& graph = topology.graph;
    std::string text = fmt::format("{}{}{}\n\n", topology.name, topology.summary.empty() ? "" : ": ", topology.summary);
    Table nodes{{"NODE", "KIND", ""}};
    for (const auto vertex : boost::make_iterator_range(boost::vertices(graph)))
        nodes.add({graph[vertex].name, std::string{name_of(graph[vertex].kind)},
                   std::visit(Describe{}, graph[vertex].kind) + delay_of(graph[vertex])});
    Table links{{"LINK", "BETWEEN", "RATE", "DELAY", "LOSS", "MTU", ""}};
    for (const auto edge : boost::make_iterator_range(boost::edges(graph))) {
        const auto& link = graph[edge];
        links.add(
            {link.name,
             fmt::format("{} - {}", graph[boost::source(edge, graph)].name, graph[boost::target(edge, graph)].name),
             as_rate(link.bits_per_second), as_milliseconds(link.delay), fmt::format("{:g} %", link.loss * 100),
             fmt::format("{}", link.mtu), impairments(link)});
    }
    Table rules{{"FIREWALL", "RULE", ""}};
    for (const auto vertex : boost::make_iterator_range(boost::vertices(graph)))
        if (const auto* firewall = std::get_if<Firewall>(&graph[vertex].kind))
            for (std::size_t i = 0; i < firewall->rules.size(); ++i)
                rules.add({graph[vertex].name, fmt::format("{}", i + 1), describe(firewall->rules[i])});
    Table faults{{"FAULT", "LINK", ""}};
    for (std::size_t i = 0; i < topology.faults.size(); ++i)
        faults.add({fmt::format("{}", i + 1), topology.faults[i].link, describe(topology.faults[i])});
    Table flows{{"FLOW", "KIND", "FROM", "TO", "START"}};
    for (const auto& flow : topology.flows)
        flows.add({flow.name, std::string{name_of(flow.kind)}, flow.from, flow.to,
                   fmt::format("{:g} s", seconds(flow.start))});
    Table reaches{{"FROM", "TO", "PATH WHEN TUNNELS ARE UP"}};
    for (const auto& reach : reachability(topology))
        reaches.add(
            {reach.from, reach.to, reach.why_not.empty() ? to_string(topology, reach.path) : "none: " + reach.why_not});
    for (const auto* table : {&nodes, &rules, &links, &faults, &flows, &reaches})
        if (!table->empty()) text += table->text() + "\n";
    text.pop_back();
    return text;
}

// What clients and gateways tell beside what every node has.
void add_tunnels(Json& node, const NodeKind& kind) {
    if (const auto* client = std::get_if<Client>(&kind)) {
        node["tunnels"] = names_of(client->tunnels);
        node["personality"] = name_of(client->personality);
        node["http_proxy"] = client->http_proxy;
    }
    if (const auto* gateway = std::get_if<Gateway>(&kind)) node["tunnels"] = names_of(gateway->tunnels);
}

Json show_json(const Topology& topology) {
    const auto& graph = topology.graph;
    Json document{{"name", topology.name}, {"summary", topology.summary}};
    document["duration_s"] = seconds(topology.duration);
    document["nodes"] = Json::array();
    for (const auto vertex : boost::make_iterator_range(boost::vertices(graph))) {
        Json node{{"name", graph[vertex].name},
                  {"kind", name_of(graph[vertex].kind)},
                  {"description", std::visit(Describe{}, graph[vertex].kind)},
                  {"processing_delay_s", seconds(graph[vertex].processing_delay)}};
        add_tunnels(node, graph[vertex].kind);
        if (const auto* firewall = std::get_if<Firewall>(&graph[vertex].kind)) {
            node["rules"] = Json::array();
            for (const auto& rule : firewall->rules) node["rules"].push_back(describe(rule));
        }
        document["nodes"].push_back(std::move(node));
    }
    document["links"] = Json::array();
    for (const auto edge : boost::make_iterator_range(boost::edges(graph)))
        document["links"].push_back(
            {{"name", graph[edge].name},
             {"between", {graph[boost::source(edge, graph)].name, graph[boost::target(edge, graph)].name}},
             {"rate_bps", graph[edge].bits_per_second},
             {"delay_s", seconds(graph[edge].delay)},
             {"loss", graph[edge].loss},
             {"mtu", graph[edge].mtu},
             {"impairments", impairments(graph[edge])}});
    document["faults"] = Json::array();
    for (const auto& fault : topology.faults)
        document["faults"].push_back({{"link", fault.link}, {"description", describe(fault)}});
    document["flows"] = Json::array();
    for (const auto& flow : topology.flows)
        document["flows"].push_back(
            {{"name", flow.name}, {"kind", name_of(flow.kind)}, {"from", flow.from}, {"to", flow.to}});
    document["reachability"] = Json::array();
    for (const auto& reach : reachability(topology)) {
        auto path = Json::array();
        for (const auto vertex : reach.path) path.push_back(graph[vertex].name);
        document["reachability"].push_back({{"from", reach.from},
                                            {"to", reach.to},
                                            {"path", path},
                                            {"tunnels", reach.tunnels},
                                            {"why_not", reach.why_not}});
    }
    return document;
}

Exit show_topology(const Console& console, const Input& input) {
    const auto overrides = overrides_of(input);
    if (!overrides) return console.complain(overrides.error());
    const auto topology = load(input.topology, *overrides);
    if (!topology) return console.complain(topology.error());
    if (console.json)
        console.print_document(show_json(*topology));
    else
        console.print(show_text(*topology));
    return Exit::Held;
}

}  // namespace

void add_topology(CLI::App& root, Request& request) {
    auto* topology = root.add_subcommand("topology", "Look at a topology without running it");
    topology->require_subcommand(1);
    const auto input = std::make_shared<Input>();
    add_input(*add_verb(*topology, request, "check", "Say what is wrong with it, with line and column",
                        [input](const Console& console) { return check_topology(console, *input); }),
              *input);
    add_input(*add_verb(*topology, request, "show", "Nodes, links, flows, and who can reach whom",
                        [input](const Console& console) { return show_topology(console, *input); }),
              *input);
}

}  // namespace gatelab::cli
