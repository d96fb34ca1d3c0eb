// A new key takes the place of an old one while packets flow.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "conformance/suites/openvpn/steps.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace openvpn_steps;
using namespace topologies;
using namespace std::chrono_literals;

constexpr Duration kOften = 60s, kWatched = 5min;

std::set<unsigned> keys_used(const Wire& wire, const std::string& from, std::size_t since = 0) {
    std::set<unsigned> keys;
    for (std::size_t i = since; i < wire.packets().size(); ++i) {
        const auto& packet = wire.packets()[i];
        for (const auto& one : packet.openvpn)
            if (packet.from == from && one.is_data()) keys.insert(one.key_id);
    }
    return keys;
}

void expect_nothing_lost(Context& context, std::uint64_t least) {
    const auto flow = context.scenario().flows().at(0);
    context.measure("pings", static_cast<double>(flow.packets_sent));
    context.expect(flow.packets_sent >= least && flow.packets_received == flow.packets_sent, "not one ping is lost",
                   fmt::format("{} of {} answered", flow.packets_received, flow.packets_sent));
}

// --- by time ---

Topology with_ageing(const Pair& pair, Side who, Transport transport) {
    auto topology = over(openvpn_access(pair), transport);
    at_every_end(topology, [](OpenVpn& end) {
        end.renegotiate = 0s;
        end.transition_window = 40s;
        end.handshake_window = 20s;
    });
    (who == Side::Client ? client_of(topology).openvpn : gateway_of(topology).openvpn).renegotiate = kOften;
    topology.flows.push_back(pings(200ms, 2s, kWatched));
    return topology;
}

void renegotiates_by_time(Context& context, Side who) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    context.scenario().run_for(kWatched + 1s - context.scenario().now());
    context.expect_up();
    const auto from = who == Side::Client ? "isp" : "gateway";
    const auto asked = count(wire, OpenVpnHeader::kSoftResetV1, from);
    context.measure("soft_resets", static_cast<double>(asked));
    const auto rekeys = context.client().status().child_rekeys;
    context.expect(rekeys >= 3 && rekeys <= 6, "in 5 min the key is replaced about every minute",
                   fmt::format("{} times", rekeys));
    context.expect(asked >= 3,
                   fmt::format("the soft resets come from the {}", who == Side::Client ? "client" : "gateway"),
                   times(asked));
    expect_nothing_lost(context, 1400);
    context.expect_sessions(1);
}

// --- on request ---

bool renegotiates_once(Context& context, sim::TunnelEnd& who, int already) {
    who.rekey_child();
    context.scenario().run_until([&] { return context.client().status().child_rekeys > already; }, 15s);
    return context.expect(context.client().status().child_rekeys == already + 1, "the key is replaced",
                          times(static_cast<std::size_t>(context.client().status().child_rekeys - already)));
}

void renegotiates_on_request(Context& context, Side who) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    auto* session = context.only_session();
    if (!session) return;
    auto& end = who == Side::Client ? static_cast<sim::TunnelEnd&>(context.client()) : *session;
    context.expect_traffic("alice", "app1");
    if (!renegotiates_once(context, end, 0)) return;
    context.expect(count(wire, OpenVpnHeader::kSoftResetV1, who == Side::Client ? "isp" : "gateway") >= 1,
                   "it begins with a soft reset", "none came from the end that was asked");
    carries_both_ways(context);
    context.expect_sessions(1);
}

// Key ids go from 0 to 7, and then from 1 to 7 again: 0 says that a session is new.
void counts_key_ids(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    for (int number = 0; number < 9; ++number) {
        const auto since = wire.packets().size();
        if (!renegotiates_once(context, context.client(), number)) return;
        const auto* reset =
            wire.first([](const WirePacket& one) { return one.has_openvpn(OpenVpnHeader::kSoftResetV1); }, since);
        const auto wanted = number < 7 ? number + 1 : number - 6;
        if (!context.expect_equal("the soft reset", fmt::format("P_CONTROL_SOFT_RESET_V1 key {}", wanted),
                                  reset ? reset->openvpn.front().describe() : ""))
            return;
        context.scenario().run_for(2s);
    }
    carries_both_ways(context);
}

