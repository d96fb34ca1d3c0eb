#include "conformance/suites/suites.h"

#include <cstdlib>
#include <utility>

namespace gatelab::conformance {
namespace {

std::optional<topologies::Tunnel> tunnel_of(const std::string& name) {
    for (const auto& suite : suites())
        if (suite.name == name) return suite.tunnel;
    std::abort();  // a family is added to a suite that is not listed below
}

void add(std::vector<Case>& all, const std::string& suite, std::vector<Case> family) {
    const auto tunnel = tunnel_of(suite);
    for (auto& one : family) {
        one.suite = suite;
        if (tunnel) one.tunnel = *tunnel;
        one.id = suite + "." + one.id;
        all.push_back(std::move(one));
    }
}

}  // namespace

const std::vector<Suite>& suites() {
    static const std::vector<Suite> kSuites = {
        {"ikev2-basic", "A remote user's IKEv2 tunnel from dialling to hanging up, and what must be refused"},
        {"esp-basic", "What ESP carries, protects and drops"},
        {"p2s-ike-policy", "Every combination of Azure's default IKE and IPsec policies, and what lies outside them"},
        {"openvpn", "A remote user's OpenVPN tunnel from dialling to hanging up, and what must be refused",
         topologies::Tunnel::OpenVpn},
        {"sstp", "A remote user's SSTP tunnel from dialling to hanging up, and what must be refused",
         topologies::Tunnel::Sstp},
        {"tls-policy",
         "Every TLS suite of Azure's two lists, what lies outside them, and the profile that goes with them",
         topologies::Tunnel::OpenVpn},
        {"openvpn-deviations", "What OpenVPN ends do about a peer that breaks one rule", topologies::Tunnel::OpenVpn},
        {"sstp-deviations", "What SSTP ends do about a peer that breaks one rule, of SSTP or of PPP inside it",
         topologies::Tunnel::Sstp},
        {"fallback", "What each kind of client does in each kind of network: which tunnel it ends on, or why on none",
         std::nullopt},
        {"goodput", "What a TCP transfer gets through a tunnel, against loss and round-trip time", std::nullopt},
    };
    return kSuites;
}

const std::vector<Case>& cases() {
    static const std::vector<Case> kCases = [] {
        using namespace families;
        std::vector<Case> all;
        for (auto* family : {connecting, negotiating, refusing, traversing_nats, repeating, counting_messages, rekeying,
                             staying_alive, lasting, closing, narrowing, ignoring_garbage})
            add(all, "ikev2-basic", family());
        for (auto* family : {carrying, hiding, checking_integrity, refusing_replays, keeping_to_selectors})
            add(all, "esp-basic", family());
        for (auto* family : {policy_cells, policy_refusals}) add(all, "p2s-ike-policy", family());
        for (auto* family : {openvpn_connecting, openvpn_refusing, openvpn_negotiating, openvpn_azure_client,
                             openvpn_pushing, openvpn_renegotiating, openvpn_staying_alive, openvpn_moving,
                             openvpn_lasting, openvpn_fitting, openvpn_guarding, openvpn_losing, openvpn_strangers})
            add(all, "openvpn", family());
        for (auto* family : {sstp_connecting, sstp_refusing, sstp_negotiating, sstp_carrying, sstp_staying_alive,
                             sstp_proxies, sstp_strangers})
            add(all, "sstp", family());
        for (auto* family : {tls_suites, tls_versions, tls_profile}) add(all, "tls-policy", family());
        for (auto* family : {breaking_headers, breaking_the_control_channel, breaking_the_key_exchange,
                             breaking_data_packets, playing_a_gateway})
            add(all, "openvpn-deviations", family());
        for (auto* family : {breaking_https, breaking_the_call, breaking_ppp, playing_an_sstp_gateway})
            add(all, "sstp-deviations", family());
        add(all, "fallback", falling_back());
        add(all, "goodput", transferring());
        return all;
    }();
    return kCases;
}

}  // namespace gatelab::conformance
