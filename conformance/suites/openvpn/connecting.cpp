// A remote user's OpenVPN tunnel comes up: over UDP and TCP, behind each protection of the control channel, with
// certificates and passwords.
#include <fmt/format.h>

#include <algorithm>

#include "conformance/suites/openvpn/steps.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace openvpn_steps;
using namespace topologies;
using namespace std::chrono_literals;
using Protection = OpenVpn::Protection;

const std::string kName = "alice", kPassword = "correct horse battery staple";

const OpenVpnHeader* first_from(const Wire& wire, const std::string& from) {
    const auto* packet = wire.first([&](const WirePacket& one) { return one.from == from && !one.openvpn.empty(); });
    return packet ? &packet->openvpn.front() : nullptr;
}

bool shows(const Wire& wire, std::string_view text) {
    return wire.first([&](const WirePacket& packet) {
        return std::search(packet.bytes.begin(), packet.bytes.end(), text.begin(), text.end()) != packet.bytes.end();
    }) != nullptr;
}

void opens_as_documented(Context& context, Transport transport, Protection protection) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    context.expect_equal("the tunnel's protocol", fmt::format("openvpn-{}", name_of(transport)),
                         context.client().status().protocol);
    const int version = protection == Protection::TlsCryptV2 ? 3 : 2;
    const auto opening =
        protection == Protection::TlsCryptV2 ? OpenVpnHeader::kHardResetClientV3 : OpenVpnHeader::kHardResetClientV2;
    const auto* asks = first_from(wire, "isp");
    const auto* answers = first_from(wire, "gateway");
    context.expect(asks && asks->opcode == opening && asks->key_id == 0,
                   fmt::format("the client opens with a hard reset of version {}, key 0", version),
                   asks ? asks->describe() : "nothing");
    context.expect(answers && answers->opcode == OpenVpnHeader::kHardResetServerV2 && answers->key_id == 0,
                   "the gateway answers with P_CONTROL_HARD_RESET_SERVER_V2 key 0",
                   answers ? answers->describe() : "nothing");
    carries_both_ways(context);
    const bool hides = protection == Protection::TlsCrypt || protection == Protection::TlsCryptV2;
    if (hides)
        context.expect(!shows(wire, "vpn.gatelab.example"), "nobody on the way can read the gateway's name",
                       shows(wire, "vpn.gatelab.example") ? "it is there in clear" : "it is nowhere");
}

std::vector<Case> every_protection() {
    std::vector<Case> all;
    for (const auto transport : {Transport::Udp, Transport::Tcp}) {
        for (const auto protection :
             {Protection::TlsAuth, Protection::TlsCrypt, Protection::TlsCryptV2, Protection::None}) {
            const bool bare = protection == Protection::None;
            const std::string over_what = transport == Transport::Udp ? "UDP" : "TCP";
            Case one;
            one.id = fmt::format("connects-over-{}-{}", name_of(transport),
                                 bare ? "unprotected" : fmt::format("with-{}", name_of(protection)));
            one.requirements = {"OPENVPN-WIRE-RESET", "OPENVPN-WIRE-RELIABLE"};
            switch (protection) {
                case Protection::TlsAuth: one.requirements.push_back("OPENVPN-TLS-AUTH"); break;
                case Protection::TlsCrypt: one.requirements.push_back("OPENVPN-TLS-CRYPT"); break;
                case Protection::TlsCryptV2: one.requirements.push_back("OPENVPN-TLS-CRYPT-V2"); break;
                case Protection::None: break;
            }
            if (transport == Transport::Tcp) one.requirements.push_back("OPENVPN-WIRE-TCP");
            if (transport == Transport::Tcp && protection == Protection::TlsAuth)
                one.requirements.insert(one.requirements.end(), {"P2S-PROTO-01", "P2S-AAD-22"});
            one.sentence =
                fmt::format("A user connects over {} with {} around the control channel, and packets pass both ways.",
                            over_what, bare ? "nothing" : name_of(protection));
            if (!bare) one.needs = {{Side::Both, Feature::ProtectedControl}};
            one.topology = [=](const Pair& pair) {
                auto topology = over(openvpn_access(pair), transport);
                use_protection(topology, protection);
                return topology;
            };
            one.check = [=](Context& context) { opens_as_documented(context, transport, protection); };
            one.in_real_time_too = bare || (transport == Transport::Tcp && protection == Protection::TlsAuth);
            all.push_back(std::move(one));
        }
    }
    return all;
}

Case with_password(std::string id, Transport transport, bool certificate_too) {
    Case one{.id = std::move(id),
             .requirements = {"OPENVPN-AUTH-USER-PASS", "OPENVPN-KEY-METHOD-2"},
             .needs = {{Side::Gateway, Feature::Passwords}},
             .topology =
                 [=](const Pair& pair) {
                     auto topology = over(openvpn_access(pair), transport);
                     use_password(topology, kName, kPassword, certificate_too);
                     return topology;
                 },
             .check =
                 [](Context& context) {
                     if (connects(context)) context.expect_sessions(1);
                 }};
    one.sentence = fmt::format("A user signs in with a name and a password{} and reaches the virtual network.",
                               certificate_too ? ", beside a certificate," : " alone");
    return one;
}

