// Idle tunnels, dead ones, and how they end.
#include <fmt/format.h>

#include "conformance/suites/openvpn/steps.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace openvpn_steps;
using namespace topologies;
using namespace std::chrono_literals;

constexpr Duration kPing = 10s, kPingRestart = 60s;
// A gateway waits twice as long as it tells its clients to, so that they notice first (--keepalive).
constexpr Duration kGatewayRestart = 2 * kPingRestart;

Topology with_keepalive(const Pair& pair, Transport transport) {
    auto topology = over(openvpn_access(pair), transport);
    auto& gateway = gateway_of(topology).openvpn;
    gateway.ping = kPing;
    gateway.ping_restart = kPingRestart;
    at_every_end(topology, [](OpenVpn& end) { end.renegotiate = 0s; });
    return topology;
}

void pings_when_idle(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    context.scenario().run_for(5s);
    const auto since = wire.packets().size();
    context.scenario().run_for(10min);
    for (const auto* from : {"isp", "gateway"}) {
        const auto pings = wire.count(
            [&](const WirePacket& packet) { return packet.from == from && packet.has_openvpn_data(); }, since);
        // Every 10 s of silence of its own; a program that looks once a second may be late by one.
        context.expect(pings >= 50 && pings <= 61,
                       fmt::format("in 10 idle minutes there are 50 to 61 pings from the {}",
                                   from == std::string{"isp"} ? "client" : "gateway"),
                       fmt::format("{}", pings));
    }
    context.expect_up();
    context.expect_sessions(1);
    carries_both_ways(context);
}

// Nothing passes from some moment on.
void notices_silence(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!connects(context)) return;
    const auto cut = context.scenario().now();
    wire.drop_all([](const WirePacket&) { return true; });
    const auto waited = [&] { return context.scenario().now() - cut; };
    context.scenario().run_until([&] { return !context.client().status().up; }, kPingRestart + 20s);
    context.measure("client_noticed_s", seconds(waited()));
    context.expect(!context.client().status().up && waited() >= kPingRestart - kPing,
                   "the client takes the gateway for dead after 60 s of silence, within 20 s more",
                   fmt::format("{} after {:.0f} s", describe(context.client().status()), seconds(waited())));
    context.scenario().run_until([&] { return context.gateway().sessions().empty(); },
                                 kGatewayRestart + 30s - waited());
    context.measure("gateway_noticed_s", seconds(waited()));
    context.expect(context.gateway().sessions().empty() && waited() >= kPingRestart - kPing,
                   "the gateway forgets the client within 150 s",
                   fmt::format("{} sessions after {:.0f} s", context.gateway().sessions().size(), seconds(waited())));
}

// The link comes back before anybody gives up.
void survives_an_outage(Context& context, Duration outage) {
    Wire wire{context.scenario(), kInternetLink};
    if (!connects(context)) return;
    wire.drop_all([](const WirePacket&) { return true; });
    context.scenario().run_for(outage);
    wire.meddle(nullptr);
    context.scenario().run_for(20s);  // a TCP connection sends again only now and then
    context.expect_up();
    carries_both_ways(context);
    context.expect_sessions(1);
}

// --- hanging up ---

Topology with_notice(const Pair& pair) {
    auto topology = with_keepalive(pair, Transport::Udp);
    client_of(topology).openvpn.explicit_exit_notify = 2;
    return topology;
}

void says_goodbye(Context& context) {
    if (!connects(context) || !context.expect_sessions(1)) return;
    context.hang_up("alice", kForgets);
    context.expect_sessions(0);
}

// Without a word over UDP, the gateway has to find out.
void leaves_silently(Context& context) {
    if (!connects(context) || !context.expect_sessions(1)) return;
    context.client().disconnect();
    context.scenario().run_for(10s);
    context.expect(context.gateway().sessions().size() == 1, "after 10 s the gateway still has the session",
                   fmt::format("{} sessions", context.gateway().sessions().size()));
    context.scenario().run_until([&] { return context.gateway().sessions().empty(); }, kGatewayRestart + 30s);
    context.expect_sessions(0);
}

void gateway_hangs_up(Context& context) {
    if (!connects(context)) return;
    auto* session = context.only_session();
    if (!session) return;
    bool left = false;  // a client that dials again by itself may be back soon
    session->disconnect();
    context.scenario().run_until([&] { return left = left || !context.client().status().up; }, 5s);
    context.expect(left, "the client learns at once that the gateway ended its session",
                   describe(context.client().status()));
    const auto over = [&] { return context.gateway().sessions().empty() || context.client().status().up; };
    context.scenario().run_until(over, kForgets);
    context.expect(over(), "and the gateway forgets it",
                   fmt::format("{} sessions", context.gateway().sessions().size()));
}

