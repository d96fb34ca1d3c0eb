// gatelab run
#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "cli/verbs.h"
#include "sim/network_builder.h"
#include "sim/real_peers.h"
#include "sim/scenario.h"
#include "topologies/model/check.h"
#include "topologies/yaml/reader.h"
#include "topologies/yaml/units.h"

namespace gatelab::cli {
namespace {

namespace fs = std::filesystem;
using topologies::Topology;

struct Order {
    std::string topology, duration, out, real_peers;
    std::vector<std::string> settings;
    std::uint64_t seed = 1;
    bool captures = true, real_time = false;
};

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// What to run: the model, and where it came from.
struct Plan {
    topologies::Source source;
    Topology topology;
};

Result<Plan> plan_of(const Order& order, const Console& console) {
    auto source = topologies::find_source(order.topology);
    if (!source) return pass(source);
    std::vector<topologies::Override> overrides;
    for (const auto& one : order.settings) {
        auto parsed = topologies::parse_override(one);
        if (!parsed) return pass(parsed);
        overrides.push_back(std::move(*parsed));
    }
    auto topology = topologies::load(*source, overrides);
    if (!topology) return pass(topology);
    if (!order.duration.empty()) {
        const auto duration = topologies::parse_duration(order.duration);
        if (!duration || *duration <= Duration::zero())
            return fail(Fault::Malformed, fmt::format("--for is \"{}\"; expected a duration above 0 with its unit, "
                                                      "such as 30s or 5min",
                                                      order.duration));
        topology->duration = *duration;
    }
    for (const auto& problem : topologies::check(*topology)) console.warn(to_string(problem));  // warnings only
    return Plan{std::move(*source), std::move(*topology)};
}

std::vector<std::string> clients_of(const Topology& topology) {
    std::vector<std::string> names;
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph)))
        if (std::holds_alternative<topologies::Client>(topology.graph[vertex].kind))
            names.push_back(topology.graph[vertex].name);
    return names;
}

// Whether the topology leaves a client's tunnel up at the end: what was asked for last.
bool means_to_be_up(const Topology& topology, const std::string& name) {
    using Kind = topologies::Action::Kind;
    const auto* client = topologies::find_as<topologies::Client>(topology, name);
    std::optional<Duration> last;
    bool up = false;
    const auto ask = [&](Duration at, bool wanted) {
        if (at > topology.duration || (last && at < *last)) return;
        last = at;
        up = wanted;
    };
    if (client->connect_at) ask(*client->connect_at, true);
    for (const auto& action : topology.actions) {
        if (action.kind == Kind::Connect && action.node == name) ask(action.at, true);
        if (action.kind == Kind::Disconnect && (action.node == name || action.node == client->gateway))
            ask(action.at, false);
    }
    return up;
}

// What the topology asked for and the run did not bring.
std::vector<std::string> shortfalls(const Topology& topology, sim::Scenario& scenario) {
    std::vector<std::string> found;
    for (const auto& name : clients_of(topology)) {
        const auto status = scenario.client(name).status();
        if (status.up || !means_to_be_up(topology, name)) continue;
        found.push_back(fmt::format("{} has no tunnel at the end: {}", name,
                                    status.failure.empty() ? "still trying" : status.failure));
    }
    for (const auto& flow : scenario.flows())
        if (flow.packets_received == 0 && flow.bytes_received == 0)
            found.push_back(fmt::format("nothing of flow {} arrived", flow.name));
    return found;
}

std::string tunnels_text(const Topology& topology, sim::Scenario& scenario) {
    Table table{{"TUNNEL", "STATE", "ADDRESS", "PROTOCOL", "KEY EXCHANGE", "DATA", "IN UDP"}};
    for (const auto& name : clients_of(topology)) {
        const auto status = scenario.client(name).status();
        const auto state = status.up ? "up" : status.failure.empty() ? "down" : "down: " + status.failure;
        const bool ever = !status.ike_suite.empty();
        const auto or_dash = [](const std::string& one, const std::string& other) {
            return !one.empty() ? one : other.empty() ? "-" : other;
        };
        table.add({name, state, status.inner_address.is_unspecified() ? "-" : to_string(status.inner_address),
                   or_dash(status.protocol, {}), or_dash(status.ike_suite, status.tls_suite),
                   or_dash(status.child_suite, status.data_cipher),
                   !ever                      ? "-"
                   : status.udp_encapsulation ? "yes"
                                              : "no"});
    }
    return table.text();
}

std::string as_milliseconds(const std::optional<double>& value) {
    return value ? fmt::format("{:.2f} ms", *value) : "-";
}

std::string flows_text(const std::vector<sim::FlowResult>& flows) {
    Table table{{"FLOW", "KIND", "FROM", "TO", "TUNNEL", "RECEIVED", "LOSS", "GOODPUT", "RTT P50", "P99"}};
    for (const auto& flow : flows)
        table.add({flow.name, flow.kind, flow.from, flow.to, flow.tunnel.empty() ? "-" : flow.tunnel,
                   flow.packets_sent > 0 ? fmt::format("{}/{}", flow.packets_received, flow.packets_sent)
                                         : fmt::format("{} bytes", flow.bytes_received),
                   fmt::format("{:.2f} %", flow.loss * 100),
                   flow.kind == "ping" ? "-" : fmt::format("{:.3f} Mbit/s", flow.goodput_bps / 1e6),
                   as_milliseconds(flow.rtt_p50_ms), as_milliseconds(flow.rtt_p99_ms)});
    return table.empty() ? "" : "\n" + table.text();
}

