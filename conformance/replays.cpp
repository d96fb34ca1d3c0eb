#include "conformance/replays.h"

#include <fmt/format.h>

#include <optional>

#include "conformance/worlds.h"

namespace gatelab::conformance {

using namespace std::chrono_literals;

namespace {

std::vector<WirePacket> carriers(const Wire& wire, const std::string& from, Carries carries) {
    return wire.all([&](const WirePacket& packet) { return packet.from == from && carries(packet); });
}

}  // namespace

void expect_replays_dropped(Context& context, Side side, Carries carries) {
    const bool gateway = side == Side::Gateway;
    const std::string from = gateway ? "isp" : "gateway";
    Wire wire{context.scenario(), kInternetLink};
    Wire inside{context.scenario(), kInsideLink};
    if (!context.connect()) return;
    if (!context.expect_traffic(gateway ? "alice" : "app1", gateway ? "app1" : "alice", 4)) return;
    context.let_counters_tell();
    // Each is an echo request, or what the gateway delivers anyway: let in again, it would come out here again.
    const auto before = delivered(inside);
    const auto packets_in = context.client().status().packets_in;
    const auto recorded = carriers(wire, from, carries);
    for (int times = 0; times < 2; ++times) {  // the newest, and one in the middle of the window
        wire.inject(from, recorded.back().bytes);
        wire.inject(from, recorded[recorded.size() - 3].bytes);
    }
    context.let_counters_tell();
    context.expect(delivered(inside) == before,
                   gateway ? "four packets that are sent again are not delivered again"
                           : "four echo requests that are sent again are not answered again",
                   fmt::format("{} {}", delivered(inside) - before, gateway ? "delivered" : "answered"));
    if (!gateway)
        context.expect(context.client().status().packets_in == packets_in, "the client lets none of them in",
                       fmt::format("{}", context.client().status().packets_in - packets_in));
    context.expect_traffic(gateway ? "alice" : "app1", gateway ? "app1" : "alice", 1);
}

void expect_replays_counted(Context& context, Carries carries) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    auto* session = context.only_session();
    if (!session || !context.expect_traffic("alice", "app1", 2)) return;
    for (const auto* from : {"isp", "gateway"}) wire.inject(from, carriers(wire, from, carries).back().bytes);
    context.let_counters_tell();
    context.expect(session->status().replayed == 1, "the gateway counts one replayed packet",
                   fmt::format("{}", session->status().replayed));
    context.expect(context.client().status().replayed == 1, "so does the client",
                   fmt::format("{}", context.client().status().replayed));
}

void expect_overtaken(Context& context, int others, bool passes, Carries carries) {
    Wire wire{context.scenario(), kInternetLink};
    Wire inside{context.scenario(), kInsideLink};
    if (!context.connect()) return;
    context.expect_traffic("alice", "app1", 1);
    std::optional<Bytes> held;
    wire.meddle([&](const WirePacket& packet) -> sim::Verdict {
        if (held || packet.from != "isp" || !carries(packet)) return {};
        held = packet.bytes;
        return {sim::Verdict::Kind::Drop, {}};
    });
    context.scenario().ping("alice", "app1", others + 1);
    wire.meddle(nullptr);
    if (!context.expect(held.has_value(), "a packet is held back", held ? "it is" : "there was none")) return;
    const auto before = delivered(inside);
    wire.inject("isp", *held);
    context.scenario().run_for(300ms);
    context.expect(delivered(inside) == before + (passes ? 1 : 0),
                   fmt::format("overtaken by {} others, it is {} delivered", others, passes ? "still" : "not"),
                   fmt::format("{} delivered", delivered(inside) - before));
    if (!passes) return;
    wire.inject("isp", *held);
    context.scenario().run_for(300ms);
    context.expect(delivered(inside) == before + 1, "a second time it is not",
                   fmt::format("{} delivered", delivered(inside) - before));
}

}  // namespace gatelab::conformance
