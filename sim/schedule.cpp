#include "sim/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <tuple>

#include "sim/network_builder.h"
#include "topologies/model/paths.h"

namespace gatelab::sim {
namespace {

using topologies::Action;
using topologies::Topology;

template <class Player>
Player& named(const Cast::ByName<Player>& players, const std::string& name) {
    if (const auto at = players.find(name); at != players.end()) return *at->second;
    fmt::print(stderr, "the topology has no such client or gateway: '{}'\n", name);
    std::abort();
}

// In the order of the topology.
template <class Player>
void sort(Cast::Named<Player>& players, const Topology& topology) {
    std::map<std::string_view, topologies::Vertex> places;
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph)))
        places.emplace(topology.graph[vertex].name, vertex);
    std::sort(players.begin(), players.end(),
              [&](const auto& a, const auto& b) { return places.at(a.first) < places.at(b.first); });
}

void perform(TunnelEnd& end, Action::Kind kind) {
    switch (kind) {
        case Action::Kind::Connect: return;
        case Action::Kind::Disconnect: return end.disconnect();
        case Action::Kind::RekeyChild: return end.rekey_child();
        case Action::Kind::RekeyIke: return end.rekey_ike();
        case Action::Kind::CheckLiveness: return end.check_liveness();
    }
}

}  // namespace

// --- Cast -------------------------------------------------------------------------------------------------------

Result<void> Cast::hire(const Stage& stage, Of which) {
    const auto& graph = topology_.graph;
    for (const auto vertex : boost::make_iterator_range(boost::vertices(graph))) {
        const auto& [name, kind] = std::tie(graph[vertex].name, graph[vertex].kind);
        if (is_real_peer(kind) != (which == Of::RealPrograms)) continue;
        if (std::holds_alternative<topologies::Gateway>(kind)) {
            auto player = make_gateway(stage, name);
            if (!player) return pass(player);
            gateways_.emplace_back(name, std::move(*player));
        }
        if (std::holds_alternative<topologies::Client>(kind)) {
            auto player = make_client(stage, name);
            if (!player) return pass(player);
            clients_.emplace_back(name, std::move(*player));
        }
    }
    sort(gateways_, topology_);
    sort(clients_, topology_);
    for (const auto& [name, player] : gateways_) gateways_by_name_[name] = player.get();
    for (const auto& [name, player] : clients_) clients_by_name_[name] = player.get();
    return {};
}

Result<bool> Cast::ready() const {
    Result<bool> all = true;
    for_each([&](const Player& player) {
        const auto one = player.ready();
        if (all && (!one || !*one)) all = one;
    });
    return all;
}

void Cast::ask() {
    for_each([](Player& player) { player.ask(); });
}

bool Cast::told() const {
    bool all = true;
    for_each([&](const Player& player) { all &= player.told(); });
    return all;
}

Result<void> Cast::dismiss() {
    for_each([](Player& player) { player.leave(); });
    Result<void> outcome;
    for_each([&](Player& player) {
        auto result = player.finish();
        if (outcome && !result) outcome = std::move(result);
    });
    return outcome;
}

ClientPlayer& Cast::client(const std::string& name) { return named(clients_by_name_, name); }
GatewayPlayer& Cast::gateway(const std::string& name) { return named(gateways_by_name_, name); }

FlowEnd Cast::flow_end(const std::string& node) {
    if (const auto* machine = topologies::find_as<topologies::VirtualMachine>(topology_, node)) {
        auto& host = network_.host(node);
        return {&host, [address = machine->address] { return std::optional(address); }, echo_socket(node, host)};
    }
    auto& player = client(node);
    auto* stack = player.stack();
    return {stack, [&player] { return player.inner_address(); }, stack ? echo_socket(node, *stack) : nullptr};
}

EchoSocket* Cast::echo_socket(const std::string& node, Host& host) {
    return &echo_sockets_.try_emplace(node, host).first->second;
}

// --- Schedule ---------------------------------------------------------------------------------------------------

Schedule::Schedule(Network& network, const Topology& topology, Cast& cast)
    : network_(network), topology_(topology), cast_(cast) {
    for (const auto& [name, player] : cast.clients())
        if (const auto& at = topologies::find_as<topologies::Client>(topology, name)->connect_at)
            plan({Action::Kind::Connect, *at, name, {}, {}});
    for (const auto& action : topology.actions) plan(action);
    for (const auto& flow : topology.flows) flows_.push_back(start(flow, static_cast<std::uint16_t>(flows_.size())));
}

void Schedule::plan(const Action& action) {
    network_.at(action.at, [this, action] { act(action); });
}

void Schedule::act(const Action& action) {
    if (closed_) return;
    network_.emit(action.node, "scenario", {std::string{topologies::name_of(action.kind)}, {}});
    if (topologies::find_as<topologies::Gateway>(topology_, action.node)) {
        auto& gateway = cast_.gateway(action.node);
        for (const auto& user : gateway.sessions())
            if (auto* session = gateway.session(user)) perform(*session, action.kind);
        return;
    }
    auto& client = cast_.client(action.node);
    if (action.kind == Action::Kind::Connect) return client.connect();
    perform(client, action.kind);
}

std::unique_ptr<Flow> Schedule::start(const topologies::Flow& flow, std::uint16_t number) {
    FlowOptions options{.from = cast_.flow_end(flow.from),
                        .to = cast_.flow_end(flow.to),
                        .epoch = topology_.epoch,
                        .start = topology_.epoch + flow.start,
                        .number = number};
    if (flow.stop) options.stop = topology_.epoch + *flow.stop;
    switch (flow.kind) {
        case topologies::Flow::Kind::Ping:
            return start_ping(std::move(options), {.interval = flow.interval, .size = flow.packet_size});
        case topologies::Flow::Kind::Udp:
            return start_udp(std::move(options),
                             {.bits_per_second = flow.bits_per_second, .packet_size = flow.packet_size});
        case topologies::Flow::Kind::Tcp: return start_tcp(std::move(options));
    }
    std::abort();
}

void Schedule::stop() {
    for (const auto& flow : flows_) flow->stop();
}

void Schedule::close() { closed_ = true; }

bool Schedule::settled() const {
    return std::all_of(flows_.begin(), flows_.end(), [](const auto& flow) { return flow->settled(); });
}

std::vector<FlowResult> Schedule::results() const {
    std::vector<FlowResult> results;
    for (std::size_t i = 0; i < flows_.size(); ++i) {
        const auto& flow = topology_.flows[i];
        const auto& counted = flows_[i]->counters();
        FlowResult result;
        result.name = flow.name;
        result.kind = topologies::name_of(flow.kind);
        result.from = flow.from;
        result.to = flow.to;
        const auto way =
            reach(topology_, *topologies::find(topology_, flow.from), *topologies::find(topology_, flow.to));
        result.path = to_string(topology_, way.path);
        result.tunnel = fmt::format("{}", fmt::join(way.tunnels, ", "));
        result.packets_sent = counted.packets_sent;
        result.packets_received = counted.packets_received;
        result.bytes_received = counted.bytes_received;
        result.goodput_bps = counted.goodput_bps();
        result.loss = counted.loss();
        result.retransmissions = counted.retransmissions;
        if (const auto trips = summarize(counted.round_trips)) {
            result.rtt_min_ms = trips->min_ms;
            result.rtt_p50_ms = trips->p50_ms;
            result.rtt_p90_ms = trips->p90_ms;
            result.rtt_p99_ms = trips->p99_ms;
            result.rtt_max_ms = trips->max_ms;
        }
        results.push_back(std::move(result));
    }
    return results;
}

}  // namespace gatelab::sim