Json file_of(const fs::path& path) {
    std::ifstream file{path};
    return Json::parse(file, nullptr, false);
}

Exit judge(const sim::Scenario& scenario, const std::vector<std::string>& missing) {
    const auto lateness = scenario.lateness();
    if (lateness.real_time && !lateness.kept()) return Exit::Late;
    return missing.empty() ? Exit::Held : Exit::NotHeld;
}

void print_summary(const Console& console, const Topology& topology, sim::Scenario& scenario, const fs::path& out,
                   const std::vector<std::string>& missing, Exit exit) {
    const auto lateness = scenario.lateness();
    if (console.json)
        return console.print_document(Json{{"directory", out.string()},
                                           {"exit", static_cast<int>(exit)},
                                           {"shortfalls", missing},
                                           {"run", file_of(out / "run.json")},
                                           {"flows", file_of(out / "flows.json")}});
    auto text = fmt::format("{}: {:g} s simulated\n\n", topology.name, seconds(scenario.now()));
    text += tunnels_text(topology, scenario) + flows_text(scenario.flows());
    for (const auto& one : missing) text += fmt::format("\n{}", one);
    if (!missing.empty()) text += "\n";
    if (lateness.real_time)
        text += fmt::format("\nreal time: {:.1f} ms late at worst, {:.1f} ms at p99, of {:g} ms allowed{}\n",
                            seconds(lateness.worst) * 1e3, seconds(lateness.p99) * 1e3, seconds(lateness.budget) * 1e3,
                            lateness.kept() ? "" : ": the run is invalid, run it again on a quieter machine");
    console.print(text + fmt::format("\n{}\n", out.string()));
}

Result<sim::RunOptions> options_of(const Order& order, const Plan& plan, const Console& console) {
    sim::RunOptions options;
    if (sim::has_real_peers(plan.topology) || !order.real_peers.empty()) {
        const auto choice = sim::choose_real_peers(sim::real_peers_named(order.real_peers));
        if (!choice) return pass(choice);
        if (!choice->hint.empty()) console.warn(choice->hint);
        options.real_peers = choice->real_peers;
    }
    options.keep_real_time = order.real_time;
    options.seed = order.seed;
    options.captures = order.captures;
    options.out = order.out.empty() ? fs::path{"runs"} / fmt::format("{}-{}", plan.topology.name, order.seed)
                                    : fs::path{order.out};
    options.topology_text = plan.source.text;
    options.overrides = order.settings;
    if (!order.duration.empty()) options.overrides.push_back("duration=" + order.duration);
    return options;
}

// The run itself, with a progress bar that is gone when it ends.
Result<std::unique_ptr<sim::Scenario>> simulate(const Topology& topology, sim::RunOptions options) {
    ProgressBar bar;
    options.progress = [&](Duration now) {
        bar.show(seconds(now) / seconds(topology.duration), fmt::format("{:.1f} s simulated", seconds(now)));
    };
    auto scenario = sim::Scenario::create(topology, std::move(options));
    if (!scenario) return scenario;
    if (const auto ran = sim::run_to_end(**scenario, topology.duration); !ran) return pass(ran);
    if (const auto written = (*scenario)->finish(); !written) return pass(written);
    return scenario;
}

Exit run(const Console& console, const Order& order) {
    const auto plan = plan_of(order, console);
    if (!plan) return console.complain(plan.error());
    const auto options = options_of(order, *plan, console);
    if (!options) return console.complain(options.error());
    const auto scenario = simulate(plan->topology, *options);
    if (!scenario) return console.complain(scenario.error());
    const auto missing = shortfalls(plan->topology, **scenario);
    const auto exit = judge(**scenario, missing);
    print_summary(console, plan->topology, **scenario, options->out, missing, exit);
    return exit;
}

}  // namespace

void add_run(CLI::App& root, Request& request) {
    const auto order = std::make_shared<Order>();
    auto* verb = add_verb(root, request, "run", "Simulate a topology and leave a run directory with the evidence",
                          [order](const Console& console) { return run(console, *order); });
    verb->add_option("TOPOLOGY", order->topology, "A YAML file, or a name of the library")->required();
    verb->add_option("--seed", order->seed, "All chance comes from it")->capture_default_str();
    verb->add_option("--for", order->duration,
                     "How long, in simulated time: 30s, 5min (default: as the topology says)");
    verb->add_option("--set", order->settings, "PATH=VALUE, such as links.alice-isp.delay=50ms; may be repeated")
        ->allow_extra_args(false);
    verb->add_option("--real-peers", order->real_peers,
                     "How real programs take part: virtual, realtime (default: virtual where there is a kernel for it)")
        ->check(CLI::IsMember({"virtual", "realtime"}));
    verb->add_flag("--real-time", order->real_time, "Keep step with the wall clock, whoever takes part");
    verb->add_option("--out", order->out, "The run directory (default: runs/<topology>-<seed>)");
    verb->add_flag("!--no-captures", order->captures, "Write no packet captures and keys");
}

}  // namespace gatelab::cli
