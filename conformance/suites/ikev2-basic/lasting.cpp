// Tunnels that stand for hours: SAs grow old and are replaced of their owners' own accord.
#include <fmt/format.h>

#include <map>
#include <set>

#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/wire.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

using namespace std::chrono_literals;

// --- lifetimes ---

constexpr Duration kChildLifetime = 10min, kIkeLifetime = 40min, kWatched = 2h;
constexpr Duration kSlack = 30s;  // for an exchange to end, and for packets under way

// One side's SAs age quickly, the other's not at all; and there is a ping every ten seconds.
topologies::Topology with_ageing(const Pair& pair, Side who) {
    auto topology = remote_access(pair);
    auto& client = client_of(topology);
    auto& gateway = gateway_of(topology);
    client.child_lifetime = gateway.child_lifetime = client.ike_lifetime = gateway.ike_lifetime = 24h;
    (who == Side::Client ? client.child_lifetime : gateway.child_lifetime) = kChildLifetime;
    (who == Side::Client ? client.ike_lifetime : gateway.ike_lifetime) = kIkeLifetime;
    topologies::Flow flow;
    flow.name = "steady";
    flow.from = "alice";
    flow.to = "app1";
    flow.start = 2s;
    flow.stop = kWatched;
    flow.interval = 10s;
    topology.flows.push_back(flow);
    return topology;
}

// The longest time between the first and the last packet of any one key.
template <class Key, class KeyOf>
Duration longest_use(const Wire& wire, KeyOf key_of) {
    std::map<Key, std::pair<Duration, Duration>> used;
    Duration longest{};
    for (const auto& packet : wire.packets()) {
        const auto key = key_of(packet);
        if (!key) continue;
        auto& [first, last] = used.try_emplace(*key, packet.at, packet.at).first->second;
        last = packet.at;
        longest = std::max(longest, last - first);
    }
    return longest;
}

std::string minutes(Duration duration) {
    return fmt::format("{:.1f} min", std::chrono::duration<double, std::ratio<60>>(duration).count());
}

void replaces_what_is_old(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    context.scenario().run_for(kWatched + 1s - context.scenario().now());
    const auto status = context.client().status();
    context.measure("child_rekeys", status.child_rekeys);
    context.measure("ike_rekeys", status.ike_rekeys);
    context.expect_up();

    const auto child = longest_use<std::uint32_t>(
        wire, [](const WirePacket& packet) { return packet.is_esp() ? std::optional(packet.spi) : std::nullopt; });
    context.expect(child <= kChildLifetime + kSlack, "no child SA is used for longer than its 10 min",
                   fmt::format("{} at most", minutes(child)));
    const auto ike = longest_use<std::uint64_t>(wire, [](const WirePacket& packet) {
        return packet.kind == PacketKind::Ike && packet.ike.exchange != kIkeSaInit ? std::optional(packet.ike.spi_i)
                                                                                   : std::nullopt;
    });
    context.expect(ike <= kIkeLifetime + kSlack, "no IKE SA is used for longer than its 40 min",
                   fmt::format("{} at most", minutes(ike)));
    context.expect(
        status.child_rekeys >= 11 && status.child_rekeys <= 16 && status.ike_rekeys >= 2 && status.ike_rekeys <= 4,
        "in 2 h the child is rekeyed a dozen times and the IKE SA two or three times",
        fmt::format("{} and {}", status.child_rekeys, status.ike_rekeys));
    const auto flow = context.scenario().flows().at(0);
    context.expect(flow.packets_sent >= 700 && flow.packets_received == flow.packets_sent,
                   "not one echo request is lost",
                   fmt::format("{} of {} answered", flow.packets_received, flow.packets_sent));
    context.expect_sessions(1);
}

// --- a day ---

constexpr Duration kDay = 24h;

void lasts(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    auto* session = context.only_session();
    if (!session) return;
    context.expect_traffic("alice", "app1", 1);
    context.scenario().run_for(kDay);
    const auto status = context.client().status();
    const auto asked = wire.count([](const WirePacket& packet) { return packet.is_ike(kInformational, false); });
    context.measure("packets", static_cast<double>(wire.packets().size()));
    context.measure("liveness_checks_and_deletes", static_cast<double>(asked));
    context.measure("child_rekeys", status.child_rekeys);
    context.measure("ike_rekeys", status.ike_rekeys);
    context.expect_up();
    context.expect_sessions(1);
    // With 8 h and 1 h at both ends, of which a side may take off a tenth.
    context.expect(status.ike_rekeys >= 2 && status.child_rekeys >= 23,
                   "IKE SA and child SA were replaced as their lifetimes demand",
                   fmt::format("{} and {} times", status.ike_rekeys, status.child_rekeys));
    const auto silence = [&] {
        Duration longest{}, last{};
        for (const auto& packet : wire.packets())
            longest = std::max(longest, packet.at - std::exchange(last, packet.at));
        return longest;
    }();
    context.expect(silence <= 35s, "the peer is asked after every 30 s of silence",
                   fmt::format("{:.1f} s of it at most", seconds(silence)));
    // One SA each way is left of all those.
    const auto since = wire.packets().size();
    context.expect_traffic("alice", "app1", 3);
    context.expect_traffic("app1", "alice", 3);
    std::set<std::uint32_t> spis;
    for (std::size_t i = since; i < wire.packets().size(); ++i)
        if (wire.packets()[i].is_esp()) spis.insert(wire.packets()[i].spi);
    context.expect(spis.size() == 2, "one SA each way is in use", fmt::format("{}", spis.size()));
}

}  // namespace

std::vector<Case> lasting() {
    const auto ageing = [](std::string id, Side who, std::string_view name) {
        return Case{
            .id = std::move(id),
            .requirements = {"RFC7296-2.8-LIFETIME", "RFC7296-1.3.2-REKEY-IKE", "RFC7296-1.3.3-REKEY-CHILD"},
            .sentence = fmt::format("A {} replaces its SAs before they outlive their time, and loses no packet.", name),
            .needs = {{Side::Both, Feature::VirtualTime}},
            .topology = [who](const Pair& pair) { return with_ageing(pair, who); },
            .check = replaces_what_is_old};
    };
    return {ageing("client-replaces-old-sas", Side::Client, "client"),
            ageing("gateway-replaces-old-sas", Side::Gateway, "gateway"),
            {.id = "lasts-for-a-day",
             .requirements = {"RFC7296-2.4-LIVENESS", "RFC7296-2.8-LIFETIME"},
             .sentence = "An idle tunnel with the default lifetimes stands for 24 hours and then carries packets.",
             .needs = {{Side::Both, Feature::VirtualTime}},
             .topology = remote_access,
             .check = lasts}};
}

}  // namespace gatelab::conformance::families
