// Data packets that break a rule, and clients that come in masses or fall silent, towards a gateway.
#include <fmt/format.h>

#include "conformance/suites/openvpn-deviations/trials.h"
#include "conformance/suites/suites.h"
#include "conformance/wire.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

using namespace deviations;
using namespace openvpn;
using namespace std::chrono_literals;

void replayed(RogueClient& rogue) {
    if (rogue.connect() && rogue.expect_alive()) expect_replays_dropped(rogue, 3);
}

void behind_the_window(RogueClient& rogue) {
    if (!rogue.connect() || !rogue.expect_alive()) return;
    const auto late = rogue.peer().seal(rogue.next_echo());
    rogue.peer().data()->advance_to(rogue.peer().data()->last_packet_id() + 1000);
    if (!rogue.expect_alive()) return;
    rogue.expect_dropped("a packet from far behind the replay window", [&](Bytes) { rogue.peer().send_raw(late); });
}

void late_within_the_window(RogueClient& rogue) {
    if (!rogue.connect() || !rogue.expect_alive()) return;
    const auto late = rogue.peer().seal(rogue.next_echo());
    rogue.peer().data()->advance_to(rogue.peer().data()->last_packet_id() + 20);
    if (!rogue.expect_alive()) return;
    const auto before = rogue.replies();
    rogue.peer().send_raw(late);
    rogue.wait([&] { return rogue.replies() > before; }, 5s);
    rogue.context().expect(rogue.replies() == before + 1, "a packet that is late, and within the window, is delivered",
                           fmt::format("{} answers", rogue.replies() - before));
}

void gap_in_tcp(RogueClient& rogue) {
    if (!rogue.connect() || !rogue.expect_alive()) return;
    for (int i = 0; i < 3; ++i) rogue.peer().seal(rogue.next_echo());  // never sent
    const bool answered = rogue.echo();
    rogue.context().expect(answered, "a packet behind a gap of three ids is taken",
                           answered ? "the echo request in it is answered" : "no answer to what is in it");
    rogue.expect_alive();
}

void flipped(RogueClient& rogue) {
    if (rogue.connect() && rogue.expect_alive()) expect_changed_dropped(rogue);
}

void truncated(RogueClient& rogue) {
    if (!rogue.connect() || !rogue.expect_alive()) return;
    rogue.expect_dropped("a packet cut anywhere", [&](Bytes packet) {
        for (std::size_t size = 1; size < packet.size(); size += 3) rogue.peer().send_raw(ByteView{packet}.first(size));
    });
}

void never_negotiated_key(RogueClient& rogue) {
    if (rogue.connect() && rogue.expect_alive()) expect_key_unknown(rogue, rogue.peer(), 5);
}

