// Peers that are silent, or gone.
#include <fmt/format.h>

#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/wire.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

using namespace std::chrono_literals;

constexpr Duration kCheckAfter = 2s;

// Only one side asks: the other's own check would come first and leave it no reason to.
topologies::Topology with_impatient(const Pair& pair, Side who) {
    auto topology = remote_access(pair);
    client_of(topology).liveness = who == Side::Client ? kCheckAfter : 10min;
    gateway_of(topology).liveness = who == Side::Gateway ? kCheckAfter : 10min;
    return topology;
}

void answers(Context& context, Side asking) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    const auto since = wire.packets().size();
    const std::string asker = asking == Side::Client ? "isp" : "gateway";
    const auto asked = [&](const WirePacket& packet) {
        return packet.is_ike(kInformational, false) && packet.from == asker;
    };
    context.scenario().run_until([&] { return wire.first(asked, since) != nullptr; }, 3 * kCheckAfter);
    const auto answered = [&](const WirePacket& packet) { return packet.is_ike(kInformational, true); };
    context.scenario().run_until([&] { return wire.first(answered, since) != nullptr; }, 2s);
    const auto* request = wire.first(asked, since);
    if (!context.expect(request != nullptr, "after 2 s of silence the peer is asked whether it is alive",
                        request ? request->describe() : "no INFORMATIONAL request"))
        return;
    const auto id = request->ike.message_id;
    const auto* answer = wire.first(
        [&](const WirePacket& packet) { return packet.is_ike(kInformational, true) && packet.ike.message_id == id; },
        since);
    context.expect(answer != nullptr, "the peer answers with the request's message id",
                   answer ? answer->describe() : "no answer");
    context.expect_up();
    context.expect_traffic("alice", "app1");
}

void notices_death(Context& context, Side survivor) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    if (!context.only_session()) return;
    const std::string dead = survivor == Side::Client ? "gateway" : "isp";
    wire.drop_all([=](const WirePacket& packet) { return packet.from == dead; });
    const auto start = context.scenario().now();
    const auto gone = [&] {
        return survivor == Side::Client ? !context.client().status().up : context.gateway().sessions().empty();
    };
    const bool noticed = context.scenario().run_until(gone, 60s);
    context.measure("noticed_s", seconds(context.scenario().now() - start));
    context.expect(
        noticed, "the tunnel is dropped within a minute of silence",
        noticed ? fmt::format("after {:.1f} s", seconds(context.scenario().now() - start)) : "it is still up");
    if (survivor != Side::Client) return;
    context.expect_equal("the reason", "peer-silent", context.client().status().failure);
}

// A ping every second, and sides that ask after two of silence.
topologies::Topology with_talk(const Pair& pair) {
    auto topology = remote_access(pair);
    client_of(topology).liveness = gateway_of(topology).liveness = kCheckAfter;
    topologies::Flow flow;
    flow.name = "talk";
    flow.from = "alice";
    flow.to = "app1";
    flow.start = 2s;
    flow.stop = 2s + 1min;
    flow.interval = 1s;
    topology.flows.push_back(flow);
    return topology;
}

void asks_nobody_who_talks(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    context.scenario().run_for(4s - context.scenario().now());
    const auto asked = [](const WirePacket& packet) { return packet.is_ike(kInformational, false); };
    const auto talking = wire.packets().size();
    context.scenario().run_for(57s);
    const auto needless = wire.count(asked, talking);
    context.expect(needless == 0, "while packets come in, nobody is asked whether he is alive", times(needless));
    const auto silent = wire.packets().size();
    context.scenario().run_for(10s);
    const auto checks = wire.count(asked, silent);
    context.expect(checks >= 2, "once they have ceased, somebody is", times(checks));
    context.expect_traffic("alice", "app1", 1);
}

}  // namespace

std::vector<Case> staying_alive() {
    const auto with = [](Side who) { return [who](const Pair& pair) { return with_impatient(pair, who); }; };
    return {
        {.id = "gateway-answers-liveness-check",
         .requirements = {"RFC7296-2.4-LIVENESS"},
         .sentence = "A client that heard nothing for a while asks, the gateway answers, and the tunnel stays.",
         .topology = with(Side::Client),
         .check = [](Context& context) { answers(context, Side::Client); }},
        {.id = "client-answers-liveness-check",
         .requirements = {"RFC7296-2.4-LIVENESS"},
         .sentence = "A gateway that heard nothing for a while asks, the client answers, and the tunnel stays.",
         .topology = with(Side::Gateway),
         .check = [](Context& context) { answers(context, Side::Gateway); }},
        {.id = "asks-only-who-is-silent",
         .requirements = {"RFC7296-2.4-SILENCE"},
         .sentence =
             "While packets come through the tunnel nobody is asked whether he is alive; afterwards somebody is.",
         .needs = {{Side::Both, Feature::VirtualTime}},
         .topology = with_talk,
         .check = asks_nobody_who_talks},
        {.id = "client-notices-dead-gateway",
         .requirements = {"RFC7296-2.4-DEAD-PEER"},
         .sentence = "A client whose gateway has fallen silent drops the tunnel within a minute and says why.",
         .topology = with(Side::Client),
         .check = [](Context& context) { notices_death(context, Side::Client); }},
        {.id = "gateway-notices-dead-client",
         .requirements = {"RFC7296-2.4-DEAD-PEER"},
         .sentence = "A gateway whose client has fallen silent drops the session within a minute.",
         .topology = with(Side::Gateway),
         .check = [](Context& context) { notices_death(context, Side::Gateway); },
         .in_real_time_too = true},
    };
}

}  // namespace gatelab::conformance::families
