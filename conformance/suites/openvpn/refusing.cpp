// Who is not let in, and who does not go in.
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

// What a client may say of an attempt that TLS ended: the alert, or nothing more until the time for a handshake is
// over.
const std::vector<std::string> kTlsEnded = {"tls-failed", "handshake-timeout", "peer-closed"};
// What it says of a gateway that never answers.
const std::vector<std::string> kSilence = {"handshake-timeout", "peer-silent", "timed-out"};

void expect_nobody_in(Context& context, const std::vector<std::string>& reasons) {
    context.expect_refusal(reasons, kHandshake);
    context.expect_sessions(0, kForgets);
}

// --- certificates ---

Topology with_expired(const Pair& pair, const std::string& who) {
    auto topology = openvpn_access(pair);
    certificate_of(topology, who).not_after = topology.epoch - 24h;
    return topology;
}

Topology with_premature(const Pair& pair) {
    auto topology = openvpn_access(pair);
    certificate_of(topology, "alice").not_before = topology.epoch + 24h;
    return topology;
}

// The user's certificate comes from a root that was not uploaded to the gateway.
Topology with_foreign_root(const Pair& pair) {
    auto topology = openvpn_access(pair);
    CertificateSpec root;
    root.name = "SomeoneElsesRoot";
    topology.certificates.push_back(root);
    certificate_of(topology, "alice").issuer = root.name;
    return topology;
}

// The gateway's certificate is in order, but for another server.
Topology with_another_server(const Pair& pair) {
    auto topology = openvpn_access(pair);
    auto other = certificate_of(topology, "vpn.gatelab.example");
    other.name = "mail.gatelab.example";
    other.dns_names = {other.name};
    topology.certificates.push_back(other);
    gateway_of(topology).certificate = other.name;
    return topology;
}

Topology without_certificate(const Pair& pair) {
    auto topology = openvpn_access(pair);
    use_password(topology, "alice", "secret", false);
    gateway_of(topology).openvpn.certificate_required = true;
    return topology;
}

Case by_certificate(std::string id, std::string requirement, std::string sentence,
                    std::function<Topology(const Pair&)> topology) {
    return {.id = std::move(id),
            .requirements = {std::move(requirement)},
            .sentence = std::move(sentence),
            .topology = std::move(topology),
            .check = [](Context& context) { expect_nobody_in(context, kTlsEnded); }};
}

// --- passwords ---

Topology with_wrong_password(const Pair& pair, Transport transport, bool certificate_too) {
    auto topology = over(openvpn_access(pair), transport);
    use_password(topology, "alice", "secret", certificate_too);
    client_of(topology).password = "guess";
    return topology;
}

Topology with_unknown_user(const Pair& pair) {
    auto topology = openvpn_access(pair);
    use_password(topology, "alice", "secret", false);
    client_of(topology).username = "mallory";
    return topology;
}

// A certificate alone, where a password is wanted too.
Topology without_password(const Pair& pair) {
    auto topology = openvpn_access(pair);
    gateway_of(topology).users = {{"alice", "secret"}};
    return topology;
}

void is_told_so(Context& context) {
    expect_nobody_in(context, {"authentication-failed"});
    const bool ours = context.pair().client->name == "gatelab";
    if (!ours) return;  // a real client's word for it is its failure
    const auto messages = control_messages(context, "alice", "control-message-received");
    const bool told = std::any_of(messages.begin(), messages.end(),
                                  [](const std::string& text) { return text.starts_with("AUTH_FAILED"); });
    context.expect(told, "the client is told AUTH_FAILED", messages.empty() ? "nothing" : messages.back());
}

// --- the control channel's protection ---

// Two ends that do not share what is around control packets; a gateway does not answer what does not hold.
Topology with_other_digest(const Pair& pair) {
    auto topology = openvpn_access(pair);
    client_of(topology).openvpn.auth = "SHA1";
    return topology;
}

void stays_silent(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    expect_nobody_in(context, kSilence);
    const auto asked = wire.count([](const WirePacket& packet) { return packet.from == "isp"; });
    const auto answered = wire.count([](const WirePacket& packet) { return packet.from == "gateway"; });
    context.expect(asked > 0, "the client tries", times(asked));
    context.expect(answered == 0, "the gateway sends nothing at all", times(answered));
}

