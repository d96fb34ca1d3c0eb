// Certificates: each that is needed is there, each chain ends at a root, and Azure's limits hold.
#include "topologies/model/checks.h"

namespace gatelab::topologies {
namespace {

constexpr std::size_t kMostRoots = 20;  // P2S-CERT-03

std::vector<std::string> certificate_names(const Topology& topology) {
    std::vector<std::string> names;
    for (const auto& one : topology.certificates) names.push_back(one.name);
    return names;
}

const CertificateSpec* expect_certificate(const Topology& topology, Findings& findings, const Node& user,
                                          std::string_view field, const std::string& name) {
    const auto* found = find_certificate(topology, name);
    const auto& mark = mark_of(user, field);
    if (!found && name.empty())
        findings.error(mark, "{} \"{}\" needs a certificate ({})", name_of(user.kind), user.name, field);
    else if (!found)
        findings.error(mark, "there is no certificate \"{}\"{}", name, suggestion(name, certificate_names(topology)));
    return found;
}

void check_chain(const Topology& topology, Findings& findings, const CertificateSpec& one) {
    if (one.not_before >= one.not_after)
        findings.error(mark_of(one, "not_after"), "certificate \"{}\" ends at {}, before it begins at {}", one.name,
                       format_utc(one.not_after), format_utc(one.not_before));
    if (one.certificate_file.empty() != one.key_file.empty() && !one.issuer.empty())
        findings.error(one.mark, "certificate \"{}\" needs both certificate_file and key_file, or neither", one.name);
    if (one.issuer.empty()) return;
    const auto* issuer = find_certificate(topology, one.issuer);
    const auto& mark = mark_of(one, "issuer");
    if (!issuer)
        findings.error(mark, "there is no certificate \"{}\"{}", one.issuer,
                       suggestion(one.issuer, certificate_names(topology)));
    else if (!issuer->issuer.empty())
        findings.error(mark, "\"{}\" is no root: it was issued by \"{}\"; expected a certificate without issuer",
                       one.issuer, issuer->issuer);
    else if (one.certificate_file.empty() && !issuer->certificate_file.empty() && issuer->key_file.empty())
        findings.error(mark, "\"{}\" cannot issue \"{}\": it comes from a file and has no key_file", one.issuer,
                       one.name);
}

void check_gateway(const Topology& topology, Findings& findings, const Node& node, const Gateway& gateway) {
    expect_certificate(topology, findings, node, "certificate", gateway.certificate);
    const auto& roots = gateway.root_certificates;
    for (const auto& name : roots)
        if (const auto* root = expect_certificate(topology, findings, node, "root_certificates", name))
            if (!root->issuer.empty())
                findings.error(mark_of(node, "root_certificates"), "\"{}\" is no root: it was issued by \"{}\"", name,
                               root->issuer);
    if (roots.size() > kMostRoots)
        findings.error(mark_of(node, "root_certificates"),
                       "{} root certificates; a gateway takes at most {} (P2S-CERT-03)", roots.size(), kMostRoots);
    if (roots.empty() && gateway.pre_shared_key.empty() && gateway.users.empty())
        findings.error(node.mark,
                       "gateway \"{}\" has neither root_certificates nor a pre_shared_key; nobody could "
                       "connect",
                       node.name);
}

void check_client(const Topology& topology, Findings& findings, const Node& node, const Client& client) {
    const auto* gateway = find_as<Gateway>(topology, client.gateway);
    if (client.authentication == Authentication::Password) return;  // see check_tunnels()
    if (client.authentication == Authentication::PreSharedKey) {
        if (client.pre_shared_key.empty())
            findings.error(node.mark, "client \"{}\" authenticates with a pre-shared key and has none (pre_shared_key)",
                           node.name);
        if (gateway && gateway->pre_shared_key.empty())
            findings.warning(mark_of(node, "pre_shared_key"),
                             "gateway \"{}\" has no pre_shared_key and will refuse client \"{}\"", client.gateway,
                             node.name);
        return;
    }
    const auto* own = expect_certificate(topology, findings, node, "certificate", client.certificate);
    if (!own) return;
    if (own->issuer.empty() && own->certificate_file.empty())
        findings.warning(mark_of(node, "certificate"),
                         "client \"{}\" shows the root \"{}\" itself; expected a "
                         "certificate with an issuer",
                         node.name, own->name);
    if (own->key.kind == KeySpec::Kind::Ecdsa && client.dials(Tunnel::IkeV2))
        findings.warning(mark_of(node, "certificate"),
                         "ECDSA client certificates are documented as unsupported for "
                         "IKEv2 point-to-site (P2S-CERT-11)");
}

}  // namespace

void check_certificates(const Topology& topology, Findings& findings) {
    for (const auto& one : topology.certificates) check_chain(topology, findings, one);
    for_each<Gateway>(topology, [&](Vertex, const Node& node, const Gateway& gateway) {
        check_gateway(topology, findings, node, gateway);
    });
    for_each<Client>(topology, [&](Vertex, const Node& node, const Client& client) {
        check_client(topology, findings, node, client);
    });
}

}  // namespace gatelab::topologies
