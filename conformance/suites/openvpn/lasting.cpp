// An hour in which nothing stays as it is: keys of a minute, a line that loses, a NAT that rebinds.
#include <fmt/format.h>

#include <set>

#include "conformance/suites/openvpn/steps.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace openvpn_steps;
using namespace topologies;
using namespace std::chrono_literals;

constexpr Duration kHour = 60min, kKeyLife = 1min, kRebind = 5min;
constexpr double kLoss = 0.01;
constexpr std::uint16_t kPing = 200;            // octets of ICMP data
constexpr std::size_t kInner = 20 + 8 + kPing;  // and no packet of OpenVPN's own in the data channel is as large
const std::string kHomeLink = "alice-home", kStreetLink = "home-street";

// alice --- home --- street ~~~ isp --- gateway --- vnet --- app1
//           (NAT)           1%
Topology down_a_bad_line(const Pair& pair) {
    auto topology = openvpn_access_behind_nat(pair);
    const auto home = *find(topology, "home"), isp = *find(topology, "isp");
    boost::remove_edge(home, isp, topology.graph);
    const auto street = add_node(topology, Node{"street", Router{}, {}, {}});
    Link near, line;
    near.name = kStreetLink;
    near.delay = 1ms;
    line.name = "street-isp";
    line.delay = 8ms;
    line.loss = kLoss;
    add_link(topology, home, street, near);
    add_link(topology, street, isp, line);
    auto& nat = *find_as<Nat>(topology, "home");
    nat.outside = "street";
    nat.rebind_every = kRebind;
    at_every_end(topology, [](OpenVpn& end) { end.renegotiate = kKeyLife; });
    topology.flows.push_back(pings(500ms, 2s, kHour, kPing));
    return topology;
}

bool carries_ping(const WirePacket& packet) {
    return packet.openvpn.size() == 1 && packet.openvpn[0].is_data() && packet.openvpn[0].size > kInner;
}

std::uint64_t pings_from(const Wire& wire, const std::string& node) {
    return wire.count([&](const WirePacket& packet) { return packet.from == node && carries_ping(packet); });
}

// How often a packet has another key than the one before it.
int key_changes(const Wire& wire, const std::string& from) {
    int changes = 0;
    std::optional<std::uint8_t> last;
    for (const auto& packet : wire.packets()) {
        if (packet.from != from || !carries_ping(packet)) continue;
        changes += last && *last != packet.openvpn[0].key_id;
        last = packet.openvpn[0].key_id;
    }
    return changes;
}

std::size_t ports_of_client(const Wire& wire) {
    std::set<std::uint16_t> ports;
    for (const auto& packet : wire.packets())
        if (packet.from == "isp" && packet.has_openvpn_data()) ports.insert(packet.source.port);
    return ports.size();
}

// The links before and behind the line lose nothing, so what comes between them is the network's doing, and whatever
// else is missing, an end's.
void expect_losses_explained(Context& context, const Wire& home, const Wire& street, const Wire& gateway) {
    const auto flow = context.scenario().flows().at(0);
    const auto asked = pings_from(home, "alice"), arrived = pings_from(gateway, "isp");
    const auto answered = pings_from(gateway, "gateway"), back = pings_from(home, "home");
    const auto line = asked - arrived + answered - pings_from(street, "street");
    const auto nat = pings_from(street, "street") - back;
    context.measure("pings", static_cast<double>(flow.packets_sent));
    context.measure("lost_on_the_line", static_cast<double>(line));
    context.measure("lost_at_the_nat", static_cast<double>(nat));
    context.expect(asked == flow.packets_sent, "every request leaves the client once",
                   fmt::format("{} of {} do", asked, flow.packets_sent));
    context.expect(answered == arrived, "every request that reaches the gateway is answered",
                   fmt::format("{} of {} are", answered, arrived));
    context.expect(flow.packets_received == back, "every answer that reaches the client arrives in it",
                   fmt::format("{} of {} do", flow.packets_received, back));
    context.expect(flow.packets_sent - flow.packets_received == line + nat,
                   "no ping is lost but those that the line and the rebinding NAT lose",
                   fmt::format("{} are lost; {} on the line, {} at the NAT", flow.packets_sent - flow.packets_received,
                               line, nat));
    const auto share = static_cast<double>(line) / static_cast<double>(asked + answered);
    context.expect(share > kLoss / 2 && share < kLoss * 2, "the line loses about 1%",
                   fmt::format("{:.2f}%", 100 * share));
}

void lasts(Context& context) {
    Wire home{context.scenario(), kHomeLink}, street{context.scenario(), kStreetLink};
    Wire gateway{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    context.scenario().run_for(kHour + 2s - context.scenario().now());
    context.expect_up();
    context.expect_sessions(1);
    const auto keys = key_changes(home, "alice");
    context.measure("keys", keys + 1);
    context.expect(keys >= 50, "a new key comes about every minute", fmt::format("{} in an hour", keys));
    const auto ports = ports_of_client(gateway);
    context.expect(ports >= 12, "the client has another address every five minutes", fmt::format("{} of them", ports));
    std::set<std::uint64_t> sessions;
    for (const auto& packet : gateway.packets())
        if (packet.from == "isp" && packet.has_openvpn(OpenVpnHeader::kHardResetClientV2))
            sessions.insert(packet.openvpn[0].session);
    context.expect(sessions.size() == 1, "all of it is one session", fmt::format("{} were begun", sessions.size()));
    expect_losses_explained(context, home, street, gateway);
}

}  // namespace

std::vector<Case> openvpn_lasting() {
    return {{.id = "lasts-an-hour-with-loss-and-rebinding",
             .requirements = {"OPENVPN-RENEG-SEC", "OPENVPN-SOFT-RESET", "OPENVPN-TRAN-WINDOW", "OPENVPN-FLOAT",
                              "OPENVPN-WIRE-RELIABLE"},
             .sentence =
                 "In an hour with a new key every minute, 1% of loss and a NAT that rebinds every five minutes, "
                 "no packet is lost but those that the network loses.",
             .needs = {{Side::Both, Feature::VirtualTime},
                       {Side::Both, Feature::Renegotiate},
                       {Side::Gateway, Feature::PatientSignIn}},
             .topology = down_a_bad_line,
             .check = lasts}};
}

}  // namespace gatelab::conformance::families
