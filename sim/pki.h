// The keys and certificates of a topology: issued for the run, or read from the files that it names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "impl/base/result.h"
#include "impl/crypto/certificates.h"
#include "topologies/model/topology.h"

namespace gatelab::sim {

class Pki {
public:
    struct Entry {
        std::string name;
        std::string issuer;  // "" for a root
        crypto::Certificate certificate;
        std::optional<crypto::PrivateKey>
            key;  // none for a certificate file without a key file: it can only be trusted
    };

    explicit Pki(std::vector<Entry> entries) : entries_(std::move(entries)) {}

    const std::vector<Entry>& entries() const { return entries_; }  // roots first, then in the topology's order
    const Entry* find(std::string_view name) const;                 // nullptr when there is none

    // The certificate of that name with its key. NotFound when the topology has no such certificate or no key for it.
    Result<crypto::Identity> identity(std::string_view name) const;
    // The roots of those names. NotFound when one is missing.
    Result<crypto::TrustStore> trust(const std::vector<std::string>& names) const;

private:
    std::vector<Entry> entries_;
};

// Issues or reads every certificate of the topology. What is issued depends on the seed, the certificate's name and its
// specification alone, and is kept for the life of the process: a parent that prepares it before it forks workers saves
// them the key generation. What has not been issued yet must not be asked for while a crypto::ScopedRandomSource lives,
// and so not beside a Scenario; of the same topology and seed, a Scenario's own call has issued everything, and this
// finds it. Errors begin with the file, line and column where the topology speaks of the certificate.
Result<Pki> prepare_pki(const topologies::Topology&, std::uint64_t seed);

}  // namespace gatelab::sim
