// Packets that the negotiated selectors do not cover.
#include <fmt/format.h>

#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/wire.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

using namespace std::chrono_literals;

// The upper half of the network, with the gateway's own inside address: kernel-libipsec wants one of its addresses
// among the selectors. A machine in the lower half is in the network, but not in what this client asks for.
constexpr Prefix kUpperHalf{Ipv4Address{10, 1, 128, 0}, 17};
constexpr Ipv4Address kUpperApp{10, 1, 200, 4}, kLowerApp{10, 1, 7, 9};

topologies::Topology asking_for_one_half(const Pair& pair) {
    auto topology = remote_access(pair);
    client_of(topology).remote_selectors = {kUpperHalf};
    topologies::find_as<topologies::VirtualMachine>(topology, "app1")->address = kUpperApp;
    topologies::find_as<topologies::VirtualNetwork>(topology, "vnet")->subnets.push_back({"upper", {kUpperApp, 24}});
    return topology;
}

std::size_t sealed_by(const Wire& wire, const std::string& from, std::size_t since) {
    return wire.count([&](const WirePacket& packet) { return packet.is_esp() && packet.from == from; }, since);
}

void keeps_inward(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    Wire inside{context.scenario(), kInsideLink};
    if (!context.connect()) return;
    const auto selectors = context.client().status().remote_selectors;
    context.expect_equal("what the client may reach", to_string(kUpperHalf), selectors);
    context.expect_traffic("alice", "app1");
    const auto wire_since = wire.packets().size(), inside_since = inside.packets().size();
    context.scenario().ping("alice", to_string(kLowerApp), 2);
    const auto sealed = sealed_by(wire, "isp", wire_since);
    context.expect(sealed == 0, fmt::format("nothing for {} enters the tunnel", to_string(kLowerApp)),
                   fmt::format("{} ESP packets", sealed));
    const auto came =
        inside.count([](const WirePacket& packet) { return packet.destination.address == kLowerApp; }, inside_since);
    context.expect(came == 0, "nothing of it comes out", fmt::format("{} packets", came));
}

// Puts a datagram to the client on the virtual network, as if that had forwarded it, and counts what the gateway seals.
std::size_t sealed_for(Context& context, Wire& wire, Wire& inside, Ipv4Address source) {
    const auto since = wire.packets().size();
    inside.inject("vnet", udp_packet({source, 7777}, {context.client().status().inner_address, 7777}, Bytes(40, 0x2a)));
    context.scenario().run_for(200ms);
    return sealed_by(wire, "gateway", since);
}

void keeps_outward(Context& context, Ipv4Address app, const std::vector<Ipv4Address>& outside) {
    Wire wire{context.scenario(), kInternetLink};
    Wire inside{context.scenario(), kInsideLink};
    if (!context.connect()) return;
    context.scenario().run_for(200ms);
    const auto within = sealed_for(context, wire, inside, app);
    context.expect(within == 1, fmt::format("the gateway sends on a packet from {}", to_string(app)),
                   fmt::format("{} ESP packets", within));
    for (const auto source : outside) {
        const auto sealed = sealed_for(context, wire, inside, source);
        context.expect(sealed == 0, fmt::format("it does not send on a packet from {}", to_string(source)),
                       fmt::format("{} ESP packets", sealed));
    }
}

}  // namespace

std::vector<Case> keeping_to_selectors() {
    return {
        {.id = "client-keeps-to-selectors",
         .requirements = {"RFC4301-5-SELECTORS", "RFC7296-2.9-NARROWING"},
         .sentence = "A client that asked for half the network sends nothing for the rest through the tunnel.",
         .topology = asking_for_one_half,
         .check = keeps_inward},
        {.id = "gateway-keeps-to-selectors",
         .requirements = {"RFC4301-5-SELECTORS"},
         .sentence = "The gateway sends a client nothing from beyond the virtual network.",
         .topology = remote_access,
         .check = [](Context& context) { keeps_outward(context, kAppAddress, {kElsewhere}); }},
        {.id = "gateway-keeps-to-what-the-client-asked-for",
         .requirements = {"RFC4301-5-SELECTORS", "RFC7296-2.9-NARROWING"},
         .sentence = "The gateway sends a client that asked for half the network nothing from the rest.",
         .topology = asking_for_one_half,
         .check =
             [](Context& context) {
                 keeps_outward(context, kUpperApp, {kLowerApp, kElsewhere});
             }},
    };
}

}  // namespace gatelab::conformance::families