// A hard reset as a client without the key would send it: bare, or with something in the place of what protects it.
void ignores_bare_resets(Context& context) {
    constexpr Endpoint kStranger{Ipv4Address{203, 0, 113, 66}, 40'000}, kListener{kGatewayAddress, kOpenVpnUdpPort};
    Wire wire{context.scenario(), kInternetLink};
    for (const auto opcode : {OpenVpnHeader::kHardResetClientV2, OpenVpnHeader::kHardResetClientV3}) {
        for (const std::size_t more : {0, 28, 40, 400}) {
            ByteWriter writer;
            writer.u8(static_cast<std::uint8_t>(opcode << 3)).u64(0x0123456789abcdef + more).bytes(Bytes(more, 0x5a));
            writer.u32(1).u32(1767225600).u8(0).u32(0);
            wire.inject("isp", udp_packet(kStranger, kListener, writer.take()));
            context.scenario().run_for(100ms);
        }
    }
    context.scenario().run_for(5s);
    const auto answered = wire.count([](const WirePacket& packet) { return packet.from == "gateway"; });
    context.expect(answered == 0, "the gateway sends nothing at all", times(answered));
    (void)connects(context);
}

std::vector<Case> silent_gateways() {
    std::vector<Case> all;
    all.push_back({.id = "ignores-wrong-tls-auth-hmac",
                   .requirements = {"OPENVPN-TLS-AUTH"},
                   .sentence = "A gateway does not answer a client whose tls-auth HMAC does not hold.",
                   .needs = {{Side::Both, Feature::ProtectedControl}},
                   .topology = with_other_digest,
                   .check = stays_silent});
    for (const auto protection : {Protection::TlsAuth, Protection::TlsCrypt, Protection::TlsCryptV2}) {
        const auto name = topologies::name_of(protection);
        all.push_back({.id = fmt::format("ignores-resets-without-{}", name),
                       .requirements = {protection == Protection::TlsAuth    ? "OPENVPN-TLS-AUTH"
                                        : protection == Protection::TlsCrypt ? "OPENVPN-TLS-CRYPT"
                                                                             : "OPENVPN-TLS-CRYPT-V2"},
                       .sentence = fmt::format("A gateway with {} does not answer resets without it.", name),
                       .needs = {{Side::Both, Feature::ProtectedControl}},
                       .topology =
                           [=](const Pair& pair) {
                               auto topology = openvpn_access(pair);
                               use_protection(topology, protection);
                               return topology;
                           },
                       .check = ignores_bare_resets});
    }
    return all;
}

}  // namespace

std::vector<Case> openvpn_refusing() {
    std::vector<Case> all = {
        by_certificate("refuses-expired-client-certificate", "P2S-CERT-06",
                       "A gateway refuses a client whose certificate has expired.",
                       [](const Pair& pair) { return with_expired(pair, "alice"); }),
        by_certificate("refuses-client-certificate-of-the-future", "P2S-CERT-06",
                       "A gateway refuses a client whose certificate is not valid yet.", with_premature),
        by_certificate("refuses-client-certificate-of-another-root", "P2S-CERT-03",
                       "A gateway refuses a client whose certificate comes from a root that it does not trust.",
                       with_foreign_root),
        by_certificate("refuses-client-without-certificate", "OPENVPN-CLIENT-CERTIFICATE",
                       "A gateway that wants certificates refuses a client that has none.", without_certificate),
        by_certificate("refuses-expired-server-certificate", "OPENVPN-SERVER-CERTIFICATE",
                       "A client does not go into a tunnel whose server's certificate has expired.",
                       [](const Pair& pair) { return with_expired(pair, "vpn.gatelab.example"); }),
        by_certificate("refuses-server-of-another-name", "OPENVPN-VERIFY-NAME",
                       "A client does not go into a tunnel whose server has another name than the profile says.",
                       with_another_server),
    };
    const auto refused = [&](std::string id, std::string sentence, std::function<Topology(const Pair&)> topology) {
        all.push_back({.id = std::move(id),
                       .requirements = {"OPENVPN-AUTH-FAILED"},
                       .sentence = std::move(sentence),
                       .needs = {{Side::Gateway, Feature::Passwords}},
                       .topology = std::move(topology),
                       .check = is_told_so});
    };
    refused("refuses-wrong-password-over-udp", "A client with a wrong password is told AUTH_FAILED.",
            [](const Pair& pair) { return with_wrong_password(pair, Transport::Udp, false); });
    refused("refuses-wrong-password-over-tcp", "A client with a wrong password is told AUTH_FAILED.",
            [](const Pair& pair) { return with_wrong_password(pair, Transport::Tcp, false); });
    refused("refuses-wrong-password-despite-certificate",
            "A client with a good certificate and a wrong password is told AUTH_FAILED.",
            [](const Pair& pair) { return with_wrong_password(pair, Transport::Udp, true); });
    refused("refuses-unknown-user", "A client with a name that the gateway does not know is told AUTH_FAILED.",
            with_unknown_user);
    all.push_back({.id = "refuses-certificate-without-password",
                   .requirements = {"OPENVPN-AUTH-USER-PASS"},
                   .sentence = "A gateway that wants passwords does not let a client in by its certificate alone.",
                   .needs = {{Side::Gateway, Feature::Passwords}},
                   .topology = without_password,
                   .check = [](Context& context) {
                       expect_nobody_in(context, {"authentication-failed", "handshake-timeout", "tls-failed"});
                   }});
    for (auto& one : silent_gateways()) all.push_back(std::move(one));
    return all;
}

}  // namespace gatelab::conformance::families
