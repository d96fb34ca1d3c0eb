// Packets that were changed on the way.
#include <fmt/format.h>

#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/wire.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

struct Place {
    std::string name;
    std::size_t (*offset)(const WirePacket&);  // in the whole packet
};

// Only what a receiver that did not check would still take for a sound inner packet, and the ICV itself. With AES-CBC a
// changed octet spoils its block and no other but one bit of the next: these lie in the echo request's data.
const std::vector<Place> kPlaces = {
    {"the sequence number", [](const WirePacket& packet) { return packet.payload + 7; }},
    {"the data", [](const WirePacket& packet) { return packet.payload + 8 + 16 + 32; }},
    {"the last octet of the ICV", [](const WirePacket& packet) { return packet.bytes.size() - 1; }},
};

std::size_t echoes(const Wire& inside, std::uint8_t type, const std::string& from, std::size_t since) {
    return inside.count(
        [&](const WirePacket& packet) {
            const auto header = inner_header(packet.bytes);
            return header && packet.from == from && is_echo(packet.bytes, type, header->source, header->destination);
        },
        since);
}

// Changes every ESP packet of one direction, place by place.
void drops_changed(Context& context, const std::string& from, const std::string& into) {
    Wire wire{context.scenario(), kInternetLink};
    Wire inside{context.scenario(), kInsideLink};
    if (!context.connect()) return;
    context.expect_traffic("alice", "app1", 1);
    for (const auto& place : kPlaces) {
        const auto inside_since = inside.packets().size(), wire_since = wire.packets().size();
        wire.meddle([&](const WirePacket& packet) -> sim::Verdict {
            if (!packet.is_esp() || packet.from != from) return {};
            return {sim::Verdict::Kind::Replace, with_flipped_bit(packet, place.offset(packet))};
        });
        const auto changed_so_far = [&] {
            return wire.count([&](const WirePacket& packet) { return packet.is_esp() && packet.from == from; },
                              wire_since);
        };
        // In real time a starved program may answer after the first has been given up.
        const int attempts = context.pair().virtual_time() ? 1 : 3;
        int received = 0;
        for (int attempt = 0; attempt < attempts && changed_so_far() == 0; ++attempt)
            received += context.scenario().ping("alice", "app1", 1).received;
        wire.meddle(nullptr);
        const auto changed = changed_so_far();
        context.expect(changed >= 1, fmt::format("a packet is changed in {} on its way to the {}", place.name, into),
                       fmt::format("{} packets", changed));
        const auto delivered =
            into == "gateway" ? echoes(inside, 8, "gateway", inside_since) : static_cast<std::size_t>(received);
        context.expect(delivered == 0, fmt::format("the {} does not deliver it", into),
                       fmt::format("{} delivered", delivered));
    }
    context.expect_traffic("alice", "app1", 1);
}

Case changed(std::string id, std::string policy, bool to_gateway) {
    return {.id = std::move(id),
            .requirements = {"RFC4303-3.4.4-ICV"},
            .sentence = fmt::format("The {} drops a packet that was changed on the way ({}).",
                                    to_gateway ? "gateway" : "client", policy),
            .topology =
                [policy](const Pair& pair) {
                    auto topology = remote_access(pair);
                    client_of(topology).ipsec_policy = {policy};
                    return topology;
                },
            .check =
                [to_gateway](Context& context) {
                    to_gateway ? drops_changed(context, "isp", "gateway") : drops_changed(context, "gateway", "client");
                }};
}

void counts_changed(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    auto* session = context.only_session();
    if (!session) return;
    context.expect_traffic("alice", "app1", 1);
    wire.meddle([&](const WirePacket& packet) -> sim::Verdict {
        if (!packet.is_esp()) return {};
        return {sim::Verdict::Kind::Replace, with_flipped_bit(packet, packet.bytes.size() - 1)};
    });
    context.scenario().ping("alice", "app1", 2);
    context.scenario().ping("app1", "alice", 2);
    context.let_counters_tell();
    const auto at_gateway = session->status().unauthentic, at_client = context.client().status().unauthentic;
    context.expect(at_gateway == 2, "the gateway counts two packets whose ICV did not hold",
                   fmt::format("{}", at_gateway));
    context.expect(at_client == 2, "so does the client", fmt::format("{}", at_client));
}

}  // namespace

std::vector<Case> checking_integrity() {
    const std::string gcm = "AES_GCM_16-256", cbc = "AES_CBC-256/HMAC_SHA2_256_128";
    return {
        changed("gateway-drops-changed-packet-with-gcm", gcm, true),
        changed("gateway-drops-changed-packet-with-cbc", cbc, true),
        changed("client-drops-changed-packet-with-gcm", gcm, false),
        changed("client-drops-changed-packet-with-cbc", cbc, false),
        {.id = "counts-changed-packets",
         .requirements = {"RFC4303-3.4.4-ICV"},
         .sentence = "Both sides count the packets that they dropped because the ICV did not hold.",
         .needs = {{Side::Both, Feature::CountDrops}},
         .topology = remote_access,
         .check = counts_changed},
    };
}

}  // namespace gatelab::conformance::families
