// Data packets that come twice, late, or changed.
#include <fmt/format.h>

#include <array>
#include <optional>

#include "conformance/suites/openvpn/steps.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace openvpn_steps;
using namespace topologies;
using namespace std::chrono_literals;

constexpr std::size_t kHead = 4, kTag = 16, kLeastInner = 60;  // of P_DATA_V2 with AEAD

// Those that carry something, and not a ping of OpenVPN's own.
std::vector<WirePacket> full_data_from(const Wire& wire, const std::string& from) {
    std::vector<WirePacket> found;
    for (auto& packet : data_from(wire, from))
        if (packet.inside().size() >= kLeastInner) found.push_back(std::move(packet));
    return found;
}

void gateway_drops_replayed(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    Wire inside{context.scenario(), kInsideLink};
    if (!context.connect() || !context.expect_traffic("alice", "app1", 4)) return;
    const auto before = delivered(inside);
    const auto recorded = full_data_from(wire, "isp");
    for (int times = 0; times < 2; ++times) {  // the newest, and one in the middle of the window
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
    if (!context.connect() || !context.expect_traffic("app1", "alice", 4)) return;
    const auto before = delivered(inside);
    const auto recorded = full_data_from(wire, "gateway");
    for (int times = 0; times < 2; ++times) {
        wire.inject("gateway", recorded.back().bytes);
        wire.inject("gateway", recorded[recorded.size() - 3].bytes);
    }
    context.scenario().run_for(300ms);
    // Each of them is an echo request: delivered again, it would be answered again.
    context.expect(delivered(inside) == before, "four echo requests that are sent again are not answered again",
                   fmt::format("{} answered", delivered(inside) - before));
    context.expect_traffic("app1", "alice", 1);
}

void counts_replayed(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    auto* session = context.only_session();
    if (!session || !context.expect_traffic("alice", "app1", 2)) return;
    for (const auto* from : {"isp", "gateway"}) wire.inject(from, full_data_from(wire, from).back().bytes);
    context.let_counters_tell();
    context.expect(session->status().replayed == 1, "the gateway counts one replayed packet",
                   fmt::format("{}", session->status().replayed));
    context.expect(context.client().status().replayed == 1, "so does the client",
                   fmt::format("{}", context.client().status().replayed));
}

// One packet is held back while `others` overtake it.
void overtaken(Context& context, int others, bool passes) {
    Wire wire{context.scenario(), kInternetLink};
    Wire inside{context.scenario(), kInsideLink};
    if (!context.connect()) return;
    context.expect_traffic("alice", "app1", 1);
    std::optional<Bytes> held;
    wire.meddle([&](const WirePacket& packet) -> sim::Verdict {
        if (held || packet.from != "isp" || !packet.has_openvpn_data() || packet.inside().size() < kLeastInner)
            return {};
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

// --- changed packets ---

// Each time, an echo request is taken from the link, and comes out with one bit changed.
void drops_changed(Context& context, const std::string& from) {
    Wire wire{context.scenario(), kInternetLink};
    Wire inside{context.scenario(), kInsideLink};
    if (!connects(context)) return;
    const std::array<std::pair<const char*, std::size_t>, 5> places = {{{"key id", 0},
                                                                        {"packet id", kHead + 3},
                                                                        {"tag", kHead + 4 + 5},
                                                                        {"ciphertext", kHead + 4 + kTag + 7},
                                                                        {"last octet", 0}}};
    for (const auto& [what, place] : places) {
        bool changed = false;
        wire.meddle([&](const WirePacket& packet) -> sim::Verdict {
            if (changed || packet.from != from || !packet.has_openvpn_data() || packet.inside().size() < kLeastInner)
                return {};
            changed = true;
            const bool last = std::string_view{what} == "last octet";
            const auto at = last ? packet.bytes.size() - 1 : packet.payload + place;
            auto bytes = with_flipped_bit(packet, at);
            if (place == 0 && !last) bytes[at] = static_cast<std::uint8_t>(packet.bytes[at] ^ 0x05);
            return {sim::Verdict::Kind::Replace, std::move(bytes)};
        });
        const auto result =
            from == "isp" ? context.scenario().ping("alice", "app1", 1) : context.scenario().ping("app1", "alice", 1);
        wire.meddle(nullptr);
        context.expect(changed && result.received == 0,
                       fmt::format("an echo request with another {} is not answered", what),
                       changed ? fmt::format("{} answered", result.received) : "nothing was changed");
    }
    carries_both_ways(context);
    context.expect_up();
    context.expect_sessions(1);
}

void counts_changed(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    auto* session = context.only_session();
    if (!session || !context.expect_traffic("alice", "app1", 2)) return;
    for (const auto* from : {"isp", "gateway"}) {
        const auto newest = full_data_from(wire, from).back();
        wire.inject(from, with_flipped_bit(newest, newest.payload + kHead + 4 + kTag));
    }
    context.let_counters_tell();
    context.expect(session->status().unauthentic == 1, "the gateway counts one packet that is not authentic",
                   fmt::format("{}", session->status().unauthentic));
    context.expect(context.client().status().unauthentic == 1, "so does the client",
                   fmt::format("{}", context.client().status().unauthentic));
}

// --- what can be read ---

// What an echo request carries is nowhere on the link, and no packet id comes twice.
void numbers_and_hides(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect() || !context.expect_traffic("alice", "app1", 6)) return;
    for (const auto* from : {"isp", "gateway"}) {
        std::uint32_t last = 0;
        bool ascending = true;
        const auto sent = data_from(wire, from);
        for (const auto& packet : sent) {
            ByteReader reader{packet.inside().subspan(kHead)};
            const auto id = reader.u32();
            ascending = ascending && id > last;
            last = id;
        }
        context.expect(sent.size() >= 6 && ascending, fmt::format("packet ids from the {} ascend", from),
                       ascending ? fmt::format("{} packets", sent.size()) : "they do not");
        context.expect(last < sent.size() + 16, "from 1 on", fmt::format("{} is the last", last));
    }
}

}  // namespace

std::vector<Case> openvpn_guarding() {
    std::vector<Case> all = {
        {.id = "gateway-drops-replayed-packet",
         .requirements = {"OPENVPN-REPLAY"},
         .sentence = "The gateway drops data packets that it received before.",
         .topology = openvpn_access,
         .check = gateway_drops_replayed},
        {.id = "client-drops-replayed-packet",
         .requirements = {"OPENVPN-REPLAY"},
         .sentence = "The client drops data packets that it received before.",
         .topology = openvpn_access,
         .check = client_drops_replayed},
        {.id = "counts-replayed-packets",
         .requirements = {"OPENVPN-REPLAY"},
         .sentence = "Both ends count the packets that they dropped as replayed.",
         .needs = {{Side::Both, Feature::CountDrops}},
         .topology = openvpn_access,
         .check = counts_replayed},
        {.id = "accepts-late-packet-within-window",
         .requirements = {"OPENVPN-REPLAY"},
         .sentence = "A data packet that a few others overtook is delivered once, and not twice.",
         .topology = openvpn_access,
         .check = [](Context& context) { overtaken(context, 20, true); }},
        {.id = "drops-packet-behind-window",
         .requirements = {"OPENVPN-REPLAY"},
         .sentence = "A data packet that more than the window's 64 others overtook is not delivered.",
         .topology = openvpn_access,
         .check = [](Context& context) { overtaken(context, 80, false); }},
        {.id = "gateway-drops-changed-packets",
         .requirements = {"OPENVPN-DATA-AUTHENTIC"},
         .sentence = "The gateway drops data packets that were changed on the way, and the tunnel lives on.",
         .topology = openvpn_access,
         .check = [](Context& context) { drops_changed(context, "isp"); }},
        {.id = "client-drops-changed-packets",
         .requirements = {"OPENVPN-DATA-AUTHENTIC"},
         .sentence = "The client drops data packets that were changed on the way, and the tunnel lives on.",
         .topology = openvpn_access,
         .check = [](Context& context) { drops_changed(context, "gateway"); }},
        {.id = "counts-changed-packets",
         .requirements = {"OPENVPN-DATA-AUTHENTIC"},
         .sentence = "Both ends count the packets that they dropped as not authentic.",
         .needs = {{Side::Both, Feature::CountDrops}},
         .topology = openvpn_access,
         .check = counts_changed},
        {.id = "numbers-data-packets",
         .requirements = {"OPENVPN-DATA-AEAD", "OPENVPN-REPLAY"},
         .sentence = "Data packets of a key have ascending packet ids from 1 on, which nobody uses twice.",
         .topology = openvpn_access,
         .check = numbers_and_hides},
    };
    auto cbc = Case{.id = "drops-changed-packets-of-cbc",
                    .requirements = {"OPENVPN-DATA-AUTHENTIC", "OPENVPN-DATA-CBC"},
                    .sentence = "With AES-256-CBC, too, the gateway drops data packets that were changed on the way.",
                    .topology =
                        [](const Pair& pair) {
                            auto topology = openvpn_access(pair);
                            at_every_end(topology, [](OpenVpn& end) { end.data_ciphers = {"AES-256-CBC"}; });
                            return topology;
                        },
                    .check = [](Context& context) { drops_changed(context, "isp"); }};
    all.push_back(std::move(cbc));
    return all;
}

}  // namespace gatelab::conformance::families
