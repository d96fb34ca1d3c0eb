// Handshakes whose packets are lost, come twice, late, or in pieces.
#include <fmt/format.h>

#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "conformance/suites/openvpn/steps.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace openvpn_steps;
using namespace topologies;
using namespace std::chrono_literals;

constexpr std::size_t kMost = 60;  // packets of a handshake that are tried in turn

Topology leaving_politely(const Pair& pair) {
    auto topology = openvpn_access(pair);
    client_of(topology).openvpn.explicit_exit_notify = 1;
    return topology;
}

bool hangs_up(Context& context) {
    if (!context.hang_up()) return false;
    context.scenario().run_for(1s);
    return true;
}

// Dials once for each packet of the handshake, and does something to that packet alone.
void one_by_one(Context& context, const std::string& done,
                const std::function<sim::Verdict(Wire&, const WirePacket&)>& act) {
    Wire wire{context.scenario(), kInternetLink};
    std::size_t number = 0;
    for (; number < kMost; ++number) {
        std::size_t seen = 0;
        std::string what;
        wire.meddle([&](const WirePacket& packet) -> sim::Verdict {
            if (!packet.has_openvpn_control() || seen++ != number) return {};
            what = fmt::format("{} from the {}", packet.describe(), packet.from == "isp" ? "client" : "gateway");
            return act(wire, packet);
        });
        const bool up = context.connect("alice", kHandshake);
        wire.meddle(nullptr);
        if (what.empty()) break;  // the handshake is shorter
        if (!context.expect(up, fmt::format("the tunnel comes up although packet {}, {}, {}", number + 1, what, done),
                            describe(context.client().status())))
            return;
        if (!context.expect_traffic("alice", "app1", 1) || !context.expect_sessions(1) || !hangs_up(context)) return;
    }
    context.measure("packets", static_cast<double>(number));
    context.expect(number >= 8, "a handshake has at least eight packets", fmt::format("{}", number));
}

void recovers_from_losses(Context& context) {
    one_by_one(context, "is lost", [](Wire&, const WirePacket&) { return sim::Verdict{sim::Verdict::Kind::Drop, {}}; });
}

void ignores_repetitions(Context& context) {
    one_by_one(context, "comes twice", [](Wire& wire, const WirePacket& packet) {
        wire.inject(packet.from, packet.bytes);
        return sim::Verdict{};
    });
}

void ignores_changes(Context& context) {
    one_by_one(context, "is changed", [](Wire&, const WirePacket& packet) {
        return sim::Verdict{sim::Verdict::Kind::Replace, with_flipped_bit(packet, packet.bytes.size() - 1)};
    });
}

// Each second packet from an end is held back for 50 ms, while those behind it pass.
void puts_in_order(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    std::vector<WirePacket> held;
    std::map<std::string, int> seen;
    std::size_t overtaken = 0;
    wire.meddle([&](const WirePacket& packet) -> sim::Verdict {
        if (!packet.has_openvpn(OpenVpnHeader::kControlV1)) return {};
        for (const auto& one : held) overtaken += one.from == packet.from ? 1 : 0;
        if (seen[packet.from]++ % 2 != 0) return {};
        held.push_back(packet);
        return {sim::Verdict::Kind::Drop, {}};
    });
    context.client().connect();
    const auto over = [&] { return context.client().status().up || !context.client().status().failure.empty(); };
    for (int round = 0; round < 200 && !over(); ++round) {
        if (!context.scenario().run_until([&] { return over() || !held.empty(); }, 1s)) continue;
        context.scenario().run_for(50ms);
        for (const auto& one : std::exchange(held, {})) wire.inject(one.from, one.bytes);
    }
    wire.meddle(nullptr);
    if (!context.expect_up()) return;
    context.measure("overtaken", static_cast<double>(overtaken));
    context.expect(overtaken >= 1, "packets of the handshake are overtaken", times(overtaken));
    carries_both_ways(context);
    context.expect_sessions(1);
}

// --- a bad link ---