void peers_own_key(RogueClient& rogue) {
    if (!rogue.connect() || !rogue.expect_alive()) return;
    auto parameters = rogue.peer().data_parameters();
    parameters.role = Role::Server;
    DataChannel mirrored{parameters, rogue.peer().random()};
    mirrored.advance_to(100'000);
    rogue.expect_dropped("a packet under the gateway's own sending key",
                         [&](Bytes) { rogue.peer().send_raw(seal_with(mirrored, rogue.next_echo())); });
}

void wrong_peer_id(RogueClient& rogue) {
    if (!rogue.connect() || !rogue.expect_alive()) return;
    auto parameters = rogue.peer().data_parameters();
    if (!rogue.context().expect(parameters.peer_id.has_value(), "the gateway gives a peer id",
                                parameters.peer_id ? "it does" : "none"))
        return;
    for (const std::uint32_t wrong : {*parameters.peer_id + 1, 0xabcdefu}) {
        auto of_another = parameters;
        of_another.peer_id = wrong;
        DataChannel forged{of_another, rogue.peer().random()};
        forged.advance_to(rogue.peer().data()->last_packet_id() + 10);
        rogue.expect_dropped(fmt::format("a packet with peer id {}", wrong), [&](Bytes) {
            // The head is covered by the tag: what is sent is the rogue's own packet under another name.
            auto packet = rogue.peer().seal(rogue.next_echo());
            for (int i = 1; i < 4; ++i)
                packet[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(wrong >> (24 - 8 * i));
            rogue.peer().send_raw(packet);
        });
    }
}

void foreign_source(RogueClient& rogue) {
    if (!rogue.connect() || !rogue.expect_alive()) return;
    const auto before = rogue.replies();
    constexpr Ipv4Address kForeign{10, 60, 0, 77};
    const Wire inside{rogue.context().scenario(), kInsideLink};
    rogue.peer().send_inner(rogue.now(), echo_request(kForeign, kAppAddress, 999));
    rogue.peer().send_inner(rogue.now(), Bytes(1, 0x45));
    rogue.peer().send_inner(rogue.now(), Bytes(40, 0xff));
    rogue.peer().send_inner(rogue.now(), Bytes(1400, 0x60));
    rogue.pass_time(3s);
    rogue.context().expect(rogue.replies() == before, "inner packets that are not the client's own come to nothing",
                           fmt::format("{} answers", rogue.replies() - before));
    const auto passed = inside.count([&](const WirePacket& packet) { return packet.source.address == kForeign; });
    rogue.context().expect(passed == 0, "none of them gets into the virtual network", times(passed));
    rogue.expect_alive();
}

// --- keys that have had their day -------------------------------------------------------------------------------

void short_transition(topologies::Topology& topology) {
    at_every_end(topology, [](topologies::OpenVpn& end) { end.transition_window = 30s; });
}

void old_key(RogueClient& rogue) {
    if (!rogue.connect() || !rogue.expect_alive()) return;
    rogue.peer().soft_reset(rogue.now());
    rogue.wait([&] { return rogue.peer().data(std::uint8_t{1}) != nullptr; });
    if (!rogue.context().expect(rogue.peer().data(std::uint8_t{1}) != nullptr, "the gateway renegotiates",
                                "key " + std::to_string(rogue.peer().key_id())))
        return;
    rogue.pass_time(2s);
    const bool within =
        rogue.echo([&](Bytes) { rogue.peer().send_raw(rogue.peer().seal(rogue.next_echo(), std::uint8_t{0})); });
    rogue.context().expect(within, "the old key is good within the transition window",
                           within ? "an echo request is answered" : "no answer");
    rogue.pass_time(60s);
    rogue.expect_dropped("a packet under the old key, once the transition window is over",
                         [&](Bytes) { rogue.peer().send_raw(rogue.peer().seal(rogue.next_echo(), std::uint8_t{0})); });
}

// --- from elsewhere ---------------------------------------------------------------------------------------------

void floats_without_proof(RogueClient& rogue) {
    if (!rogue.connect() || !rogue.expect_alive()) return;
    rogue.expect_no_answer("a forged data packet from another port", [&] {
        auto packet = rogue.peer().seal(rogue.next_echo());
        packet.back() ^= 1;
        rogue.node().send_from_elsewhere(packet);
    });
    rogue.expect_alive();
}

void floats_with_a_replay(RogueClient& rogue) {
    if (!rogue.connect() || !rogue.expect_alive()) return;
    const auto packet = rogue.peer().seal(rogue.next_echo());
    const auto before = rogue.replies();
    rogue.peer().send_raw(packet);
    rogue.wait([&] { return rogue.replies() > before; }, 5s);
    rogue.expect_no_answer("a replayed data packet from another port",
                           [&] { rogue.node().send_from_elsewhere(packet); });
    rogue.expect_alive();
}

void cookie_from_elsewhere(RogueClient& rogue) {
    // All but the reset comes from another port: the cookie is for the first.
    rogue.peer().hooks.wire = [&](const ControlPacket& packet, Bytes wire) -> std::vector<Bytes> {
        if (packet.opcode == Opcode::ControlHardResetClientV2) return {wire};
        rogue.node().send_from_elsewhere(wire);
        return {};
    };
    rogue.peer().dial(rogue.now());
    rogue.pass_time(5s);
    rogue.context().expect(rogue.node().heard_elsewhere() == 0, "a cookie is good at the address it was given to only",
                           fmt::format("{} packets to the other port", rogue.node().heard_elsewhere()));
    rogue.expect_honest_client();
}

void stale_cookie(RogueClient& rogue) {
    std::vector<Bytes> held;
    bool hold = true;
    rogue.peer().hooks.wire = [&](const ControlPacket& packet, Bytes wire) -> std::vector<Bytes> {
        if (packet.opcode == Opcode::ControlHardResetClientV2 || !hold) return {wire};
        held.push_back(wire);
        return {};
    };
    rogue.peer().dial(rogue.now());
    rogue.pass_time(300s);
    if (!rogue.context().expect(!held.empty(), "the gateway answers the reset", held.empty() ? "no" : "yes")) return;
    rogue.expect_no_answer("a cookie of five minutes ago", [&] {
        for (const auto& wire : held) rogue.peer().send_raw(wire);
    });
    rogue.expect_honest_client();
}

void flood_of_resets(RogueClient& rogue) {
    const auto protection = rogue.peer().options().protection;
    for (int i = 0; i < 2000; ++i) {
        ControlPacket packet;
        packet.opcode = Opcode::ControlHardResetClientV2;
        rogue.peer().random().fill(packet.session);
        ControlChannel channel{protection, Role::Client};
        rogue.peer().send_raw(channel.protect(rogue.now(), encode(packet)));
        if (i % 20 == 19) rogue.pass_time(20ms);
    }
    rogue.pass_time(15s);  // a gateway may take but so many resets in ten seconds
    rogue.context().expect(rogue.context().gateway().sessions().empty(), "no session comes of two thousand resets",
                           fmt::format("{} sessions", rogue.context().gateway().sessions().size()));
    rogue.expect_honest_client();
}

void silent_after_reset(RogueClient& rogue) {
    rogue.peer().hooks.control = [](ControlPacket& packet) {
        return packet.opcode == Opcode::ControlHardResetClientV2 || packet.opcode == Opcode::AckV1;
    };
    rogue.peer().dial(rogue.now());
    rogue.pass_time(75s);
    const auto before = rogue.peer().packets();
    rogue.pass_time(30s);
    rogue.context().expect(rogue.peer().packets() == before, "the gateway forgets a client that says no more",
                           fmt::format("{} packets in half a minute", rogue.peer().packets() - before));
    rogue.expect_honest_client();
}

void silent_after_up(RogueClient& rogue) {
    if (!rogue.connect() || !rogue.expect_alive()) return;
    rogue.expect_gone(200s);  // the gateway's ping-restart is twice what it pushes
    rogue.expect_honest_client();
}

}  // namespace

std::vector<Case> breaking_data_packets() {
    const std::vector<Need> hours = {{Side::Gateway, Feature::VirtualTime}};
    return {
        against_gateway("replayed-data", "OVPN-DEV-DATA-REPLAY", "A data packet that comes again is dropped", replayed),
        against_gateway("data-behind-window", "OVPN-DEV-DATA-REPLAY",
                        "A data packet from behind the replay window is dropped", behind_the_window),
        against_gateway("data-late", "OVPN-DEV-DATA-REPLAY",
                        "A data packet that is late, and within the window, is delivered", late_within_the_window),
        against_gateway("data-gap-tcp", "OVPN-DEV-DATA-REPLAY", "Over TCP a data packet behind a gap of ids is taken",
                        gap_in_tcp, over_tcp),
        against_gateway("flipped-data", "OVPN-DEV-DATA-AUTH", "A data packet with a changed bit is dropped", flipped),
        against_gateway("truncated-data", "OVPN-DEV-DATA-AUTH", "A data packet that was cut is dropped", truncated),
        against_gateway("data-of-unknown-key", "OVPN-DEV-DATA-KEY",
                        "A data packet under a key id that was never negotiated is dropped", never_negotiated_key),
        against_gateway("data-under-own-key", "OVPN-DEV-DATA-KEY",
                        "A data packet under the gateway's own key is dropped", peers_own_key),
        against_gateway("wrong-peer-id", "OVPN-DEV-PEER-ID", "A data packet with another peer id is dropped",
                        wrong_peer_id),
        against_gateway("foreign-source", "OVPN-DEV-DATA-SOURCE",
                        "Inner packets that are not from the client's own address are dropped", foreign_source),
        against_gateway("old-key", "OVPN-DEV-OLD-KEY",
                        "The old key is good within the transition window, and not after", old_key, short_transition,
                        hours),
        against_gateway("float-forged", "OVPN-DEV-FLOAT", "A forged packet from elsewhere does not move the session",
                        floats_without_proof),
        against_gateway("float-replayed", "OVPN-DEV-FLOAT",
                        "A replayed packet from elsewhere does not move the session", floats_with_a_replay),
        against_gateway("cookie-from-elsewhere", "OVPN-DEV-COOKIE", "A cookie is no good at another address",
                        cookie_from_elsewhere),
        against_gateway("stale-cookie", "OVPN-DEV-COOKIE", "A cookie is no good when its time is over", stale_cookie,
                        {}, hours),
        against_gateway("reset-flood", "OVPN-DEV-COOKIE", "Two thousand resets leave no session, and harm nobody else",
                        flood_of_resets),
        against_gateway("silence-after-reset", "OVPN-DEV-HANDSHAKE-LIMIT",
                        "A client that falls silent in the handshake is forgotten", silent_after_reset, {}, hours),
        against_gateway("silence-after-up", "OVPN-DEV-SILENCE", "A client that falls silent later is forgotten",
                        silent_after_up, {}, hours),
    };
}

}  // namespace gatelab::conformance::families
