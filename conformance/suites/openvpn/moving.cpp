// Clients whose outer address changes, because a NAT forgot them.
#include <fmt/format.h>

#include <set>

#include "conformance/suites/openvpn/steps.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace openvpn_steps;
using namespace topologies;
using namespace std::chrono_literals;

constexpr Duration kRebind = 30s, kWatched = 4min;

Topology behind_forgetful_nat(const Pair& pair) {
    auto topology = openvpn_access_behind_nat(pair);
    find_as<Nat>(topology, "home")->rebind_every = kRebind;
    topology.flows.push_back(pings(500ms, 2s, kWatched));
    return topology;
}

std::set<std::uint16_t> ports_of_client(const Wire& wire) {
    std::set<std::uint16_t> ports;
    for (const auto& packet : wire.packets())
        if (packet.from == "isp" && packet.has_openvpn_data()) ports.insert(packet.source.port);
    return ports;
}

void follows(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    auto* session = context.only_session();
    if (!session) return;
    const auto before = session->status().outer_peer;
    context.scenario().run_for(kWatched + 1s - context.scenario().now());
    const auto ports = ports_of_client(wire);
    context.expect(ports.size() >= 6, "the NAT gives the client another port every 30 s",
                   fmt::format("{} ports in 4 min", ports.size()));
    context.expect_sessions(1);
    context.expect_up();
    const auto resets = count(wire, OpenVpnHeader::kHardResetClientV2, "isp");
    context.expect(resets == 1, "the client has connected once", times(resets));
    context.let_counters_tell();
    session = context.only_session();
    if (!session) return;
    const auto after = session->status();
    context.expect(after.outer_peer != before && ports.contains(after.outer_peer.port),
                   "the gateway knows the client's new address",
                   fmt::format("{}, then {}", to_string(before), to_string(after.outer_peer)));
    context.measure("moved", static_cast<double>(after.moved));
    context.expect(after.moved + 1 >= ports.size(), "and counts how often it moved", times(after.moved));
    // Whatever the client sends goes out by its new port at once; what comes back needs the gateway to know.
    const auto flow = context.scenario().flows().at(0);
    context.measure("pings", static_cast<double>(flow.packets_sent));
    context.expect(flow.packets_sent > 400 && flow.packets_received == flow.packets_sent, "not one ping is lost",
                   fmt::format("{} of {} answered", flow.packets_received, flow.packets_sent));
}

// Somebody else sends what the client sent before, from his own place: the tunnel stays where it is.
void stays_for_replays(Context& context) {
    constexpr Endpoint kStranger{Ipv4Address{203, 0, 113, 66}, 40'000};
    Wire wire{context.scenario(), kInternetLink};
    if (!connects(context)) return;
    auto* session = context.only_session();
    if (!session) return;
    const auto place = session->status().outer_peer;
    const auto sent = data_from(wire, "isp");
    auto& newest = sent.back();
    wire.inject("isp", udp_packet(kStranger, newest.destination, newest.inside()));
    auto forged = copy_of(newest.inside());
    forged.back() ^= 1;
    wire.inject("isp", udp_packet(kStranger, newest.destination, forged));
    forged = copy_of(newest.inside());
    forged[7] ^= 0x40;  // a packet id that never was
    wire.inject("isp", udp_packet(kStranger, newest.destination, forged));
    context.scenario().run_for(1s);
    carries_both_ways(context);
    const auto stray = wire.count([&](const WirePacket& packet) {
        return packet.from == "gateway" && packet.destination.address == kStranger.address;
    });
    context.expect(stray == 0, "nothing goes to the stranger", times(stray));
    context.expect_equal("where the gateway sees the client", to_string(place),
                         to_string(session->status().outer_peer));
}

}  // namespace

std::vector<Case> openvpn_moving() {
    return {{.id = "follows-a-client-behind-a-rebinding-nat",
             .requirements = {"OPENVPN-FLOAT", "OPENVPN-WIRE-DATA-V2"},
             .sentence = "When a NAT gives a client new ports again and again, its tunnel goes on without a gap.",
             .needs = {{Side::Both, Feature::VirtualTime}, {Side::Gateway, Feature::TellMoves}},
             .topology = behind_forgetful_nat,
             .check = follows},
            {.id = "does-not-follow-a-replayed-or-forged-packet",
             .requirements = {"OPENVPN-FLOAT", "OPENVPN-REPLAY", "OPENVPN-DATA-AUTHENTIC"},
             .sentence = "A client's packet that comes again or changed from another address does not move its tunnel.",
             .needs = {{Side::Gateway, Feature::TellMoves}},
             .topology = openvpn_access,
             .check = stays_for_replays}};
}

}  // namespace gatelab::conformance::families
