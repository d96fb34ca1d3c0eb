// Packets that come twice, or late.
#include <fmt/format.h>

#include <optional>

#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/wire.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

using namespace std::chrono_literals;

std::vector<WirePacket> esp_from(const Wire& wire, const std::string& from) {
    std::vector<WirePacket> found;
    for (const auto& packet : wire.packets())
        if (packet.is_esp() && packet.from == from) found.push_back(packet);
    return found;
}

std::size_t delivered(const Wire& inside) {
    return inside.count([](const WirePacket& packet) { return packet.from == "gateway"; });
}

void gateway_drops_replayed(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    Wire inside{context.scenario(), kInsideLink};
    if (!context.connect()) return;
    if (!context.expect_traffic("alice", "app1", 4)) return;
    const auto before = delivered(inside);
    const auto recorded = esp_from(wire, "isp");
    // The newest, and one in the middle of the window; each more than once.
    for (int times = 0; times < 2; ++times) {
        wire.inject("isp", recorded.back().bytes);
        wire.inject("isp", recorded[recorded.size() - 3].bytes);
    }
    context.scenario().run_for(300ms);
    context.expect(delivered(inside) == before, "four packets that are sent again are not delivered again",
                   fmt::format("{} delivered", delivered(inside) - before));
    context.expect_traffic("alice", "app1", 1);
}

void client_drops_replayed(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    Wire inside{context.scenario(), kInsideLink};
    if (!context.connect()) return;
    if (!context.expect_traffic("app1", "alice", 4)) return;
    context.let_counters_tell();
    const auto before = inside.count([](const WirePacket& packet) { return packet.from == "gateway"; });
    const auto recorded = esp_from(wire, "gateway");
    const auto packets_in = context.client().status().packets_in;
    for (int times = 0; times < 2; ++times) {
        wire.inject("gateway", recorded.back().bytes);
        wire.inject("gateway", recorded[recorded.size() - 3].bytes);
    }
    context.let_counters_tell();
    // Each of them is an echo request: delivered again, it would be answered again.
    const auto answers = inside.count([](const WirePacket& packet) { return packet.from == "gateway"; }) - before;
    context.expect(answers == 0, "four echo requests that are sent again are not answered again",
                   fmt::format("{} answered", answers));
    context.expect(context.client().status().packets_in == packets_in, "the client lets none of them in",
                   fmt::format("{}", context.client().status().packets_in - packets_in));
    context.expect_traffic("app1", "alice", 1);
}

void counts_replayed(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    auto* session = context.only_session();
    if (!session) return;
    if (!context.expect_traffic("alice", "app1", 2)) return;
    for (const auto* from : {"isp", "gateway"}) wire.inject(from, esp_from(wire, from).back().bytes);
    context.let_counters_tell();
    context.expect(session->status().replayed == 1, "the gateway counts one replayed packet",
                   fmt::format("{}", session->status().replayed));
    context.expect(context.client().status().replayed == 1, "so does the client",
                   fmt::format("{}", context.client().status().replayed));
}

// One packet is held back while others overtake it.
void accepts_late(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    Wire inside{context.scenario(), kInsideLink};
    if (!context.connect()) return;
    context.expect_traffic("alice", "app1", 1);
    std::optional<Bytes> held;
    wire.meddle([&](const WirePacket& packet) -> sim::Verdict {
        if (held || !packet.is_esp() || packet.from != "isp") return {};
        held = packet.bytes;
        return {sim::Verdict::Kind::Drop, {}};
    });
    context.scenario().ping("alice", "app1", 8);
    wire.meddle(nullptr);
    const auto before = delivered(inside);
    if (!context.expect(held.has_value(), "a packet is held back", held ? "it is" : "there was none")) return;
    wire.inject("isp", *held);
    context.scenario().run_for(300ms);
    context.expect(delivered(inside) == before + 1, "overtaken by seven, it is still delivered",
                   fmt::format("{} delivered", delivered(inside) - before));
    wire.inject("isp", *held);
    context.scenario().run_for(300ms);
    context.expect(delivered(inside) == before + 1, "a second time it is not",
                   fmt::format("{} delivered", delivered(inside) - before));
}

}  // namespace

std::vector<Case> refusing_replays() {
    return {
        {.id = "gateway-drops-replayed-packet",
         .requirements = {"RFC4303-3.4.3-REPLAY"},
         .sentence = "The gateway drops packets that it received before.",
         .topology = remote_access,
         .check = gateway_drops_replayed},
        {.id = "client-drops-replayed-packet",
         .requirements = {"RFC4303-3.4.3-REPLAY"},
         .sentence = "The client drops packets that it received before.",
         .topology = remote_access,
         .check = client_drops_replayed},
        {.id = "counts-replayed-packets",
         .requirements = {"RFC4303-3.4.3-REPLAY"},
         .sentence = "Both sides count the packets that they dropped as replayed.",
         .needs = {{Side::Both, Feature::CountDrops}},
         .topology = remote_access,
         .check = counts_replayed},
        {.id = "accepts-late-packet-within-window",
         .requirements = {"RFC4303-3.4.3-WINDOW", "RFC4303-3.4.3-REPLAY"},
         .sentence = "A packet that others overtook is delivered once, and not twice.",
         .topology = remote_access,
         .check = accepts_late},
    };
}

}  // namespace gatelab::conformance::families
