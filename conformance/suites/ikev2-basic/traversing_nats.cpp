// NATs and firewalls between the user and the gateway.
#include <fmt/format.h>

#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/wire.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

using namespace std::chrono_literals;
using namespace topologies;

void floats_to_4500(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    context.expect_traffic("alice", "app1");
    context.expect(context.client().status().nat_here, "the client knows that it is behind a NAT",
                   context.client().status().nat_here ? "it does" : "it does not");
    const auto* stray = wire.first([](const WirePacket& packet) {
        const bool to_500 = packet.source.port == 500 || packet.destination.port == 500;
        return packet.kind == PacketKind::Ike && packet.ike.exchange != kIkeSaInit && to_500;
    });
    context.expect(!stray, "after IKE_SA_INIT no IKE message uses port 500", stray ? stray->describe() : "none does");
    const auto floated = wire.count(
        [](const WirePacket& packet) { return packet.is_ike(kIkeAuth, false) && packet.destination.port == 4500; });
    context.expect(floated > 0, "IKE_AUTH goes to port 4500", fmt::format("{} of its requests do", floated));
    const auto* native = wire.first([](const WirePacket& packet) { return packet.kind == PacketKind::Esp; });
    context.expect(!native, "all ESP is in UDP", native ? native->describe() : "it is");
}

void keeps_mapping_alive(Context& context) {
    if (!context.connect()) return;
    Wire wire{context.scenario(), kInternetLink};
    context.scenario().run_for(65s);
    const auto kept = wire.count(
        [](const WirePacket& packet) { return packet.kind == PacketKind::NatKeepalive && packet.from == "isp"; });
    context.expect(kept >= 2, "an idle client behind a NAT sends a keepalive every 20 s or so",
                   fmt::format("{} in 65 s", kept));
    const auto needless = wire.count(
        [](const WirePacket& packet) { return packet.kind == PacketKind::NatKeepalive && packet.from == "gateway"; });
    context.expect(needless == 0, "the gateway, which is behind none, sends none", fmt::format("{}", needless));
    // Two minutes is how long the NAT remembers: without keepalives this would find the mapping gone.
    context.scenario().run_for(90s);
    context.expect_traffic("app1", "alice");
}

void stays_on_500(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    context.expect_traffic("alice", "app1");
    const auto status = context.client().status();
    context.expect(!status.nat_here && !status.nat_there, "the client finds no NAT",
                   status.nat_here    ? "it thinks that it is behind one"
                   : status.nat_there ? "the gateway is behind one"
                                      : "none");
    const auto* floated = wire.first([](const WirePacket& packet) { return packet.destination.port == 4500; });
    context.expect(!floated, "nothing goes to port 4500", floated ? floated->describe() : "nothing does");
}

void finds_its_side(Context& context) {
    if (!context.connect()) return;
    auto* session = context.only_session();
    if (!session) return;
    const auto told = [](const sim::TunnelStatus& status) {
        return fmt::format("{} itself, {} the peer", status.nat_here ? "behind one" : "not",
                           status.nat_there ? "behind one" : "not");
    };
    context.expect_equal("what the client finds", "behind one itself, not the peer", told(context.client().status()));
    context.expect_equal("what the gateway finds", "not itself, behind one the peer", told(session->status()));
}

// A NAT that forgets before the first keepalive, and another user who takes the port.
Topology with_forgetful_nat(const Pair& pair) {
    auto topology = remote_access_behind_nat(pair);
    find_as<Nat>(topology, "home")->udp_timeout = 5s;
    return topology;
}

void follows_mapping(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect("alice")) return;
    context.expect_traffic("alice", "app1", 1);
    const auto newest_port = [&] {
        std::uint16_t port = 0;
        for (const auto& packet : wire.packets())
            if (packet.kind == PacketKind::EspInUdp && packet.from == "isp") port = packet.source.port;
        return port;
    };
    const auto before = newest_port();
    context.scenario().run_for(8s);
    if (!context.connect("bob")) return;
    context.scenario().ping("alice", "app1", 1);  // its answer may still go to the old place
    const auto after = newest_port();
    context.expect(before != 0 && after != 0 && before != after, "the NAT gives the client's tunnel another port",
                   fmt::format("{}, then {}", before, after));
    context.scenario().run_for(500ms);
    const auto since = wire.packets().size();
    context.expect_traffic("alice", "app1");
    context.expect_traffic("app1", "alice");
    const auto stray = wire.count(
        [&](const WirePacket& packet) {
            return packet.kind == PacketKind::EspInUdp && packet.from == "gateway" && packet.destination.port != after;
        },
        since);
    context.expect(stray == 0, "the gateway sends to the new port", fmt::format("{} packets go elsewhere", stray));
}

