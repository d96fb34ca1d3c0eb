#include "sim/pki.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

#include "impl/crypto/random_source.h"

namespace gatelab::sim {
namespace {

using topologies::CertificateSpec;
using topologies::KeySpec;
using topologies::Topology;

tl::unexpected<Error> wrong(const CertificateSpec& spec, Fault fault, const std::string& what) {
    const auto position = to_string(spec.mark);
    return fail(fault,
                fmt::format("{}{}certificate '{}': {}", position, position.empty() ? "" : ": ", spec.name, what));
}

// --- issued -----------------------------------------------------------------------------------------------------

// What the holder does with the certificate, by who names it; one that nobody names may do both.
std::vector<crypto::Purpose> purposes_of(const Topology& topology, const std::string& certificate) {
    bool server = false, client = false;
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph))) {
        const auto& kind = topology.graph[vertex].kind;
        if (const auto* node = std::get_if<topologies::Gateway>(&kind)) server |= node->certificate == certificate;
        if (const auto* node = std::get_if<topologies::Client>(&kind)) client |= node->certificate == certificate;
    }
    std::vector<crypto::Purpose> purposes;
    if (server || !client) purposes.push_back(crypto::Purpose::ServerAuth);
    if (client || !server) purposes.push_back(crypto::Purpose::ClientAuth);
    return purposes;
}

crypto::CertificateRequest request_for(const Topology& topology, const CertificateSpec& spec, std::uint64_t seed) {
    crypto::CertificateRequest request;
    request.common_name = spec.name;
    if (!spec.issuer.empty()) {
        request.dns_names = spec.dns_names.empty() ? std::vector{spec.name} : spec.dns_names;
        request.purposes = purposes_of(topology, spec.name);
    }
    request.not_before = spec.not_before;
    request.not_after = spec.not_after;
    // RFC 5280 section 4.1.2.2: positive and unique with its issuer.
    request.serial = (SeededRandom{seed, "pki-serial/" + spec.name}.u64() >> 1) | 1;
    return request;
}

// Everything that the issued bytes depend on, so that equal texts mean equal certificates.
std::string fingerprint(const crypto::CertificateRequest& request, const CertificateSpec& spec, std::uint64_t seed,
                        const Pki::Entry* issuer) {
    std::string purposes;
    for (const auto purpose : request.purposes) purposes += purpose == crypto::Purpose::ServerAuth ? 's' : 'c';
    return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}", seed, spec.name, static_cast<int>(spec.key.kind), spec.key.bits,
                       request.not_before.time_since_epoch().count(), request.not_after.time_since_epoch().count(),
                       fmt::join(request.dns_names, ","), purposes,
                       issuer ? to_hex(issuer->certificate.sha1_thumbprint()) : "self");
}

crypto::Identity issue_new(const crypto::CertificateRequest& request, const CertificateSpec& spec, std::uint64_t seed,
                           const Pki::Entry* issuer) {
    SeededRandom random{seed, "pki/" + spec.name};
    const crypto::ScopedRandomSource source{random};
    auto key = spec.key.kind == KeySpec::Kind::Rsa ? crypto::PrivateKey::generate_rsa(spec.key.bits)
                                                   : crypto::PrivateKey::generate_ecdsa(spec.key.bits);
    if (!issuer) return crypto::make_root(request, std::move(key));
    return crypto::issue({issuer->certificate, *issuer->key}, request, std::move(key));
}

Result<Pki::Entry> issue(const Topology& topology, const CertificateSpec& spec, std::uint64_t seed,
                         const Pki::Entry* issuer) {
    static std::map<std::string, crypto::Identity> issued;
    if (issuer && !issuer->key)
        return wrong(spec, Fault::NotFound,
                     fmt::format("its issuer '{}' comes from a file without a key; name its key_file", spec.issuer));
    const auto request = request_for(topology, spec, seed);
    const auto name = fingerprint(request, spec, seed, issuer);
    auto known = issued.find(name);
    if (known == issued.end()) known = issued.emplace(name, issue_new(request, spec, seed, issuer)).first;
    return Pki::Entry{spec.name, spec.issuer, known->second.certificate, known->second.key};
}

