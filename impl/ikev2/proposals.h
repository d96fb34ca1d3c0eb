// Policies as SA payloads, and the choice among what was offered (RFC 7296 sections 2.7 and 3.3).
//
// A responder takes the first of its own rows that the initiator offered: the gateway's order of preference counts.
#pragma once

#include <optional>
#include <vector>

#include "impl/ikev2/payloads.h"
#include "impl/ikev2/policy.h"

namespace gatelab::ikev2 {

// Whether our cryptography can carry out a row; rows that it cannot are neither offered nor chosen.
bool is_supported(const IkeSuite&);

// Proposals numbered from 1, rows that differ only in their group merged into one.
std::vector<Proposal> propose_ike(const std::vector<IkeSuite>& rows, ByteView spi);
// `with_groups`: for CREATE_CHILD_SA; IKE_AUTH has no key exchange of its own (RFC 7296 section 1.2). A proposal that
// merges rows with and without a group offers the group NONE beside the others.
std::vector<Proposal> propose_child(const std::vector<ChildSuite>& rows, esp::Spi spi, bool with_groups);

struct ChosenIke {
    IkeSuite suite;
    Proposal answer;  // one transform of each type; the SPI is the offer's, to be replaced by ours
};
struct ChosenChild {
    ChildSuite suite;
    Proposal answer;
};

std::optional<ChosenIke> choose_ike(const std::vector<IkeSuite>& rows, const std::vector<Proposal>& offered);
// Without `with_groups` an offer's groups are ignored, and the suite is the first row that fits otherwise.
std::optional<ChosenChild> choose_child(const std::vector<ChildSuite>& rows, const std::vector<Proposal>& offered,
                                        bool with_groups);

// The rows again, those with the algorithms of `current` first: what a rekey offers.
std::vector<IkeSuite> preferring(std::vector<IkeSuite> rows, const IkeSuite& current);
std::vector<ChildSuite> preferring(std::vector<ChildSuite> rows, const ChildSuite& current);

}  // namespace gatelab::ikev2