// alice --- office (drops UDP 500 and 4500 outwards) --- isp --- gateway
Topology behind_firewall(const Pair& pair) {
    auto topology = remote_access(pair);
    const auto alice = *find(topology, "alice"), isp = *find(topology, "isp");
    boost::remove_edge(alice, isp, topology.graph);
    Firewall firewall;
    firewall.inside = "alice";
    FilterRule rule;
    rule.direction = FilterRule::Direction::Outbound;
    rule.protocol = static_cast<std::uint8_t>(IpProtocol::Udp);
    rule.destination_ports = {500, 4500};
    firewall.rules = {rule};
    const auto office = add_node(topology, Node{"office", firewall, {}, {}});
    Link outer, inner;
    outer.name = "office-isp";
    inner.name = "alice-office";
    add_link(topology, office, isp, outer);
    add_link(topology, alice, office, inner);
    return topology;
}

void gives_up(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    context.expect_refusal({"peer-silent", "timed-out"}, 60s);
    context.expect(wire.packets().empty(), "nothing comes past the firewall",
                   wire.packets().empty() ? "nothing did" : wire.packets().front().describe());
}

}  // namespace

std::vector<Case> traversing_nats() {
    return {
        {.id = "floats-to-port-4500-behind-nat",
         .requirements = {"RFC7296-2.23-FLOAT", "RFC7296-2.23-NAT-DETECTION", "RFC3948-2.1-ENCAPSULATION"},
         .sentence = "Behind a NAT, everything after IKE_SA_INIT goes over UDP port 4500.",
         .needs = {{Side::Client, Feature::TellNat}},
         .topology = remote_access_behind_nat,
         .check = floats_to_4500},
        {.id = "stays-on-port-500-without-nat",
         .requirements = {"RFC7296-2.23-NAT-DETECTION", "P2S-PROTO-03"},
         .sentence = "Without a NAT, IKE stays on port 500 and ESP is not put into UDP.",
         .needs = {{Side::Both, Feature::NativeEsp}},
         .topology = remote_access,
         .check = stays_on_500},
        {.id = "finds-on-which-side-the-nat-is",
         .requirements = {"RFC7296-2.23-NAT-DETECTION"},
         .sentence =
             "With a NAT before the client, both sides find that the client is behind one, and the gateway is not.",
         .needs = {{Side::Both, Feature::HonestNat}, {Side::Both, Feature::TellNat}},
         .topology = remote_access_behind_nat,
         .check = finds_its_side},
        {.id = "follows-the-nats-new-mapping",
         .requirements = {"RFC7296-2.23-NEW-MAPPING"},
         .sentence = "When the NAT gives a client another port, the gateway sends to that port from then on.",
         .needs = {{Side::Both, Feature::VirtualTime}},
         .topology = with_forgetful_nat,
         .check = follows_mapping},
        {.id = "keeps-the-nats-mapping-alive",
         .requirements = {"RFC3948-2.3-KEEPALIVE"},
         .sentence = "An idle client behind a NAT can still be reached after the NAT would have forgotten it.",
         .needs = {{Side::Both, Feature::VirtualTime}},
         .topology = remote_access_behind_nat,
         .check = keeps_mapping_alive},
        {.id = "gives-up-where-udp-is-blocked",
         .requirements = {"P2S-PROTO-03", "RFC7296-2.1-RETRANSMIT"},
         .sentence = "Where a firewall drops UDP 500 and 4500, the client gives up within a minute and says why.",
         .topology = behind_firewall,
         .check = gives_up},
    };
}

}  // namespace gatelab::conformance::families
