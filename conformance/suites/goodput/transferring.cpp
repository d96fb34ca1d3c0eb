// How much a TCP transfer gets through a tunnel, against loss and round-trip time.
//
//   app1 --- vnet --- gateway --- isp --- alice     a transfer from app1 to alice, through her tunnel
//                                  | |
//                          server -+ +--- plain     the yardstick: the same transfer without a tunnel, at the same time
//
// Round-trip time, rate and loss are those of the links to alice and to plain; the other links are fast. Both senders
// are simulated machines, so that real programs are measured with the same inner TCP as our own. The TCP around OpenVPN
// is that of the machine: ns-3's Reno for our own, Linux's for a real program.
#include <fmt/format.h>

#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/worlds.h"
#include "sim/traffic/flow.h"

namespace gatelab::conformance::families {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kRate = 100'000'000;
constexpr auto kStart = 6s;  // when even a handshake that lost packets is over
constexpr Ipv4Address kServerAddress{198, 51, 100, 80};
constexpr Ipv4Address kPlainAddress{203, 0, 113, 80};
constexpr Ipv4Address kProxyAddress{198, 51, 100, 81};
constexpr std::uint16_t kPlainFlow = 1;  // the topology's only flow has number 0

struct Carrier {
    const char* name;
    topologies::Tunnel tunnel;
    topologies::Transport transport;
    const char* sentence;
    std::vector<std::string> requirements;
    double least;  // share of the yardstick that must arrive
    bool by_proxy = false;
};

// A tunnel over TCP hides losses from the TCP inside and pays with delay: what comes of the two is only bounded
// loosely.
const std::vector<Carrier>& carriers() {
    static const std::vector<Carrier> kCarriers = {
        {"ikev2", topologies::Tunnel::IkeV2, topologies::Transport::Udp, "ESP", {"RFC4303-3.1.2-TUNNEL"}, 0.5},
        {"openvpn-udp",
         topologies::Tunnel::OpenVpn,
         topologies::Transport::Udp,
         "OpenVPN over UDP",
         {"OPENVPN-DATA-AEAD"},
         0.5},
        {"openvpn-tcp",
         topologies::Tunnel::OpenVpn,
         topologies::Transport::Tcp,
         "OpenVPN over TCP",
         {"OPENVPN-WIRE-TCP"},
         0.25},
        {"sstp", topologies::Tunnel::Sstp, topologies::Transport::Tcp, "SSTP", {"P2S-PROTO-02"}, 0.25},
        {"sstp-proxy",
         topologies::Tunnel::Sstp,
         topologies::Transport::Tcp,
         "SSTP through an HTTP proxy",
         {"P2S-PROTO-02"},
         0.25,
         true},
    };
    return kCarriers;
}

struct Point {
    Carrier carrier;
    Duration round_trip;
    double loss_percent;

