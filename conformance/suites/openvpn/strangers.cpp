// Bytes from anybody at the gateway's port, before and after somebody has a tunnel.
#include <fmt/format.h>

#include <map>
#include <set>

#include "conformance/suites/openvpn/steps.h"
#include "conformance/suites/suites.h"
#include "impl/base/random.h"

namespace gatelab::conformance::families {
namespace {

using namespace openvpn_steps;
using namespace topologies;
using namespace std::chrono_literals;
using Protection = OpenVpn::Protection;

constexpr Endpoint kListener{kGatewayAddress, kOpenVpnUdpPort};
constexpr std::size_t kFlood = 2000;

// An address of its own for everybody; none of them is anybody in the network.
Endpoint stranger(std::size_t number) {
    const auto host = Ipv4Address{203, 0, 113, 128}.number() + static_cast<std::uint32_t>(number % 100);
    return {Ipv4Address{host}, static_cast<std::uint16_t>(20'000 + number / 100)};
}

Bytes hard_reset(std::uint64_t session) {
    ByteWriter writer;
    writer.u8(OpenVpnHeader::kHardResetClientV2 << 3).u64(session).u8(0).u32(0);
    return writer.take();
}

Topology unprotected(const Pair& pair) {
    auto topology = openvpn_access(pair);
    use_protection(topology, Protection::None);
    return topology;
}

std::size_t answers_to_strangers(const Wire& wire) {
    return wire.count([](const WirePacket& packet) {
        return packet.from == "gateway" && packet.destination.address != kAliceAddress;
    });
}

// --- resets that nobody follows up ---

void keeps_no_state(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    constexpr std::uint64_t kSession = 0x1122334455667788;
    for (int times = 0; times < 2; ++times) {
        wire.inject("isp", udp_packet(stranger(0), kListener, hard_reset(kSession)));
        context.scenario().run_for(1s);
    }
    context.scenario().run_for(70s);
    std::vector<const WirePacket*> answers;
    std::set<std::uint64_t> sessions;
    for (const auto& packet : wire.packets()) {
        if (packet.from != "gateway") continue;
        answers.push_back(&packet);
        if (packet.has_openvpn(OpenVpnHeader::kHardResetServerV2)) sessions.insert(packet.openvpn.front().session);
    }
    context.expect(answers.size() == 2, "two resets are answered once each, and not again within 70 s",
                   times(answers.size()));
    context.expect(sessions.size() == 1, "a reset that comes again is answered with the same session id",
                   fmt::format("{} session ids", sessions.size()));
    context.expect_sessions(0);
}

void stands_a_flood(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    SeededRandom random{1, "flood"};
    std::size_t sent = 0;
    for (std::size_t number = 0; number < kFlood; ++number) {
        const auto packet = udp_packet(stranger(number), kListener, hard_reset(random.u64()));
        sent += packet.size();
        wire.inject("isp", packet);
        if (number % 10 == 9) context.scenario().run_for(1ms);
    }
    context.scenario().run_for(1s);
    std::size_t answered = 0;
    for (const auto& packet : wire.packets())
        if (packet.from == "gateway") answered += packet.bytes.size();
    context.measure("answers", static_cast<double>(answers_to_strangers(wire)));
    context.expect(answers_to_strangers(wire) <= kFlood && answered <= 2 * sent,
                   "2,000 resets of strangers get an answer each at most, of no more than twice their size",
                   fmt::format("{} answers, {} octets for {}", answers_to_strangers(wire), answered, sent));
    context.expect_sessions(0);
    const auto since = answers_to_strangers(wire);
    // OpenVPN limits the packets that it answers; who finds no answer asks again 30 s later.
    if (!connects(context, "alice", kHandshake)) return;
    context.expect_sessions(1);
    context.scenario().run_for(30s);
    context.expect(answers_to_strangers(wire) == since, "strangers that do not answer hear nothing more",
                   fmt::format("{} packets more", answers_to_strangers(wire) - since));
    carries_both_ways(context);
}

// --- garbage ---

std::vector<Bytes> garbage() {
    SeededRandom random{1, "garbage"};
    std::vector<Bytes> all;
    const auto filled = [&](std::size_t size) {
        Bytes bytes(size);
        random.fill(bytes);
        return bytes;
    };
    for (const std::size_t size : {1, 2, 9, 13, 14, 42, 54, 100, 1400}) all.push_back(filled(size));
    for (std::uint8_t opcode = 0; opcode < 32; ++opcode) {
        for (const std::size_t size : {0, 8, 13, 60, 300}) {
            auto bytes = filled(size + 1);
            bytes[0] = static_cast<std::uint8_t>(opcode << 3 | (size % 8));
            all.push_back(std::move(bytes));
        }
    }
    return all;
}

void throw_garbage(Wire& wire, Context& context, Endpoint from) {
    for (const auto& bytes : garbage()) {
        wire.inject("isp", udp_packet(from, kListener, bytes));
        context.scenario().run_for(2ms);
    }
    context.scenario().run_for(500ms);
}

void ignores_garbage(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    throw_garbage(wire, context, stranger(0));
    context.expect(answers_to_strangers(wire) == 0, "no datagram of garbage is answered",
                   times(answers_to_strangers(wire)));
    context.expect_sessions(0);
    if (!connects(context)) return;
    context.expect_sessions(1);
}

// From a stranger's place, and from the client's own.
void ignores_garbage_beside_a_tunnel(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!connects(context)) return;
    const auto* packet = wire.first([](const WirePacket& one) { return one.from == "isp" && one.has_openvpn_data(); });
    if (!context.expect(packet != nullptr, "there are data packets", "there are none")) return;
    const auto own = packet->source;
    throw_garbage(wire, context, stranger(0));
    throw_garbage(wire, context, own);
    context.expect(answers_to_strangers(wire) == 0, "no stranger's garbage is answered",
                   times(answers_to_strangers(wire)));
    context.expect_up();
    context.expect_sessions(1);
    carries_both_ways(context, "alice", 3);
}

// The client's turn: bytes that pretend to come from the gateway.
void client_ignores_garbage(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!connects(context)) return;
    const auto* packet = wire.first([](const WirePacket& one) { return one.from == "isp" && one.has_openvpn_data(); });
    if (!context.expect(packet != nullptr, "there are data packets", "there are none")) return;
    const auto own = packet->source;
    for (const auto& bytes : garbage()) {
        wire.inject("gateway", udp_packet(kListener, own, bytes));
        context.scenario().run_for(2ms);
    }
    context.scenario().run_for(500ms);
    context.expect_up();
    context.expect_sessions(1);
    carries_both_ways(context, "alice", 3);
}

// A hard reset in the client's name does not take its tunnel away from it.
void keeps_tunnel_despite_forged_reset(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!connects(context)) return;
    const auto* packet = wire.first([](const WirePacket& one) { return one.from == "isp" && one.has_openvpn_data(); });
    if (!context.expect(packet != nullptr, "there are data packets", "there are none")) return;
    const auto own = packet->source;
    for (int number = 0; number < 5; ++number) {
        wire.inject("isp", udp_packet(own, kListener, hard_reset(0x0102030405060700u + static_cast<unsigned>(number))));
        context.scenario().run_for(1s);
    }
    context.expect_up();
    context.expect_sessions(1);
    carries_both_ways(context, "alice", 3);
}

}  // namespace

