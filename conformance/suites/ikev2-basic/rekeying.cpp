// SAs that are replaced while traffic flows.
#include <fmt/format.h>

#include <set>

#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/wire.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

using namespace std::chrono_literals;
using Spis = std::set<std::uint32_t>;

// With a ping every 20 ms from 2 s to 4 s.
topologies::Topology with_steady_traffic(const Pair& pair) {
    auto topology = remote_access(pair);
    topologies::Flow flow;
    flow.name = "steady";
    flow.from = "alice";
    flow.to = "app1";
    flow.start = 2s;
    flow.stop = 4s;
    flow.interval = 20ms;
    flow.packet_size = 64;
    topology.flows.push_back(flow);
    return topology;
}

Spis esp_spis(const Wire& wire, std::size_t since) {
    Spis found;
    for (std::size_t i = since; i < wire.packets().size(); ++i)
        if (wire.packets()[i].is_esp()) found.insert(wire.packets()[i].spi);
    return found;
}

void run_to(Context& context, Duration at) {
    context.scenario().run_for(std::max(at - context.scenario().now(), Duration{0}));
}

void expect_nothing_lost(Context& context) {
    run_to(context, 4500ms);
    const auto flow = context.scenario().flows().at(0);
    context.measure("echo_requests", static_cast<double>(flow.packets_sent));
    context.expect(flow.packets_sent >= 50 && flow.packets_received == flow.packets_sent,
                   "not one echo request of the steady flow is lost",
                   fmt::format("{} of {} answered", flow.packets_received, flow.packets_sent));
}

void rekeys_child(Context& context, Side from) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    run_to(context, 2500ms);
    const auto before = esp_spis(wire, 0);
    auto* session = context.only_session();
    if (!session) return;
    from == Side::Client ? context.client().rekey_child() : session->rekey_child();
    context.scenario().run_until([&] { return context.client().status().child_rekeys > 0; }, 5s);
    context.expect(context.client().status().child_rekeys == 1, "the child SA is rekeyed once",
                   times(context.client().status().child_rekeys));
    // The side that asked deletes the old child; give it a moment.
    context.scenario().run_for(500ms);
    const auto since = wire.packets().size();
    expect_nothing_lost(context);
    const auto after = esp_spis(wire, since);
    std::size_t old = 0;
    for (const auto spi : after) old += before.contains(spi) ? 1 : 0;
    context.expect(after.size() == 2 && old == 0, "only the two SPIs of the new child are in use",
                   fmt::format("{} SPIs, {} of them old", after.size(), old));
    context.expect_traffic("app1", "alice");
}

void rekeys_ike(Context& context, Side from) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    run_to(context, 2500ms);
    auto* session = context.only_session();
    if (!session) return;
    const auto* first = wire.first([](const WirePacket& packet) { return packet.is_ike(kIkeAuth, false); });
    const auto old_spi = first ? first->ike.spi_i : 0;
    from == Side::Client ? context.client().rekey_ike() : session->rekey_ike();
    context.scenario().run_until([&] { return context.client().status().ike_rekeys > 0; }, 5s);
    context.expect(context.client().status().ike_rekeys == 1, "the IKE SA is rekeyed once",
                   times(context.client().status().ike_rekeys));
    context.scenario().run_for(500ms);
    const auto since = wire.packets().size();
    expect_nothing_lost(context);
    // The child lives on under the new IKE SA, which can rekey it.
    context.client().rekey_child();
    context.scenario().run_until([&] { return context.client().status().child_rekeys > 0; }, 5s);
    context.expect(context.client().status().child_rekeys == 1, "the new IKE SA rekeys the child that it inherited",
                   times(context.client().status().child_rekeys));
    const auto stale = wire.count(
        [&](const WirePacket& packet) { return packet.kind == PacketKind::Ike && packet.ike.spi_i == old_spi; }, since);
    context.expect(stale == 0, "no message of the old IKE SA is sent any more", fmt::format("{}", stale));
    context.expect_traffic("alice", "app1");
    context.expect_sessions(1);
}

Case rekeying_case(std::string id, std::string requirement, std::string sentence, void (*check)(Context&, Side),
                   Side from) {
    return {.id = std::move(id),
            .requirements = {std::move(requirement)},
            .sentence = std::move(sentence),
            .topology = with_steady_traffic,
            .check = [check, from](Context& context) { check(context, from); }};
}

}  // namespace

std::vector<Case> rekeying() {
    std::vector<Case> all = {
        rekeying_case("client-rekeys-child", "RFC7296-1.3.3-REKEY-CHILD",
                      "The client replaces the child SA; no packet is lost and the old SPIs fall silent.", rekeys_child,
                      Side::Client),
        rekeying_case("gateway-rekeys-child", "RFC7296-1.3.3-REKEY-CHILD",
                      "The gateway replaces the child SA; no packet is lost and the old SPIs fall silent.",
                      rekeys_child, Side::Gateway),
        rekeying_case("client-rekeys-ike", "RFC7296-1.3.2-REKEY-IKE",
                      "The client replaces the IKE SA; no packet is lost and the child goes over to the new one.",
                      rekeys_ike, Side::Client),
        rekeying_case("gateway-rekeys-ike", "RFC7296-1.3.2-REKEY-IKE",
                      "The gateway replaces the IKE SA; no packet is lost and the child goes over to the new one.",
                      rekeys_ike, Side::Gateway),
    };
    all.front().in_real_time_too = true;
    return all;
}

}  // namespace gatelab::conformance::families
