// Which versions of TLS there are: never one below 1.2, and 1.3 only with the newer list.
#include <fmt/format.h>

#include <algorithm>

#include "conformance/context.h"
#include "conformance/rogue_node.h"
#include "conformance/suites/suites.h"
#include "conformance/worlds.h"
#include "sim/openvpn_profile.h"

namespace gatelab::conformance::families {
namespace {

using namespace std::chrono_literals;

constexpr std::uint8_t kHandshakeRecord = 22, kAlertRecord = 21;
constexpr std::uint16_t kTls10 = 0x0301, kTls11 = 0x0302;

// RFC 2246 and RFC 4346, section 7.4.1.2: no extensions, and suites that those versions had.
Bytes client_hello(std::uint16_t version, Random& random) {
    ByteWriter body;
    body.u16(version).bytes(random.bytes(32)).u8(0);
    const std::uint16_t suites[] = {0xc014, 0xc013, 0x0035, 0x002f, 0x00ff};  // ECDHE_RSA and RSA with AES-CBC and SHA
    body.u16(sizeof(suites));
    for (const auto suite : suites) body.u16(suite);
    body.u8(1).u8(0);  // no compression
    ByteWriter record;
    record.u8(kHandshakeRecord).u16(version).u16(static_cast<std::uint16_t>(body.size() + 4));
    record.u8(1).u24(static_cast<std::uint32_t>(body.size())).bytes(body.view());
    return record.take();
}

// Section 7.4.1.3: TLS_RSA_WITH_AES_128_CBC_SHA in that version.
Bytes server_hello(std::uint16_t version, Random& random) {
    ByteWriter body;
    body.u16(version).bytes(random.bytes(32)).u8(0).u16(0x002f).u8(0);
    ByteWriter record;
    record.u8(kHandshakeRecord).u16(version).u16(static_cast<std::uint16_t>(body.size() + 4));
    record.u8(2).u24(static_cast<std::uint32_t>(body.size())).bytes(body.view());
    return record.take();
}

// The TLS records that the other side sent, one after the other.
Bytes heard_by(RogueOpenVpn& rogue) {
    Bytes all;
    for (const auto& packet : rogue.heard()) append(all, packet.payload);
    return all;
}

// "alert 2/70": fatal, protocol_version (RFC 8446 section 6.2).
std::string describe_answer(ByteView records) {
    if (records.empty()) return "nothing";
    ByteReader reader{records};
    const auto type = reader.u8();
    reader.skip(4);
    const auto first = reader.u8(), second = reader.u8();
    if (type == kAlertRecord) return fmt::format("alert {}/{}", first, second);
    return fmt::format("record of type {} that begins with {}", type, first);
}

openvpn::Options rogue_options(Context& context, openvpn::Role role) {
    openvpn::Options options;
    options.role = role;
    options.auth = crypto::Hash::Sha256;
    options.protection = openvpn::TlsAuth{
        sim::keys_of("gateway", context.seed()).key,
        role == openvpn::Role::Client ? openvpn::KeyDirection::Inverse : openvpn::KeyDirection::Normal, options.auth};
    options.tls.policy = tls::any_policy();
    if (role == openvpn::Role::Server) {
        crypto::CertificateRequest request;
        request.common_name = "rogue";
        request.not_before = instant_from_unix(0);
        request.not_after = instant_from_unix(4'000'000'000);
        options.tls.identity = crypto::make_root(request, crypto::PrivateKey::generate_ecdsa(256));
    }
    return options;
}

// Sends `hello` once in the place of what TLS would say, and nothing after it.
void say_once(RogueOpenVpn& rogue, Bytes hello) {
    rogue.hooks.tls = [hello = std::move(hello)](const Bytes&) mutable { return std::exchange(hello, {}); };
}

topologies::Topology with_nobody_at(const Pair& pair, Side side) {
    auto topology = openvpn_access(pair);
    (side == Side::Client ? client_of(topology).implementation : gateway_of(topology).implementation) =
        topologies::Implementation::Absent;
    return topology;
}

void gateway_refuses(Context& context, std::uint16_t version) {
    auto node = RogueNode::client(context.scenario().host("alice"), rogue_options(context, openvpn::Role::Client),
                                  {kGatewayAddress, kOpenVpnUdpPort});
    auto& rogue = node->peer();
    say_once(rogue, client_hello(version, rogue.random()));
    node->connect();
    rogue.dial(node->now());
    context.scenario().run_until([&] { return !heard_by(rogue).empty(); }, 10s);
    const auto answer = describe_answer(heard_by(rogue));
    context.expect(rogue.heard(openvpn::Opcode::ControlHardResetServerV2) == 1,
                   "the gateway speaks OpenVPN with the client",
                   fmt::format("{} hard resets of its own", rogue.heard(openvpn::Opcode::ControlHardResetServerV2)));
    // OpenVPN's own server ends the session before the alert is on its way.
    const bool tells = context.pair().gateway->implementation == topologies::Implementation::Gatelab;
    context.expect(answer == "alert 2/70" || (!tells && answer == "nothing"),
                   tells ? "the ClientHello is answered with the alert protocol_version, 2/70"
                         : "the ClientHello is answered with nothing but the alert protocol_version, 2/70",
                   answer);
    context.expect_sessions(0);
}

void client_refuses(Context& context, std::uint16_t version) {
    auto node = RogueNode::server(context.scenario().host("gateway"), rogue_options(context, openvpn::Role::Server), {},
                                  kOpenVpnUdpPort);
    auto& rogue = node->peer();
    say_once(rogue, server_hello(version, rogue.random()));
    context.client().connect();
    const auto has_alert = [&] {
        const auto& heard = rogue.heard();
        return std::ranges::any_of(
            heard, [](const auto& packet) { return !packet.payload.empty() && packet.payload[0] == kAlertRecord; });
    };
    const auto is_over = [&] { return !context.client().status().failure.empty(); };
    context.scenario().run_until([&] { return has_alert() || is_over(); }, 90s);
    context.scenario().run_for(100ms);
    context.expect(!heard_by(rogue).empty() && heard_by(rogue)[0] == kHandshakeRecord, "the client sends a ClientHello",
                   describe_answer(heard_by(rogue)));
    const auto observed = has_alert() ? std::string{"an alert"} : context.client().status().failure;
    context.expect(!observed.empty(), "the ServerHello is refused with an alert, or the attempt is given up",
                   observed.empty() ? "neither" : observed);
    context.expect(!context.client().status().up, "the tunnel is down", describe(context.client().status()));
}

Case floor_case(Side side, std::uint16_t version, const char* number) {
    const bool at_gateway = side == Side::Gateway;
    return {
        .id = fmt::format("{}-refuses-tls-{}", at_gateway ? "gateway" : "client", number),
        .requirements = {"P2S-PROTO-07"},
        .sentence =
            at_gateway
                ? fmt::format("A client that speaks no more than TLS {} gets no TLS from the gateway but an alert.",
                              number)
                : fmt::format("A client has nothing to do with a gateway that picks TLS {}.", number),
        .needs = {{Side::Gateway, Feature::TlsPolicy}},
        .topology =
            [at_gateway](const Pair& pair) { return with_nobody_at(pair, at_gateway ? Side::Client : Side::Gateway); },
        .check =
            [at_gateway, version](Context& context) {
                at_gateway ? gateway_refuses(context, version) : client_refuses(context, version);
            },
        .looks_at = side};
}

// --- between the two that there are ---

topologies::Topology with_policy(const Pair& pair, const std::string& profile, const std::string& most) {
    auto topology = openvpn_access(pair);
    use_transport(topology, topologies::Transport::Tcp);
    gateway_of(topology).openvpn.tls_policy = profile;
    client_of(topology).openvpn.tls_version_max = most;
    return topology;
}

Case version_case(std::string id, std::string sentence, std::string profile, std::string most, std::string version) {
    return {.id = std::move(id),
            .requirements = {"P2S-PROTO-07", profile == "p2s-2026" ? "P2S-TLS-01" : "P2S-TLS-02"},
            .sentence = std::move(sentence),
            .needs = {{Side::Gateway, Feature::TlsPolicy}},
            .topology = [profile, most](const Pair& pair) { return with_policy(pair, profile, most); },
            .check =
                [version](Context& context) {
                    if (!context.connect()) return;
                    const auto found = context.client().status().tls_suite;
                    context.expect(found.starts_with(version + "/"), "the version is " + version, found);
                    context.expect_traffic("alice", "app1", 1);
                }};
}

}  // namespace

std::vector<Case> tls_versions() {
    return {
        floor_case(Side::Gateway, kTls10, "1.0"),
        floor_case(Side::Gateway, kTls11, "1.1"),
        floor_case(Side::Client, kTls10, "1.0"),
        floor_case(Side::Client, kTls11, "1.1"),
        version_case("speaks-tls-1.3-with-p2s-2026", "With the newer list, both ends that can speak TLS 1.3.",
                     "p2s-2026", "", "TLSv1.3"),
        version_case("speaks-tls-1.2-with-p2s-2026", "With the newer list, a client of TLS 1.2 still connects.",
                     "p2s-2026", "1.2", "TLSv1.2"),
        version_case("stays-at-tls-1.2-with-p2s-2023", "With the older list, both ends stay at TLS 1.2.", "p2s-2023",
                     "", "TLSv1.2"),
    };
}

}  // namespace gatelab::conformance::families