// --- a gateway that starts anew ---

void comes_back(Context& context) {
    if (!connects(context) || !context.expect_sessions(1)) return;
    context.expect(context.gateway().restart(), "the gateway is started anew", "it cannot be");
    context.scenario().run_for(1s);
    const auto restarted = context.scenario().now();
    // A client that dials again by itself may be up already; another says that the tunnel is gone.
    const auto has_session = [&] { return !context.gateway().sessions().empty(); };
    context.scenario().run_until([&] { return has_session() || !context.client().status().up; }, kPingRestart + 20s);
    context.measure("noticed_s", seconds(context.scenario().now() - restarted));
    if (!has_session()) {
        context.expect(!context.client().status().up, "the client notices within 80 s",
                       describe(context.client().status()));
        context.scenario().run_for(1s);
        if (!context.client().status().up) context.client().connect();
        context.scenario().run_until([&] { return has_session() && context.client().status().up; }, 90s);
    }
    context.expect_up();
    context.expect_sessions(1);
    carries_both_ways(context);
}

}  // namespace

std::vector<Case> openvpn_staying_alive() {
    std::vector<Case> all;
    for (const auto transport : {Transport::Udp, Transport::Tcp}) {
        const auto over_what = fmt::format("over-{}", name_of(transport));
        const auto topology = [=](const Pair& pair) { return with_keepalive(pair, transport); };
        all.push_back({.id = "pings-when-idle-" + over_what,
                       .requirements = {"OPENVPN-PING", "OPENVPN-PUSH-PING"},
                       .sentence = "Each end of an idle tunnel pings whenever it has sent nothing for 10 s.",
                       .needs = {{Side::Both, Feature::VirtualTime}},
                       .topology = topology,
                       .check = pings_when_idle});
        all.push_back({.id = "notices-silence-" + over_what,
                       .requirements = {"OPENVPN-PING-RESTART", "OPENVPN-PUSH-PING"},
                       .sentence = "When nothing comes any more, the client gives up after 60 s, and then the gateway.",
                       .needs = {{Side::Both, Feature::VirtualTime}},
                       .topology = topology,
                       .check = notices_silence});
        all.push_back({.id = "survives-an-outage-" + over_what,
                       .requirements = {"OPENVPN-PING-RESTART"},
                       .sentence = "An outage that is shorter than ping-restart does not end a tunnel.",
                       .needs = {{Side::Both, Feature::VirtualTime}},
                       .topology = topology,
                       .check = [=](Context& context) {
                           // TCP sends again after 25 s, and then after 51 s, of which 10 s may have been idle.
                           survives_an_outage(context, transport == Transport::Udp ? 40s : 20s);
                       }});
        all.push_back({.id = "connects-again-after-a-restart-of-the-gateway-" + over_what,
                       .requirements = {"OPENVPN-PING-RESTART"},
                       .sentence = "After the gateway has started anew, the client finds out and connects again.",
                       .needs = {{Side::Both, Feature::VirtualTime}, {Side::Gateway, Feature::Restart}},
                       .topology = topology,
                       .check = comes_back});
        all.push_back({.id = "gateway-ends-a-session-" + over_what,
                       .requirements = {"OPENVPN-EXIT-NOTIFY"},
                       .sentence = "A client whose session the gateway ends is told, and leaves the tunnel.",
                       .needs = {{Side::Gateway, Feature::EndSession}},
                       .topology = topology,
                       .check = gateway_hangs_up});
    }
    all.push_back({.id = "client-says-that-it-leaves",
                   .requirements = {"OPENVPN-EXIT-NOTIFY"},
                   .sentence = "A client with explicit-exit-notify leaves, and the gateway forgets it at once.",
                   .topology = with_notice,
                   .check = says_goodbye});
    all.push_back({.id = "gateway-notices-a-client-that-left-without-a-word",
                   .requirements = {"OPENVPN-EXIT-NOTIFY", "OPENVPN-PING-RESTART"},
                   .sentence = "Without explicit-exit-notify the gateway keeps a session until its pings stay away.",
                   .needs = {{Side::Both, Feature::VirtualTime}},
                   .topology = [](const Pair& pair) { return with_keepalive(pair, Transport::Udp); },
                   .check = leaves_silently});
    return all;
}

}  // namespace gatelab::conformance::families