Topology over_a_bad_link(const Pair& pair, Transport transport) {
    auto topology = over(openvpn_access(pair), transport);
    for (const auto edge : boost::make_iterator_range(boost::edges(topology.graph)))
        if (topology.graph[edge].name == kInternetLink) topology.graph[edge].loss = 0.15;
    // With the profile's 30 s before anything is sent again, the usual 60 s are no time.
    at_every_end(topology, [](OpenVpn& end) { end.handshake_window = 10min; });
    return topology;
}

void connects_over_a_bad_link(Context& context) {
    if (!context.connect("alice", 10min)) return;
    const auto result = context.scenario().ping("alice", "app1", 40);
    context.expect(result.received >= 15, "most of 40 pings pass a link that loses every seventh packet",
                   fmt::format("{}", result.received));
    context.expect_sessions(1);
}

// --- pieces ---

void takes_single_octets(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    std::size_t pieces = 0;
    wire.meddle([&](const WirePacket& packet) -> sim::Verdict {
        if (packet.kind != PacketKind::Stream || packet.inside().size() < 2) return {};
        for (std::size_t at = 0; at < packet.inside().size(); ++at, ++pieces)
            wire.inject(packet.from, tcp_part(packet, at, 1));
        return {sim::Verdict::Kind::Drop, {}};
    });
    const bool up = context.connect("alice", kHandshake);
    if (!up) return;
    context.measure("pieces", static_cast<double>(pieces));
    context.expect(pieces > 3000, "the handshake comes octet by octet", fmt::format("{} segments", pieces));
    carries_both_ways(context);
    wire.meddle(nullptr);
    carries_both_ways(context);
}

}  // namespace

std::vector<Case> openvpn_losing() {
    std::vector<Case> all = {
        {.id = "recovers-from-each-lost-packet",
         .requirements = {"OPENVPN-WIRE-RELIABLE"},
         .sentence = "Whichever packet of the handshake is lost, it is sent again and the tunnel comes up.",
         .needs = {{Side::Both, Feature::VirtualTime}},
         .topology = leaving_politely,
         .check = recovers_from_losses},
        {.id = "takes-each-repeated-packet-once",
         .requirements = {"OPENVPN-WIRE-RELIABLE"},
         .sentence = "Whichever packet of the handshake comes twice, the tunnel comes up, and once.",
         .needs = {{Side::Both, Feature::VirtualTime}},
         .topology = leaving_politely,
         .check = ignores_repetitions},
        {.id = "drops-each-changed-packet",
         .requirements = {"OPENVPN-WIRE-RELIABLE", "OPENVPN-TLS-AUTH"},
         .sentence = "Whichever packet of the handshake is changed on the way, it is dropped and sent again.",
         .needs = {{Side::Both, Feature::VirtualTime}, {Side::Both, Feature::ProtectedControl}},
         .topology = leaving_politely,
         .check = ignores_changes},
        {.id = "puts-control-packets-in-order",
         .requirements = {"OPENVPN-WIRE-RELIABLE"},
         .sentence = "Control packets that overtook each other are put in order before TLS sees them.",
         .needs = {{Side::Both, Feature::VirtualTime}},
         .topology = openvpn_access,
         .check = puts_in_order},
        {.id = "takes-a-stream-octet-by-octet",
         .requirements = {"OPENVPN-WIRE-TCP"},
         .sentence = "Over TCP, packets may be cut into single octets.",
         .topology = [](const Pair& pair) { return over(openvpn_access(pair), Transport::Tcp); },
         .check = takes_single_octets},
    };
    for (const auto transport : {Transport::Udp, Transport::Tcp})
        all.push_back({.id = fmt::format("connects-over-a-bad-link-over-{}", name_of(transport)),
                       .requirements = {"OPENVPN-WIRE-RELIABLE"},
                       .sentence = "A user connects over a link that loses every seventh packet.",
                       .needs = {{Side::Both, Feature::VirtualTime}},
                       .topology = [=](const Pair& pair) { return over_a_bad_link(pair, transport); },
                       .check = connects_over_a_bad_link});
    return all;
}

}  // namespace gatelab::conformance::families
