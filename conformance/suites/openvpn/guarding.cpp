// Data packets that come twice, late, or changed.
#include <fmt/format.h>

#include <array>

#include "conformance/replays.h"
#include "conformance/suites/openvpn/steps.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace openvpn_steps;
using namespace topologies;
using namespace std::chrono_literals;

constexpr std::size_t kHead = 4, kTag = 16, kLeastInner = 60;  // of P_DATA_V2 with AEAD

// What carries something, and is not a ping of OpenVPN's own.
bool carries(const WirePacket& packet) { return packet.has_openvpn_data() && packet.inside().size() >= kLeastInner; }

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
            if (changed || packet.from != from || !carries(packet)) return {};
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
        const auto newest =
            wire.all([&](const WirePacket& packet) { return packet.from == from && carries(packet); }).back();
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
         .check = [](Context& context) { expect_replays_dropped(context, Side::Gateway, carries); }},
        {.id = "client-drops-replayed-packet",
         .requirements = {"OPENVPN-REPLAY"},
         .sentence = "The client drops data packets that it received before.",
         .topology = openvpn_access,
         .check = [](Context& context) { expect_replays_dropped(context, Side::Client, carries); }},
        {.id = "counts-replayed-packets",
         .requirements = {"OPENVPN-REPLAY"},
         .sentence = "Both ends count the packets that they dropped as replayed.",
         .needs = {{Side::Both, Feature::CountDrops}},
         .topology = openvpn_access,
         .check = [](Context& context) { expect_replays_counted(context, carries); }},
        {.id = "accepts-late-packet-within-window",
         .requirements = {"OPENVPN-REPLAY"},
         .sentence = "A data packet that a few others overtook is delivered once, and not twice.",
         .topology = openvpn_access,
         .check = [](Context& context) { expect_overtaken(context, 20, true, carries); }},
        {.id = "drops-packet-behind-window",
         .requirements = {"OPENVPN-REPLAY"},
         .sentence = "A data packet that more than the window's 64 others overtook is not delivered.",
         .topology = openvpn_access,
         .check = [](Context& context) { expect_overtaken(context, 80, false, carries); }},
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