std::vector<Case> openvpn_strangers() {
    return {
        {.id = "answers-resets-without-keeping-state",
         .requirements = {"OPENVPN-COOKIE"},
         .sentence = "A gateway answers a client's first packet by a computed session id and forgets it.",
         .needs = {{Side::Gateway, Feature::Cookies}},
         .topology = unprotected,
         .check = keeps_no_state},
        {.id = "stands-a-flood-of-resets",
         .requirements = {"OPENVPN-COOKIE"},
         .sentence = "Resets from 2,000 forged addresses leave nothing behind, and a user connects right after them.",
         .needs = {{Side::Gateway, Feature::Cookies}},
         .topology = unprotected,
         .check = stands_a_flood},
        {.id = "ignores-garbage",
         .requirements = {"OPENVPN-TLS-AUTH", "OPENVPN-WIRE-OPCODES"},
         .sentence = "Whatever bytes strangers send to its port, a gateway with tls-auth answers none of them.",
         .needs = {{Side::Gateway, Feature::ProtectedControl}},
         .topology = openvpn_access,
         .check = ignores_garbage},
        {.id = "ignores-garbage-beside-a-tunnel",
         .requirements = {"OPENVPN-TLS-AUTH", "OPENVPN-WIRE-OPCODES", "OPENVPN-DATA-AUTHENTIC"},
         .sentence = "Garbage from strangers, or in a client's own name, does not disturb the client's tunnel.",
         .needs = {{Side::Gateway, Feature::ProtectedControl}},
         .topology = openvpn_access,
         .check = ignores_garbage_beside_a_tunnel},
        {.id = "client-ignores-garbage",
         .requirements = {"OPENVPN-WIRE-OPCODES", "OPENVPN-DATA-AUTHENTIC"},
         .sentence = "Garbage in the gateway's name does not disturb a client's tunnel.",
         .topology = openvpn_access,
         .check = client_ignores_garbage},
        {.id = "keeps-tunnel-despite-forged-resets",
         .requirements = {"OPENVPN-COOKIE", "OPENVPN-WIRE-RESET"},
         .sentence = "Hard resets in a client's name, whose sender cannot answer, do not end the client's tunnel.",
         .needs = {{Side::Gateway, Feature::Cookies}, {Side::Client, Feature::StaysInSession}},
         .topology = unprotected,
         .check = keeps_tunnel_despite_forged_reset},
    };
}

}  // namespace gatelab::conformance::families