// --- old keys ---

constexpr Duration kTransition = 30s;

Topology with_short_transition(const Pair& pair) {
    auto topology = openvpn_access(pair);
    at_every_end(topology, [](OpenVpn& end) {
        end.transition_window = kTransition;
        end.handshake_window = 20s;
    });
    return topology;
}

// Takes two packets of the old key out of the link, and puts them back: one in time, one too late.
void retires_old_key(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    Wire inside{context.scenario(), kInsideLink};
    if (!context.connect()) return;
    context.expect_traffic("alice", "app1", 1);
    std::vector<Bytes> held;
    wire.meddle([&](const WirePacket& packet) -> sim::Verdict {
        if (held.size() == 2 || packet.from != "isp" || !packet.has_openvpn_data()) return {};
        if (packet.inside().size() < 80) return {};  // of OpenVPN itself
        held.push_back(packet.bytes);
        return {sim::Verdict::Kind::Drop, {}};
    });
    context.scenario().ping("alice", "app1", 2);
    wire.meddle(nullptr);
    if (!context.expect(held.size() == 2, "two packets are held back", fmt::format("{}", held.size()))) return;
    if (!renegotiates_once(context, context.client(), 0)) return;
    const auto renegotiated = context.scenario().now();
    const auto before = delivered(inside);
    wire.inject("isp", held[0]);
    context.scenario().run_for(300ms);
    context.expect(delivered(inside) == before + 1, "a packet of the old key still passes just after",
                   times(delivered(inside) - before));
    context.scenario().run_for(kTransition + 10s - (context.scenario().now() - renegotiated));
    const auto later = delivered(inside);
    wire.inject("isp", held[1]);
    context.scenario().run_for(300ms);
    context.expect(delivered(inside) == later, "another does not once the transition window is over",
                   times(delivered(inside) - later));
    const auto since = wire.packets().size();
    carries_both_ways(context);
    for (const auto* from : {"isp", "gateway"}) {
        const auto keys = keys_used(wire, from, since);
        context.expect(keys == std::set<unsigned>{1}, "only the new key is used from then on",
                       fmt::format("{}", fmt::join(keys, ", ")));
    }
}

// --- under load ---

Topology under_load(const Pair& pair, Transport transport) {
    auto topology = over(openvpn_access(pair), transport);
    at_every_end(topology, [](OpenVpn& end) {
        end.transition_window = 20s;
        end.handshake_window = 10s;
    });
    for (const auto outward : {true, false}) {
        Flow flow;
        flow.name = outward ? "up" : "down";
        flow.kind = Flow::Kind::Udp;
        flow.from = outward ? "alice" : "app1";
        flow.to = outward ? "app1" : "alice";
        flow.start = 3s;
        flow.stop = 33s;
        flow.bits_per_second = 8'000'000;
        topology.flows.push_back(flow);
    }
    return topology;
}

void loses_nothing_under_load(Context& context) {
    if (!context.connect()) return;
    auto* session = context.only_session();
    if (!session) return;
    context.scenario().run_for(4s - context.scenario().now());
    for (int number = 0; number < 4; ++number) {
        auto& end = number % 2 == 0 ? static_cast<sim::TunnelEnd&>(context.client()) : *session;
        if (!renegotiates_once(context, end, number)) return;
        context.scenario().run_for(6s);
    }
    context.scenario().run_for(40s - context.scenario().now());
    for (const auto& flow : context.scenario().flows()) {
        context.measure(flow.name + "_mbps", flow.goodput_bps / 1e6);
        context.expect(flow.packets_sent > 20'000 && flow.packets_received == flow.packets_sent,
                       fmt::format("four renegotiations cost the flow {} no packet", flow.name),
                       fmt::format("{} of {} arrive", flow.packets_received, flow.packets_sent));
    }
}

// --- with a password ---