    // Long enough for some dozen losses, short enough for real programs in real time.
    Duration duration() const {
        if (loss_percent == 0) return 5s;
        if (round_trip <= 10ms) return 10s;
        return round_trip <= 50ms ? 15s : 30s;
    }
};

topologies::Link link_of(const Point& point, std::string name) {
    topologies::Link link;
    link.name = std::move(name);
    link.bits_per_second = kRate;
    link.delay = point.round_trip / 2;
    link.loss = point.loss_percent / 100;
    return link;
}

// A machine on the Internet on which nobody plays.
void add_bystander(topologies::Topology& topology, const std::string& name, Ipv4Address address,
                   topologies::Link link) {
    auto like = client_of(topology);
    like.implementation = topologies::Implementation::Absent;
    like.address = address;
    const auto added = topologies::add_node(topology, {name, std::move(like), {}, {}});
    topologies::add_link(topology, added, *topologies::find(topology, "isp"), std::move(link));
}

topologies::Topology access(const Pair& pair, const Carrier& carrier) {
    switch (carrier.tunnel) {
        case topologies::Tunnel::IkeV2: return remote_access(pair);
        case topologies::Tunnel::Sstp: return sstp_access(pair);
        case topologies::Tunnel::OpenVpn: break;
    }
    auto topology = openvpn_access(pair);
    use_transport(topology, carrier.transport);
    return topology;
}

// A proxy beside the gateway, where the line to alice is one connection's and the rest is fast.
void add_proxy(topologies::Topology& topology, topologies::Link link) {
    topologies::HttpProxy proxy;
    proxy.address = kProxyAddress;
    client_of(topology).http_proxy = "proxy";
    const auto added = topologies::add_node(topology, {"proxy", std::move(proxy), {}, {}});
    link.name = "proxy-isp";
    topologies::add_link(topology, added, *topologies::find(topology, "isp"), std::move(link));
}

topologies::Topology with_transfer(const Pair& pair, const Point& point) {
    auto topology = access(pair, point.carrier);
    for (const auto edge : boost::make_iterator_range(boost::edges(topology.graph))) {
        auto& link = topology.graph[edge];
        link.bits_per_second = 10'000'000'000;
        link.delay = Duration::zero();
        if (link.name == "alice-isp") link = link_of(point, link.name);
    }
    auto fast = link_of(point, "server-isp");
    fast.bits_per_second = 10'000'000'000;
    fast.delay = Duration::zero();
    fast.loss = 0;
    if (point.carrier.by_proxy) add_proxy(topology, fast);
    add_bystander(topology, "server", kServerAddress, fast);
    add_bystander(topology, "plain", kPlainAddress, link_of(point, "plain-isp"));

    topologies::Flow flow;
    flow.kind = topologies::Flow::Kind::Tcp;
    flow.name = "transfer";
    flow.from = "app1";
    flow.to = "alice";
    flow.start = kStart;
    flow.stop = kStart + point.duration();
    topology.flows = {flow};
    topology.duration = *flow.stop;
    return topology;
}

std::unique_ptr<sim::Flow> start_plain(sim::Scenario& scenario, Duration duration) {
    auto& server = scenario.host("server");
    const auto epoch = server.now() - scenario.now();
    return sim::start_tcp({.from = {&server, [] { return std::optional(kServerAddress); }},
                           .to = {&scenario.host("plain"), [] { return std::optional(kPlainAddress); }},
                           .epoch = epoch,
                           .start = epoch + kStart,
                           .stop = epoch + kStart + duration,
                           .number = kPlainFlow});
}

void transfers(Context& context, const Point& point) {
    auto& scenario = context.scenario();
    const auto plain = start_plain(scenario, point.duration());
    if (!context.connect()) return;
    scenario.run_for(kStart + point.duration() - scenario.now());
    const auto through = scenario.flows().at(0);
    const double goodput = through.goodput_bps / 1e6, yardstick = plain->counters().goodput_bps() / 1e6;
    context.measure("rtt_ms", seconds(point.round_trip) * 1e3);
    context.measure("loss_percent", point.loss_percent);
    context.measure("goodput_mbps", goodput);
    context.measure("plain_mbps", yardstick);
    context.measure("retransmissions", static_cast<double>(through.retransmissions));
    const auto observed = fmt::format("{:.2f} Mbit/s", goodput);
    context.expect(yardstick > 0, "TCP without a tunnel moves data", fmt::format("{:.2f} Mbit/s", yardstick));
    context.expect(goodput > 0 && goodput < static_cast<double>(kRate) / 1e6,
                   "the transfer moves data, and no more than the link can carry", observed);
    context.expect(
        goodput >= point.carrier.least * yardstick,
        fmt::format("it gets {:.0f} % of what TCP gets without a tunnel at least", point.carrier.least * 100),
        fmt::format("{} of {:.2f}", observed, yardstick));
}

Case case_of(const Point& point) {
    const auto rtt = point.round_trip / 1ms;
    return {.id = fmt::format("{}-rtt-{}ms-loss-{:g}", point.carrier.name, rtt, point.loss_percent),
            .tunnel = point.carrier.tunnel,
            .requirements = point.carrier.requirements,
            .sentence = fmt::format("{} carries a TCP transfer at a round trip of {} ms with {:g} % of packets lost.",
                                    point.carrier.sentence, rtt, point.loss_percent),
            .topology = [=](const Pair& pair) { return with_transfer(pair, point); },
            .check = [=](Context& context) { transfers(context, point); },
            .real_by_name_only = true,
            .captured = false};
}

}  // namespace

std::vector<Case> transferring() {
    std::vector<Case> cases;
    for (const auto& carrier : carriers())
        for (const Duration round_trip : {10ms, 50ms, 200ms})
            for (const double loss : {0.0, 0.1, 1.0, 3.0}) cases.push_back(case_of({carrier, round_trip, loss}));
    return cases;
}

}  // namespace gatelab::conformance::families
