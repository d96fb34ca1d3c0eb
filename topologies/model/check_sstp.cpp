// SSTP: words and times, and that a client fits its gateway.
#include "topologies/model/checks.h"

namespace gatelab::topologies {
namespace {

constexpr std::array<std::string_view, 2> kAuthentications{"mschapv2", "pap"};
constexpr std::array<std::string_view, 2> kHashes{"SHA256", "SHA1"};

// What clients and gateways have in common.
void check_sstp(Findings& findings, const Node& node, const Sstp& sstp) {
    if (sstp.hello < Duration::zero())
        findings.error(mark_of(node, "sstp.hello"), "hello of \"{}\" is negative; expected 0s or more", node.name);
    if (sstp.mru < Sstp::kLeastMru || sstp.mru > Sstp::kMostMru)
        findings.error(mark_of(node, "sstp.mru"), "mru {} of \"{}\" is no size; expected {} to {}", sstp.mru, node.name,
                       Sstp::kLeastMru, Sstp::kMostMru);
}

template <std::size_t count>
void expect_words(Findings& findings, const Node& node, std::string_view field, const std::vector<std::string>& words,
                  const std::array<std::string_view, count>& known) {
    const auto name = field.substr(field.find('.') + 1);
    if (words.empty())
        findings.error(mark_of(node, field), "{} of \"{}\" is empty; expected some of {}", name, node.name,
                       fmt::join(known, ", "));
    for (auto word = words.begin(); word != words.end(); ++word) {
        expect_word(findings, node, field, *word, known);
        if (std::find(words.begin(), word, *word) != word)
            findings.error(mark_of(node, field), "{} of \"{}\" has {} twice", name, node.name, *word);
    }
}

// On one TCP port both wait for a ClientHello: which it is for cannot be told.
void expect_no_openvpn(Findings& findings, const Node& node, const Gateway& gateway) {
    if (!gateway.offers(Tunnel::OpenVpn)) return;
    const auto& mark = mark_of(node, "tunnel_types");
    if (gateway.openvpn.tcp_port == gateway.sstp.port)
        return findings.error(
            mark,
            "gateway \"{}\" offers SSTP and OpenVPN on the same TCP port {}; expected one of them, or "
            "ports apart (P2S-AUTH-01)",
            node.name, gateway.sstp.port);
    findings.warning(mark, "gateway \"{}\" offers SSTP beside OpenVPN, which Azure's do not (P2S-AUTH-01)", node.name);
}

}  // namespace

void check_sstp_offer(Findings& findings, const Node& node, const Gateway& gateway) {
    const auto& sstp = gateway.sstp;
    check_sstp(findings, node, sstp);
    expect_no_openvpn(findings, node, gateway);
    expect_word(findings, node, "sstp.tls_policy", sstp.tls_policy, kPolicies);
    expect_words(findings, node, "sstp.authentication", sstp.authentication, kAuthentications);
    expect_words(findings, node, "sstp.hashes", sstp.hashes, kHashes);
    if (sstp.negotiation <= Duration::zero())
        findings.error(mark_of(node, "sstp.negotiation"), "negotiation of \"{}\" must be above 0", node.name);
    if (gateway.users.empty())
        findings.error(mark_of(node, "tunnel_types"),
                       "gateway \"{}\" offers sstp and has no users; nobody could sign in (users: {{name: password}})",
                       node.name);
    if (sstp.authentication == std::vector<std::string>{"pap"})
        findings.warning(mark_of(node, "sstp.authentication"),
                         "gateway \"{}\" has PAP alone, which leaves the crypto binding without a key (SSTP-40)",
                         node.name);
}

void check_sstp_dial(Findings& findings, const Node& node, const Client& client, const Gateway& gateway) {
    check_sstp(findings, node, client.sstp);
    const auto& mark = mark_of(node, "username");
    if (client.username.empty())
        findings.error(mark, "client \"{}\" dials sstp and has no username and password", node.name);
    else if (!knows(gateway.users, client.username, client.password))
        findings.warning(mark, "gateway \"{}\" does not know the username and password of client \"{}\"",
                         client.gateway, node.name);
}

}  // namespace gatelab::topologies
