// What a tunnel carries: packets of all sizes, streams, and all of it over lines that lose.
#include <fmt/format.h>

#include "conformance/suites/sstp/steps.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace sstp_steps;
using namespace topologies;
using namespace std::chrono_literals;

constexpr std::size_t kMru = 1400;  // of both ends
constexpr std::uint16_t kLargestPing = kMru - 20 - 8;

Flow flow_of(Flow::Kind kind, std::string name, bool outward, Duration stop) {
    Flow flow;
    flow.kind = kind;
    flow.name = std::move(name);
    flow.from = outward ? "alice" : "app1";
    flow.to = outward ? "app1" : "alice";
    flow.start = 8s;
    flow.stop = stop;
    return flow;
}

Topology with_both_ways(const Pair& pair, Flow::Kind kind) {
    auto topology = sstp_access(pair);
    for (const auto edge : boost::make_iterator_range(boost::edges(topology.graph)))
        if (topology.graph[edge].name == kInternetLink) topology.graph[edge].bits_per_second = 20'000'000;
    topology.flows = {flow_of(kind, "upload", true, 11s), flow_of(kind, "download", false, 11s)};
    return topology;
}

bool runs_until(Context& context, Duration end) {
    if (!context.connect()) return false;
    context.scenario().run_for(end - context.scenario().now());
    return context.expect_up();
}

void carries_datagrams(Context& context) {
    if (!runs_until(context, 13s)) return;
    for (const auto& flow : context.scenario().flows())
        context.expect(flow.packets_sent > 100 && flow.packets_received == flow.packets_sent,
                       fmt::format("every datagram of the {} arrives", flow.name),
                       fmt::format("{} of {}", flow.packets_received, flow.packets_sent));
}

void carries_streams(Context& context) {
    if (!runs_until(context, 14s)) return;
    for (const auto& flow : context.scenario().flows()) {
        context.measure(flow.name + "_bytes", static_cast<double>(flow.bytes_received));
        context.expect(flow.bytes_received > 300'000, fmt::format("the {} gets through", flow.name),
                       fmt::format("{} octets", flow.bytes_received));
    }
}

Topology with_pings_of_every_size(const Pair& pair) {
    auto topology = sstp_access(pair);
    for (const auto size : {std::uint16_t{1}, std::uint16_t{500}, std::uint16_t{1000},
                            static_cast<std::uint16_t>(kLargestPing - 1), kLargestPing}) {
        for (const bool outward : {true, false}) {
            auto flow = pings(200ms, 8s, 10s, size);
            flow.name = fmt::format("{}-{}", outward ? "outward" : "inward", size);
            if (!outward) std::swap(flow.from, flow.to);
            topology.flows.push_back(flow);
        }
    }
    return topology;
}

void expect_all_answered(Context& context) {
    for (const auto& flow : context.scenario().flows())
        context.expect(flow.packets_sent >= 9 && flow.packets_received == flow.packets_sent,
                       fmt::format("the pings {} are all answered", flow.name),
                       fmt::format("{} of {}", flow.packets_received, flow.packets_sent));
}

void carries_every_size(Context& context) {
    if (runs_until(context, 12s)) expect_all_answered(context);
}

Topology with_a_small_mru(const Pair& pair) {
    auto topology = sstp_access(pair);
    gateway_of(topology).sstp.mru = 1000;
    auto flow = pings(200ms, 8s, 10s, 1000 - 20 - 8);
    flow.name = "of-the-gateways-mru";
    topology.flows = {flow};
    return topology;
}

// --- lines that lose ---

Topology down_a_bad_line(const Pair& pair, double loss, Duration stop) {
    auto topology = sstp_access(pair);
    lose_on_the_way(topology, loss);
    topology.flows.push_back(pings(500ms, 20s, stop, 200));
    return topology;
}

// TCP brings everything, late at worst; what is asked in the last seconds may still be under way.
void loses_nothing(Context& context, Duration stop) {
    if (!context.connect("alice", 60s)) return;
    context.scenario().run_for(stop + 30s - context.scenario().now());
    if (!context.expect_up()) return;
    context.expect_sessions(1);
    const auto flow = context.scenario().flows().at(0);
    context.measure("pings", static_cast<double>(flow.packets_sent));
    context.expect(flow.packets_sent >= 100 && flow.packets_received + 2 >= flow.packets_sent,
                   "what the line loses, TCP sends again: no ping is lost",
                   fmt::format("{} of {} are answered", flow.packets_received, flow.packets_sent));
}

void connects_over_a_bad_line(Context& context) {
    if (!context.connect("alice", 5min)) return;
    const auto result = context.scenario().ping("alice", "app1", 40);
    context.scenario().run_for(30s);
    context.expect(result.received >= 10, "pings pass a link that loses every tenth packet",
                   fmt::format("{} of 40 while it waits", result.received));
    context.expect_sessions(1);
    context.expect_up();
}

}  // namespace

std::vector<Case> sstp_carrying() {
    std::vector<Case> all;
    const auto add = [&](std::string id, std::vector<std::string> requirements, std::string sentence,
                         std::function<Topology(const Pair&)> topology, std::function<void(Context&)> check,
                         std::vector<Need> needs = {}) {
        all.push_back({.id = std::move(id),
                       .requirements = std::move(requirements),
                       .sentence = std::move(sentence),
                       .needs = std::move(needs),
                       .topology = std::move(topology),
                       .check = std::move(check)});
    };
    const std::vector<Need> virtual_time = {{Side::Both, Feature::VirtualTime}};
    add(
        "carries-datagrams", {"P2S-RT-01", "SSTP-10"}, "UDP at 1 Mbit/s passes both ways without a loss.",
        [](const Pair& pair) { return with_both_ways(pair, Flow::Kind::Udp); }, carries_datagrams, virtual_time);
    add(
        "carries-streams", {"P2S-RT-01", "SSTP-10"}, "TCP transfers pass both ways at once.",
        [](const Pair& pair) { return with_both_ways(pair, Flow::Kind::Tcp); }, carries_streams, virtual_time);
    add("carries-packets-up-to-the-mru", {"PPP-MRU", "SSTP-10"},
        "Packets of every size up to the MRU of 1,400 octets pass both ways.", with_pings_of_every_size,
        carries_every_size, virtual_time);
    add("keeps-to-the-gateways-mru", {"PPP-MRU", "PPP-LCP-OPTIONS"},
        "Where the gateway takes 1,000 octets at most, packets of that size pass.", with_a_small_mru,
        carries_every_size, virtual_time);
    add(
        "loses-nothing-over-a-bad-line", {"P2S-PROTO-02"}, "A line that loses 1% costs time, and no packet.",
        [](const Pair& pair) { return down_a_bad_line(pair, 0.01, 120s); },
        [](Context& context) { loses_nothing(context, 120s); }, virtual_time);
    add(
        "lasts-an-hour-with-loss", {"SSTP-26", "P2S-PROTO-02"},
        "In an hour of pings over a line that loses 1%, the tunnel stays and no packet is lost.",
        [](const Pair& pair) { return down_a_bad_line(pair, 0.01, 60min); },
        [](Context& context) { loses_nothing(context, 60min); }, virtual_time);
    add(
        "connects-over-a-bad-line", {"P2S-PROTO-02"}, "A user connects over a line that loses every tenth packet.",
        [](const Pair& pair) {
            auto topology = sstp_access(pair);
            lose_on_the_way(topology, 0.1);
            return topology;
        },
        connects_over_a_bad_line, virtual_time);
    return all;
}

}  // namespace gatelab::conformance::families