Topology with_password_and_ageing(const Pair& pair, bool auth_token) {
    auto topology = openvpn_access(pair);
    use_password(topology, "alice", "secret", false);
    at_every_end(topology, [](OpenVpn& end) { end.transition_window = end.handshake_window = 20s; });
    gateway_of(topology).openvpn.pushes_auth_token = auth_token;
    return topology;
}

void signs_in_again(Context& context) {
    if (!connects(context)) return;
    for (int number = 0; number < 3; ++number) {
        if (!renegotiates_once(context, context.client(), number)) return;
        context.scenario().run_for(25s);
        carries_both_ways(context);
    }
    context.expect_sessions(1);
}

}  // namespace

std::vector<Case> openvpn_renegotiating() {
    std::vector<Case> all;
    for (const auto who : {Side::Client, Side::Gateway}) {
        const std::string name = who == Side::Client ? "client" : "gateway";
        for (const auto transport : {Transport::Udp, Transport::Tcp})
            all.push_back({.id = fmt::format("{}-renegotiates-by-time-over-{}", name, name_of(transport)),
                           .requirements = {"OPENVPN-RENEG-SEC", "OPENVPN-SOFT-RESET"},
                           .sentence = fmt::format("A {} renegotiates when a key is old, and no packet is lost.", name),
                           .needs = {{Side::Both, Feature::VirtualTime}, {who, Feature::Renegotiate}},
                           .topology = [=](const Pair& pair) { return with_ageing(pair, who, transport); },
                           .check = [=](Context& context) { renegotiates_by_time(context, who); }});
        all.push_back(
            {.id = fmt::format("{}-renegotiates-on-request", name),
             .requirements = {"OPENVPN-SOFT-RESET"},
             .sentence = fmt::format("A {} renegotiates when it is asked to, and packets go on passing.", name),
             .needs = {{who, Feature::RenegotiateNow}},
             .topology = openvpn_access,
             .check = [=](Context& context) { renegotiates_on_request(context, who); }});
    }
    all.push_back({.id = "counts-key-ids",
                   .requirements = {"OPENVPN-WIRE-KEY-ID"},
                   .sentence = "Renegotiated keys have the ids 1 to 7, and then 1 to 7 again, never 0.",
                   .needs = {{Side::Client, Feature::RenegotiateNow}},
                   .topology = with_short_transition,
                   .check = counts_key_ids});
    all.push_back({.id = "retires-old-keys",
                   .requirements = {"OPENVPN-TRAN-WINDOW"},
                   .sentence = "An old key opens packets for the transition window, and not after it.",
                   .needs = {{Side::Client, Feature::RenegotiateNow}, {Side::Both, Feature::VirtualTime}},
                   .topology = with_short_transition,
                   .check = retires_old_key});
    for (const auto transport : {Transport::Udp, Transport::Tcp})
        all.push_back({.id = fmt::format("renegotiates-under-load-over-{}", name_of(transport)),
                       .requirements = {"OPENVPN-SOFT-RESET", "OPENVPN-TRAN-WINDOW"},
                       .sentence = "Renegotiations from either end under load cost no packet.",
                       .needs = {{Side::Both, Feature::RenegotiateNow}, {Side::Both, Feature::VirtualTime}},
                       .topology = [=](const Pair& pair) { return under_load(pair, transport); },
                       .check = loses_nothing_under_load});
    for (const bool auth_token : {false, true})
        all.push_back(
            {.id = auth_token ? "renegotiates-with-auth-token" : "renegotiates-with-password",
             .requirements = {"OPENVPN-SOFT-RESET", auth_token ? "OPENVPN-AUTH-TOKEN" : "OPENVPN-AUTH-USER-PASS"},
             .sentence = fmt::format("A user who signed in with a password renegotiates with {}.",
                                     auth_token ? "the token that the gateway pushed" : "it again"),
             .needs = {{Side::Client, Feature::RenegotiateNow}, {Side::Gateway, Feature::Passwords}},
             .topology = [=](const Pair& pair) { return with_password_and_ageing(pair, auth_token); },
             .check = signs_in_again});
    return all;
}

}  // namespace gatelab::conformance::families
