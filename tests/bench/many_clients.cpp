// What a simulation with many clients costs: N clients in an access tree dial one gateway, each with a handshake of its
// own and a certificate of its own, and each sends a few pings through its tunnel.
//
//   many_clients [--clients 100 300 1000] [--tunnel ikev2] [--runs 1] [--growth-limit 1.3]
//
// Each run is a process of its own. Prints time, memory and events of the best of `--runs` for each N. Growth is the
// cost of a client among the most clients over that among the fewest; 1 is linear. Exits with 1 when one of time and
// memory is above the limit, and with 3 when a tunnel did not come up or a ping was lost.
#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <vector>

#include "sim/network/world.h"
#include "sim/pki.h"
#include "sim/scenario.h"
#include "topologies/model/access_tree.h"
#include "topologies/yaml/reader.h"

namespace {

using namespace gatelab;
using namespace std::chrono_literals;
using topologies::Topology;

constexpr auto kConnectEvery = 5ms;
constexpr auto kSettled = 2s;  // from dialling to the first ping
constexpr int kPings = 3;
constexpr int kShortRuns = 3;  // of the fewest clients, for each of the others: a moment's load disturbs them more

// What a child process tells.
struct Cost {
    double wall_s = 0, cpu_s = 0, setup_s = 0, simulated_s = 0;
    std::int64_t bytes = 0;
    std::uint64_t events = 0;
};

[[noreturn]] void give_up(const std::string& why) {
    fmt::print(stderr, "many_clients: {}\n", why);
    std::_Exit(3);
}

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

std::int64_t resident_bytes() {
    std::ifstream statm{"/proc/self/statm"};
    std::int64_t size = 0, resident = 0;
    statm >> size >> resident;
    return resident * ::sysconf(_SC_PAGESIZE);
}

// --- the topology -----------------------------------------------------------------------------------------------

void dial_by(topologies::Client& client, topologies::Gateway& gateway, const std::string& tunnel) {
    if (tunnel == "ikev2") return;
    client.tunnels = {topologies::Tunnel::OpenVpn};
    client.openvpn.transport = tunnel == "openvpn-udp" ? topologies::Transport::Udp : topologies::Transport::Tcp;
    gateway.tunnels = {topologies::Tunnel::OpenVpn};
    if (client.openvpn.transport == topologies::Transport::Udp) gateway.openvpn.udp_port = 1194;
}

Topology crowd(std::size_t clients, const std::string& tunnel) {
    auto topology = topologies::load("remote-user");
    if (!topology) give_up(topology.error().detail);
    topology->flows.clear();
    topology->actions.clear();
    auto& alice = *topologies::find_as<topologies::Client>(*topology, "alice");
    alice.connect_at.reset();  // she only takes room
    auto& gateway = *topologies::find_as<topologies::Gateway>(*topology, "gateway");
    gateway.client_address_pool = {Ipv4Address{172, 16, 0, 0}, 16};

    topologies::AccessTree tree;
    tree.clients = clients;
    tree.like.gateway = "gateway";
    tree.certificate.issuer = gateway.root_certificates.front();
    tree.certificate.key = {topologies::KeySpec::Kind::Ecdsa, 256};  // an RSA key takes longer than its handshake
    tree.connect_every = kConnectEvery;
    tree.access.delay = 5ms;
    tree.access.bits_per_second = 100'000'000;
    dial_by(tree.like, gateway, tunnel);
    alice.tunnels = tree.like.tunnels;
    add_access_tree(*topology, *topologies::find(*topology, "isp"), tree);

    for (std::size_t i = 0; i < clients; ++i) {
        topologies::Flow flow;
        flow.name = fmt::format("ping-{}", i + 1);
        flow.from = fmt::format("client-{}", i + 1);
        flow.to = "web";
        flow.start = static_cast<int>(i) * kConnectEvery + kSettled;
        flow.stop = flow.start + (kPings - 1) * 1s + 500ms;
        flow.interval = 1s;
        topology->flows.push_back(std::move(flow));
    }
    topology->duration = topology->flows.back().start + kPings * 1s;
    return *topology;
}

// --- one run ----------------------------------------------------------------------------------------------------

void expect_all_served(sim::Scenario& scenario, std::size_t clients) {
    const auto sessions = scenario.gateway("gateway").sessions().size();
    if (sessions != clients) give_up(fmt::format("{} of {} clients have a session", sessions, clients));
    for (const auto& flow : scenario.flows())
        if (flow.packets_sent != kPings || flow.packets_received != kPings)
            give_up(fmt::format("{}: {} of {} pings were answered ({})", flow.name, flow.packets_received,
                                flow.packets_sent, scenario.client(flow.from).status().failure));
}

Cost run(std::size_t clients, const std::string& tunnel) {
    // The gateway's keys are made once for any number of clients: not part of what a client costs.
    if (const auto keys = sim::prepare_pki(crowd(1, tunnel), 1); !keys) give_up(keys.error().detail);
    const auto memory = resident_bytes();
    const auto cpu = cpu_seconds();
    const auto start = std::chrono::steady_clock::now();
    const auto since_start = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    Cost cost;
    const auto topology = crowd(clients, tunnel);
    auto scenario = sim::Scenario::create(topology, {});
    if (!scenario) give_up(scenario.error().detail);
    cost.setup_s = since_start();
    (*scenario)->run_for(topology.duration);
    cost.events = sim::events_run();
    cost.bytes = resident_bytes() - memory;
    expect_all_served(**scenario, clients);
    scenario->reset();
    cost.wall_s = since_start();
    cost.cpu_s = cpu_seconds() - cpu;
    cost.simulated_s = std::chrono::duration<double>(topology.duration).count();
    return cost;
}

Cost run_apart(std::size_t clients, const std::string& tunnel) {
    int ends[2];
    if (::pipe(ends) != 0) give_up("no pipe");
    const auto child = ::fork();
    if (child == 0) {
        const auto cost = run(clients, tunnel);
        std::_Exit(::write(ends[1], &cost, sizeof cost) == sizeof cost ? 0 : 3);
    }
    ::close(ends[1]);
    Cost cost;
    const bool told = ::read(ends[0], &cost, sizeof cost) == sizeof cost;
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!told || status != 0) give_up(fmt::format("the run of {} clients failed", clients));
    return cost;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::size_t> counts{100, 300, 1000};
    std::string tunnel = "ikev2";
    int runs = 1;
    double limit = 0;
    bool in_place = false;
    CLI::App app{"What a simulation with many clients costs"};
    app.add_option("--clients", counts, "how many, ascending");
    app.add_option("--tunnel", tunnel)->check(CLI::IsMember({"ikev2", "openvpn-udp", "openvpn-tcp"}));
    app.add_option("--runs", runs, "of each number; the best counts");
    app.add_option("--growth-limit", limit, "the largest growth that is good; 0: any");
    app.add_flag("--in-place", in_place, "for a profiler: the first number alone, in this process");
    CLI11_PARSE(app, argc, argv);

