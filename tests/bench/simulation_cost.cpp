// What a tunnel costs a simulation: the time to simulate the topology `remote-user` with one UDP flow of 1400-octet
// packets through the tunnel, against the same nodes, links and flow without any VPN.
//
//   simulation_cost [--seconds 60] [--mbps 100] [--pairs 3] [--limit 2.0] [--no-vpn-only | --vpn-only]
//
// The two alternate in one process, so that a busy machine slows both. Prints each pair and the median of the ratios of
// processor time and of wall time; exits with 1 when the median of the wall time ratios is above the limit.
#include <fmt/core.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <vector>

#include "sim/network_builder.h"
#include "sim/pki.h"
#include "sim/scenario.h"
#include "sim/traffic/flow.h"
#include "topologies/model/paths.h"
#include "topologies/yaml/reader.h"

namespace {

using namespace gatelab;
using namespace std::chrono_literals;

constexpr std::uint16_t kPacket = 1400, kHeaders = 28;
constexpr auto kStart = 2s;

struct Cost {
    double wall_s = 0, cpu_s = 0;
    std::uint64_t packets = 0;
};

struct Load {
    int seconds = 60;
    std::uint64_t megabits_per_second = 100;
};

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

template <class Run>
Cost measure(Run run) {
    const auto cpu = cpu_seconds();
    const auto wall = std::chrono::steady_clock::now();
    const auto packets = run();
    return {std::chrono::duration<double>(std::chrono::steady_clock::now() - wall).count(), cpu_seconds() - cpu,
            packets};
}

[[noreturn]] void give_up(const std::string& why) {
    fmt::print(stderr, "simulation_cost: {}\n", why);
    std::exit(3);
}

std::uint64_t through_tunnel(const topologies::Topology& topology) {
    auto scenario = sim::Scenario::create(topology, {});
    if (!scenario) give_up(scenario.error().detail);
    (*scenario)->run_for(topology.duration);
    const auto flow = (*scenario)->flows().front();
    if (flow.loss > 0.001) give_up(fmt::format("the tunnel lost {:.1f} % of the packets", flow.loss * 100));
    return flow.packets_received;
}

std::uint64_t in_the_clear(const topologies::Topology& topology, const topologies::Flow& flow) {
    sim::NetworkOptions options;
    options.epoch = topology.epoch;
    sim::Network network{options};
    sim::build_network(network, topology);
    // The routers on the way know the virtual network as if it were on the Internet.
    const auto target = topologies::find_as<topologies::VirtualMachine>(topology, flow.to)->address;
    const auto source = topologies::find_as<topologies::Client>(topology, flow.from)->address;
    const auto& gateway = topologies::find_as<topologies::Client>(topology, flow.from)->gateway;
    const auto path = shortest_path(topology, *topologies::find(topology, flow.from),
                                    *topologies::find(topology, gateway), topologies::Through::Underlay);
    for (std::size_t i = 1; i + 1 < path.size(); ++i)
        if (std::holds_alternative<topologies::Router>(topology.graph[path[i]].kind))
            network.add_route(topology.graph[path[i]].name, {target, 32}, topology.graph[path[i + 1]].name);
    const auto running = sim::start_udp({.from = {&network.host(flow.from), [=] { return std::optional(source); }},
                                         .to = {&network.host(flow.to), [=] { return std::optional(target); }},
                                         .epoch = topology.epoch,
                                         .start = topology.epoch + flow.start,
                                         .stop = topology.epoch + *flow.stop},
                                        {.bits_per_second = flow.bits_per_second, .packet_size = flow.packet_size});
    network.run_until(topology.duration);
    if (running->counters().loss() > 0.001) give_up("packets were lost without a tunnel");
    return running->counters().packets_received;
}

topologies::Topology remote_user(Load load) {
    auto topology = topologies::load("remote-user");
    if (!topology) give_up(topology.error().detail);
    topologies::Flow flow;
    flow.kind = topologies::Flow::Kind::Udp;
    flow.name = "load";
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology->graph))) {
        const auto& node = topology->graph[vertex];
        if (std::holds_alternative<topologies::Client>(node.kind)) flow.from = node.name;
        if (std::holds_alternative<topologies::VirtualMachine>(node.kind)) flow.to = node.name;
        if (auto* client = std::get_if<topologies::Client>(&topology->graph[vertex].kind))
            client->connect_at = Duration::zero();
    }
    flow.start = kStart;
    flow.packet_size = kPacket - kHeaders;
    flow.bits_per_second = load.megabits_per_second * 1'000'000 * flow.packet_size / kPacket;
    for (const auto edge : boost::make_iterator_range(boost::edges(topology->graph))) {
        auto& link = topology->graph[edge];
        link.bits_per_second = std::max<std::uint64_t>(link.bits_per_second, 1'000'000'000);
        link.loss = 0;
    }
    flow.stop = kStart + std::chrono::seconds(load.seconds);
    topology->duration = *flow.stop + 1s;  // the last packets arrive
    topology->flows = {flow};
    topology->actions.clear();
    return *topology;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
    Load load;
    int pairs = 3;
    double limit = 2.0;
    bool only_tunnel = false, only_clear = false;
    CLI::App app{"What a tunnel costs a simulation"};
    app.add_option("--seconds", load.seconds, "simulated seconds of traffic");
    app.add_option("--mbps", load.megabits_per_second, "rate of the flow, in IP packets");
    app.add_option("--pairs", pairs, "how often both are run");
    app.add_option("--limit", limit, "the largest ratio that is good");
    app.add_flag("--vpn-only", only_tunnel, "for a profiler: one run through the tunnel");
    app.add_flag("--no-vpn-only", only_clear, "for a profiler: one run without it");
    CLI11_PARSE(app, argc, argv);

    const auto topology = remote_user(load);
    if (const auto keys = sim::prepare_pki(topology, 1); !keys) give_up(keys.error().detail);  // kept for all runs
    if (only_tunnel || only_clear) {
        const auto cost = measure(
            [&] { return only_tunnel ? through_tunnel(topology) : in_the_clear(topology, topology.flows.front()); });
        fmt::print("{:.2f} s of processor time, {} packets\n", cost.cpu_s, cost.packets);
        return 0;
    }
    std::vector<double> wall, cpu;
    for (int pair = 0; pair < pairs; ++pair) {
        const auto clear = measure([&] { return in_the_clear(topology, topology.flows.front()); });
        const auto tunnel = measure([&] { return through_tunnel(topology); });
        wall.push_back(tunnel.wall_s / clear.wall_s);
        cpu.push_back(tunnel.cpu_s / clear.cpu_s);
        const auto per_packet = [](const Cost& cost) { return cost.cpu_s * 1e6 / static_cast<double>(cost.packets); };
        fmt::print(
            "without: {:6.2f} s wall {:6.2f} us/packet   with: {:6.2f} s wall {:6.2f} us/packet   "
            "ratio: {:.2f} wall {:.2f} processor\n",
            clear.wall_s, per_packet(clear), tunnel.wall_s, per_packet(tunnel), wall.back(), cpu.back());
    }
    fmt::print("median ratio: {:.2f} wall, {:.2f} processor (limit {:.2f})\n", median(wall), median(cpu), limit);
    return median(wall) <= limit ? 0 : 1;
}
