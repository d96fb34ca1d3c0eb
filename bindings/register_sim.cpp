#include "bindings/register_sim.h"

#include <pybind11/stl.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "bindings/errors.h"
#include "bindings/register_topologies.h"
#include "sim/isolation.h"
#include "sim/network_builder.h"
#include "sim/real_peers.h"
#include "sim/report_files.h"
#include "sim/scenario.h"

namespace gatelab::bindings {
namespace {

namespace py = pybind11;
using Json = nlohmann::ordered_json;
using topologies::Topology;

constexpr Duration kBetweenSignalChecks = std::chrono::milliseconds(200);

struct Order {
    Topology topology;
    sim::RunOptions options;
    Duration duration;
};

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

Json describe(const std::vector<sim::Attempt>& attempts) {
    auto all = Json::array();
    for (const auto& one : attempts)
        all.push_back({{"protocol", one.protocol},
                       {"began", seconds(one.began)},
                       {"ended", seconds(one.ended)},
                       {"failure", one.failure}});
    return all;
}

Json describe(const sim::TunnelStatus& tunnel) {
    auto dns = Json::array();
    for (const auto& server : tunnel.dns) dns.push_back(to_string(server));
    auto routes = Json::array();
    for (const auto& route : tunnel.routes) routes.push_back(to_string(route));
    return {{"up", tunnel.up},
            {"protocol", tunnel.protocol},
            {"failure", tunnel.failure},
            {"peer", tunnel.peer},
            {"inner_address", tunnel.inner_address.is_unspecified() ? "" : to_string(tunnel.inner_address)},
            {"dns", dns},
            {"ike_suite", tunnel.ike_suite},
            {"child_suite", tunnel.child_suite},
            {"local_selectors", tunnel.local_selectors},
            {"remote_selectors", tunnel.remote_selectors},
            {"tls_suite", tunnel.tls_suite},
            {"data_cipher", tunnel.data_cipher},
            {"authentication", tunnel.authentication},
            {"crypto_binding", tunnel.crypto_binding},
            {"attempts", describe(tunnel.attempts)},
            {"routes", routes},
            {"outer_peer", tunnel.outer_peer == Endpoint{} ? "" : to_string(tunnel.outer_peer)},
            {"nat_here", tunnel.nat_here},
            {"nat_there", tunnel.nat_there},
            {"udp_encapsulation", tunnel.udp_encapsulation},
            {"ike_rekeys", tunnel.ike_rekeys},
            {"child_rekeys", tunnel.child_rekeys},
            {"packets_in", tunnel.packets_in},
            {"packets_out", tunnel.packets_out}};
}

Json tunnels_of(sim::Scenario& scenario, const Topology& topology) {
    auto all = Json::object();
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph))) {
        const auto& node = topology.graph[vertex];
        if (!std::holds_alternative<topologies::Client>(node.kind)) continue;
        all[node.name] = describe(scenario.client(node.name).status());
    }
    return all;
}

// In the child: everything that the run has to tell, as one JSON text.
Result<std::string> carry_out(const Order& order) {
    auto scenario = sim::Scenario::create(order.topology, order.options);
    if (!scenario) return pass(scenario);
    if (auto ran = run_to_end(**scenario, order.duration); !ran) return pass(ran);
    if (auto finished = (*scenario)->finish(); !finished) return pass(finished);
    const auto tunnels = tunnels_of(**scenario, order.topology);
    auto text = R"({"flows":)" + sim::to_flows_json((*scenario)->flows()) + R"(,"tunnels":)" + tunnels.dump() +
                R"(,"simulated":)" + format_seconds((*scenario)->now()) + R"(,"events":[)";
    bool first = true;
    for (const auto& event : (*scenario)->events()) {
        if (!std::exchange(first, false)) text += ',';
        text += to_json_line(event);
    }
    return text + "]}";
}

// One octet for the outcome (0, or 1 + fault), then the text: the result or the message.
Bytes packed(const Result<std::string>& result) {
    ByteWriter writer;
    writer.u8(static_cast<std::uint8_t>(result ? 0 : 1 + static_cast<int>(result.error().fault)));
    writer.bytes(as_bytes(result ? *result : result.error().detail));
    return writer.take();
}

Result<std::string> unpacked(ByteView all) {
    if (all.empty()) return fail(Fault::Io, "the run's process sent nothing");
    auto text = as_text(all.subspan(1));
    if (all[0] == 0) return text;
    return fail(static_cast<Fault>(all[0] - 1), std::move(text));
}

// Waits like Python's own calls do: other threads run meanwhile, and Ctrl-C ends the run and then raises.
void wait_for(sim::Isolated& child) {
    for (;;) {
        {
            const py::gil_scoped_release released;
            if (sim::Isolated::wait_any_for({&child}, kBetweenSignalChecks)) return;
        }
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    }
}

Result<std::string> carry_out_isolated(const Order& order, Duration limit) {
    auto child = sim::Isolated::start([&order] { return packed(carry_out(order)); }, limit);
    if (!child) return pass(child);
    wait_for(*child);
    const auto& end = child->end();
    if (end.how != sim::IsolatedEnd::How::Returned) return fail(Fault::Io, "the run " + end.describe());
    return unpacked(end.output);
}

Duration from_seconds(double seconds, const char* what) {
    if (!std::isfinite(seconds) || seconds <= 0 || seconds > 1e9)
        throw Raised({Fault::Malformed, std::string(what) + ": expected seconds above 0 and up to 1e9"});
    return std::chrono::round<Duration>(std::chrono::duration<double>(seconds));
}

// What to tell the user about the choice; "" for nothing.
std::string choose(const Topology& topology, const std::string& asked, sim::RunOptions& options) {
    const auto named = sim::real_peers_named(asked);
    if (!asked.empty() && !named) throw Raised({Fault::Malformed, "real_peers: expected \"virtual\" or \"realtime\""});
    if (!named && !sim::has_real_peers(topology)) return {};
    const auto choice = value_or_raise(sim::choose_real_peers(named));
    options.real_peers = choice.real_peers;
    return choice.hint;
}

// The run's JSON, and what to warn of.
std::pair<std::string, std::string> run(const LoadedTopology& loaded, std::uint64_t seed,
                                        std::optional<double> duration, const std::string& out, bool captures,
                                        const std::string& real_peers, double timeout) {
    Order order{.topology = loaded.topology, .options = {}, .duration = loaded.topology.duration};
    order.options.seed = seed;
    order.options.out = out;
    order.options.captures = captures;
    order.options.topology_text = loaded.text;
    order.options.overrides = loaded.overrides;
    auto hint = choose(order.topology, real_peers, order.options);
    if (duration) {
        order.duration = from_seconds(*duration, "duration");
        order.options.overrides.push_back("duration=" + format_seconds(order.duration) + "s");
    }
    return {value_or_raise(carry_out_isolated(order, from_seconds(timeout, "timeout"))), std::move(hint)};
}

}  // namespace

void register_sim(py::module_& module) {
    module.def("run", &run, py::arg("topology"), py::arg("seed"), py::arg("duration"), py::arg("out"),
               py::arg("captures"), py::arg("real_peers"), py::arg("timeout"));
}

}  // namespace gatelab::bindings