// --- read from files --------------------------------------------------------------------------------------------

Result<std::string> read_pem(const CertificateSpec& spec, const std::string& file) {
    errno = 0;
    std::ifstream in{file};
    std::ostringstream text;
    if (in) text << in.rdbuf();
    if (!in || !text)
        return wrong(spec, Fault::NotFound,
                     fmt::format("cannot read '{}': {}", file, errno ? std::strerror(errno) : "the file is empty"));
    return text.str();
}

Result<Pki::Entry> read(const CertificateSpec& spec) {
    const auto pem = read_pem(spec, spec.certificate_file);
    if (!pem) return pass(pem);
    auto certificate = crypto::Certificate::from_pem(*pem);
    if (!certificate)
        return wrong(
            spec, Fault::Malformed,
            fmt::format("'{}' holds no PEM certificate: {}", spec.certificate_file, certificate.error().detail));
    Pki::Entry entry{spec.name, spec.issuer, std::move(*certificate), std::nullopt};
    if (spec.key_file.empty()) return entry;

    const auto key_pem = read_pem(spec, spec.key_file);
    if (!key_pem) return pass(key_pem);
    auto key = crypto::PrivateKey::from_pem(*key_pem);
    if (!key)
        return wrong(spec, Fault::Malformed,
                     fmt::format("'{}' holds no unencrypted PEM private key: {}", spec.key_file, key.error().detail));
    if (key->public_key().to_der() != entry.certificate.public_key().to_der())
        return wrong(spec, Fault::Malformed,
                     fmt::format("the key in '{}' does not belong to the certificate in '{}'", spec.key_file,
                                 spec.certificate_file));
    entry.key = std::move(*key);
    return entry;
}

}  // namespace

const Pki::Entry* Pki::find(std::string_view name) const {
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.name == name; });
    return found == entries_.end() ? nullptr : &*found;
}

Result<crypto::Identity> Pki::identity(std::string_view name) const {
    const auto* entry = find(name);
    if (!entry) return fail(Fault::NotFound, fmt::format("the topology has no certificate '{}'", name));
    if (!entry->key)
        return fail(Fault::NotFound, fmt::format("certificate '{}' has no private key; name its key_file", name));
    return crypto::Identity{entry->certificate, *entry->key};
}

Result<crypto::TrustStore> Pki::trust(const std::vector<std::string>& names) const {
    crypto::TrustStore store;
    for (const auto& name : names) {
        const auto* entry = find(name);
        if (!entry) return fail(Fault::NotFound, fmt::format("the topology has no certificate '{}'", name));
        store.add(entry->certificate);
    }
    return store;
}

Result<Pki> prepare_pki(const Topology& topology, std::uint64_t seed) {
    std::vector<Pki::Entry> entries;
    entries.reserve(topology.certificates.size());  // so that pointers to issuers stay good
    for (const bool roots : {true, false})
        for (const auto& spec : topology.certificates) {
            if (spec.issuer.empty() != roots) continue;
            const auto issuer = std::find_if(entries.begin(), entries.end(), [&](const Pki::Entry& e) {
                return e.name == spec.issuer && e.issuer.empty();
            });
            if (!roots && issuer == entries.end())
                return wrong(spec, Fault::NotFound, fmt::format("its issuer '{}' is not a root", spec.issuer));
            auto entry =
                spec.certificate_file.empty() ? issue(topology, spec, seed, roots ? nullptr : &*issuer) : read(spec);
            if (!entry) return pass(entry);
            entries.push_back(std::move(*entry));
        }
    return Pki{std::move(entries)};
}

}  // namespace gatelab::sim
