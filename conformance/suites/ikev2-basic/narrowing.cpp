// A client that asks for everything gets the virtual network, and keeps to it.
#include <fmt/format.h>

#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/wire.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

// "10.1.0.0/16, 10.60.0.0/24" one by one.
std::vector<std::string> split(const std::string& list) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < list.size();) {
        const auto end = std::min(list.find(", ", at), list.size());
        parts.push_back(list.substr(at, end - at));
        at = end + 2;
    }
    return parts;
}

// The network is there, and nothing beyond the network and the pool.
bool is_narrow(const std::string& selectors) {
    bool network = false;
    for (const auto& part : split(selectors)) {
        const auto prefix = parse_prefix(part);
        if (!prefix || !(kNetwork.contains(*prefix) || kPool.contains(*prefix))) return false;
        network = network || *prefix == kNetwork;
    }
    return network;
}

void narrows(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    Wire inside{context.scenario(), kInsideLink};
    if (!context.connect()) return;
    auto* session = context.only_session();
    if (!session) return;
    const auto wanted = fmt::format("{} and nothing beyond it and {}", to_string(kNetwork), to_string(kPool));
    const auto clients = context.client().status().remote_selectors;
    context.expect(is_narrow(clients), fmt::format("the client, which asked for 0.0.0.0/0, may send to {}", wanted),
                   clients);
    const auto gateways = session->status().local_selectors;
    context.expect(is_narrow(gateways), fmt::format("the gateway lets it reach {}", wanted), gateways);
    context.expect_traffic("alice", "app1");

    const auto wire_since = wire.packets().size(), inside_since = inside.packets().size();
    context.scenario().ping("alice", to_string(kElsewhere), 2);
    const auto sent =
        wire.count([](const WirePacket& packet) { return packet.is_esp() && packet.from == "isp"; }, wire_since);
    context.expect(sent == 0, fmt::format("nothing for {} enters the tunnel", to_string(kElsewhere)),
                   fmt::format("{} ESP packets", sent));
    const auto came =
        inside.count([](const WirePacket& packet) { return packet.destination.address == kElsewhere; }, inside_since);
    context.expect(came == 0, fmt::format("the gateway forwards nothing to {}", to_string(kElsewhere)),
                   fmt::format("{} packets", came));
}

}  // namespace

std::vector<Case> narrowing() {
    return {{.id = "narrows-selectors",
             .requirements = {"RFC7296-2.9-NARROWING", "P2S-FAQ-06", "P2S-RT-01"},
             .sentence = "A client that asks for everything is narrowed to the virtual network and keeps to that.",
             .needs = {{Side::Client, Feature::ManySelectors}},
             .topology = remote_access,
             .check = narrows}};
}

}  // namespace gatelab::conformance::families
