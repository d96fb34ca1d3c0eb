#include "sim/credentials.h"

#include <fmt/format.h>

namespace gatelab::sim {
namespace {

std::string first_dns_name(const Pki& pki, const std::string& certificate) {
    const auto* entry = pki.find(certificate);
    const auto names = entry ? entry->certificate.dns_names() : std::vector<std::string>{};
    return names.empty() ? std::string{} : names.front();
}

std::string first_of(const std::string& said, const std::string& certified, const std::string& node) {
    if (!said.empty()) return said;
    return certified.empty() ? node : certified;
}

template <class Suite>
Result<std::vector<Suite>> policy_from(const std::vector<std::string>& rows, const std::vector<Suite>& defaults,
                                       Result<Suite> (*parse)(std::string_view)) {
    if (rows.empty()) return defaults;
    std::vector<Suite> policy;
    for (const auto& row : rows) {
        auto suite = parse(row);
        if (!suite) return pass(suite);
        policy.push_back(*suite);
    }
    return policy;
}

}  // namespace

ikev2::Identification identification_from(const std::string& text, const crypto::Certificate* certificate) {
    if (const auto address = parse_address(text)) return ikev2::Identification::address(*address);
    if (certificate && certificate->subject() == text)
        return {ikev2::Identification::Type::DerAsn1Dn, certificate->subject_der()};
    if (text.find('@') != std::string::npos) return ikev2::Identification::email(text);
    return ikev2::Identification::fqdn(text);
}

std::string server_name_of(const topologies::Topology& topology, const Pki& pki, const std::string& gateway) {
    const auto* node = topologies::find_as<topologies::Gateway>(topology, gateway);
    return first_of(node->server_name, first_dns_name(pki, node->certificate), gateway);
}

std::string identification_of(const topologies::Topology& topology, const Pki& pki, const std::string& client) {
    const auto* node = topologies::find_as<topologies::Client>(topology, client);
    return first_of(node->identification, first_dns_name(pki, node->certificate), client);
}

Result<crypto::TrustStore> roots_of_gateway(const Pki& pki, const topologies::Gateway& gateway) {
    const auto* entry = pki.find(gateway.certificate);
    if (!entry) return fail(Fault::NotFound, fmt::format("the topology has no certificate '{}'", gateway.certificate));
    return pki.trust({entry->issuer.empty() ? entry->name : entry->issuer});
}

Result<std::vector<ikev2::IkeSuite>> ike_policy_from(const std::vector<std::string>& rows) {
    return policy_from(rows, ikev2::p2s_ike_policy(), &ikev2::parse_ike_suite);
}

Result<std::vector<ikev2::ChildSuite>> ipsec_policy_from(const std::vector<std::string>& rows) {
    return policy_from(rows, ikev2::p2s_ipsec_policy(), &ikev2::parse_child_suite);
}

}  // namespace gatelab::sim