    if (in_place) {
        const auto cost = run(counts.front(), tunnel);
        fmt::print("{:.2f} s of processor time, {} bytes, {} events\n", cost.cpu_s, cost.bytes, cost.events);
        return 0;
    }
    std::map<std::size_t, Cost> best;
    for (int i = 0; i < runs; ++i)
        for (const auto count : counts)
            for (int j = 0; j < (count == counts.front() ? kShortRuns : 1); ++j) {
                const auto cost = run_apart(count, tunnel);
                const auto [at, is_first] = best.try_emplace(count, cost);
                if (!is_first && cost.cpu_s < at->second.cpu_s) at->second = cost;
            }
    fmt::print("{:>8} {:>9} {:>9} {:>9} {:>11} {:>12} {:>10} {:>11} {:>9}\n", tunnel, "wall s", "set-up s", "cpu s",
               "ms/client", "kB/client", "events", "events/s", "sim. s");
    for (const auto& [count, cost] : best)
        fmt::print("{:>8} {:>9.2f} {:>9.2f} {:>9.2f} {:>11.2f} {:>12.1f} {:>10} {:>11.0f} {:>9.1f}\n", count,
                   cost.wall_s, cost.setup_s, cost.cpu_s, cost.wall_s * 1e3 / static_cast<double>(count),
                   static_cast<double>(cost.bytes) / 1e3 / static_cast<double>(count), cost.events,
                   static_cast<double>(cost.events) / (cost.wall_s - cost.setup_s), cost.simulated_s);
    const auto& [few, cheap] = *best.begin();
    const auto& [many, dear] = *best.rbegin();
    const double share = static_cast<double>(few) / static_cast<double>(many);
    const double time = dear.cpu_s / cheap.cpu_s * share;
    const double memory = static_cast<double>(dear.bytes) / static_cast<double>(cheap.bytes) * share;
    fmt::print("growth from {} to {} clients: {:.2f} of processor time, {:.2f} of memory (1 is linear)\n", few, many,
               time, memory);
    return limit > 0 && std::max(time, memory) > limit ? 1 : 0;
}