// --- tokens ---

// As long as an access token of Entra (P2S-AAD-20), or the longest that real clients can be made to send (P2S-AAD-21).
Topology with_token(const Pair& pair, std::size_t length, Transport transport) {
    auto topology = over(openvpn_access(pair), transport);
    std::string token = "eyJ0eXAiOiJKV1Qi";
    while (token.size() < length) token += static_cast<char>('A' + token.size() * 7 % 26);
    use_password(topology, "AzureAD", token, false);
    return topology;
}

Case token(std::size_t length, Transport transport) {
    Case one{.id = fmt::format("signs-in-with-a-token-of-{}-octets-over-{}", length, name_of(transport)),
             .requirements = {"P2S-AAD-20", "P2S-AAD-21", "OPENVPN-KEY-METHOD-2"},
             .needs = {{Side::Both, Feature::LongPassword}},
             .topology = [=](const Pair& pair) { return with_token(pair, length, transport); },
             .check = [](Context& context) { (void)connects(context); }};
    one.sentence = fmt::format("A user signs in as AzureAD with a token of {} octets in place of a password.", length);
    return one;
}

// --- many users ---

void two_users(Context& context) {
    if (!context.connect("alice") || !context.connect("bob")) return;
    const auto alice = context.client("alice").status().inner_address;
    const auto bob = context.client("bob").status().inner_address;
    context.expect(alice != bob && kPool.contains(alice) && kPool.contains(bob),
                   "the two users have different addresses of the pool",
                   fmt::format("{} and {}", to_string(alice), to_string(bob)));
    context.expect_sessions(2);
    carries_both_ways(context, "alice");
    carries_both_ways(context, "bob");
}

void users_talk(Context& context) {
    if (!context.connect("alice") || !context.connect("bob")) return;
    context.expect_traffic("alice", "bob");
    context.expect_traffic("bob", "alice");
}

void connects_again(Context& context) {
    for (int attempt = 0; attempt < 3; ++attempt) {
        if (!connects(context) || !context.expect_sessions(1) || !context.hang_up()) return;
        context.scenario().run_for(200ms);
    }
}

Topology leaving_politely(const Pair& pair, Transport transport) {
    auto topology = over(openvpn_access(pair), transport);
    client_of(topology).openvpn.explicit_exit_notify = transport == Transport::Udp ? 1 : 0;
    return topology;
}

// Both doors open at once, and a user comes in through each.
Topology two_doors(const Pair& pair) {
    auto topology = openvpn_access_behind_nat(pair);
    gateway_of(topology).openvpn.tcp_port = kOpenVpnTcpPort;
    client_of(topology, "bob").openvpn.transport = Transport::Tcp;
    return topology;
}

void through_both_doors(Context& context) {
    if (!context.connect("alice") || !context.connect("bob")) return;
    context.expect_equal("alice's protocol", "openvpn-udp", context.client("alice").status().protocol);
    context.expect_equal("bob's protocol", "openvpn-tcp", context.client("bob").status().protocol);
    context.expect_sessions(2);
    carries_both_ways(context, "alice");
    carries_both_ways(context, "bob");
}

}  // namespace

std::vector<Case> openvpn_connecting() {
    auto all = every_protection();
    all.push_back(with_password("connects-with-password-over-udp", Transport::Udp, false));
    all.push_back(with_password("connects-with-password-over-tcp", Transport::Tcp, false));
    all.push_back(with_password("connects-with-certificate-and-password", Transport::Udp, true));
    for (const auto transport : {Transport::Udp, Transport::Tcp})
        for (const std::size_t length : {2300, 4096}) all.push_back(token(length, transport));
    all.push_back({.id = "serves-two-users-behind-one-nat",
                   .requirements = {"OPENVPN-PUSH-IFCONFIG", "P2S-FAQ-12"},
                   .sentence = "Two users behind one NAT have a tunnel each, and neither disturbs the other.",
                   .topology = openvpn_access_behind_nat,
                   .check = two_users});
    all.push_back({.id = "serves-users-over-udp-and-tcp-at-once",
                   .requirements = {"OPENVPN-PUSH-IFCONFIG", "OPENVPN-WIRE-TCP"},
                   .sentence = "A gateway that listens on UDP and TCP serves a user over each.",
                   .topology = two_doors,
                   .check = through_both_doors});
    all.push_back({.id = "lets-two-users-talk",
                   .requirements = {"P2S-RT-13", "OPENVPN-CLIENT-TO-CLIENT"},
                   .sentence = "Two users of one gateway reach each other through their tunnels.",
                   .topology = openvpn_access_behind_nat,
                   .check = users_talk});
    for (const auto transport : {Transport::Udp, Transport::Tcp})
        all.push_back({.id = fmt::format("connects-again-after-hanging-up-over-{}", name_of(transport)),
                       .requirements = {"OPENVPN-EXIT-NOTIFY", "P2S-FAQ-12"},
                       .sentence = "A user who hung up can connect again and is the gateway's only session.",
                       .topology = [=](const Pair& pair) { return leaving_politely(pair, transport); },
                       .check = connects_again});
    return all;
}

}  // namespace gatelab::conformance::families
