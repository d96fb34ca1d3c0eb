#include "impl/ikev2/proposals.h"

#include <algorithm>

namespace gatelab::ikev2 {
namespace {

constexpr std::uint16_t kNone = 0;  // NONE among integrity algorithms and groups, "no ESN" among sequence numbers

// One row as the transforms that it stands for. Integrity may be missing from an offer where the row has none.
struct Row {
    std::vector<Transform> transforms;
    std::uint16_t group = kNone;
};

Transform transform(TransformType type, std::uint16_t id, int key_bits = 0) { return {type, id, key_bits, true}; }

Row row_of(const IkeSuite& suite) {
    Row row;
    row.transforms.push_back(
        transform(TransformType::Encryption, static_cast<std::uint16_t>(suite.encryption), suite.key_bits));
    row.transforms.push_back(transform(TransformType::Prf, static_cast<std::uint16_t>(suite.prf)));
    if (suite.integrity != Integrity::None)
        row.transforms.push_back(transform(TransformType::Integrity, static_cast<std::uint16_t>(suite.integrity)));
    row.group = static_cast<std::uint16_t>(suite.group);
    return row;
}

Row row_of(const ChildSuite& suite) {
    Row row;
    const auto cipher = suite.esp.cipher == esp::Cipher::AesGcm16 ? Encryption::AesGcm16 : Encryption::AesCbc;
    row.transforms.push_back(
        transform(TransformType::Encryption, static_cast<std::uint16_t>(cipher), suite.esp.key_bits));
    const auto integrity = [&] {
        switch (suite.esp.integrity) {
            case esp::Integrity::None: break;
            case esp::Integrity::HmacSha1_96: return Integrity::HmacSha1_96;
            case esp::Integrity::HmacSha256_128: return Integrity::HmacSha256_128;
            case esp::Integrity::HmacSha384_192: return Integrity::HmacSha384_192;
        }
        return Integrity::None;
    }();
    if (integrity != Integrity::None)
        row.transforms.push_back(transform(TransformType::Integrity, static_cast<std::uint16_t>(integrity)));
    row.transforms.push_back(transform(TransformType::SequenceNumbers, suite.esp.extended_sequence_numbers ? 1 : 0));
    row.group = suite.pfs ? static_cast<std::uint16_t>(*suite.pfs) : kNone;
    return row;
}

// Rows in order, those with equal transforms merged into one proposal with all their groups.
std::vector<Proposal> propose(const std::vector<Row>& rows, Protocol protocol, ByteView spi, bool with_groups) {
    struct Merged {
        std::vector<Transform> transforms;
        std::vector<std::uint16_t> groups;
    };
    std::vector<Merged> merged;
    for (const auto& row : rows) {
        auto same = std::find_if(merged.begin(), merged.end(),
                                 [&](const Merged& other) { return other.transforms == row.transforms; });
        if (same == merged.end()) same = merged.insert(merged.end(), Merged{row.transforms, {}});
        if (std::find(same->groups.begin(), same->groups.end(), row.group) == same->groups.end())
            same->groups.push_back(row.group);
    }
    std::vector<Proposal> proposals;
    for (auto& [transforms, groups] : merged) {
        Proposal proposal{static_cast<std::uint8_t>(proposals.size() + 1), protocol, copy_of(spi), transforms};
        const bool only_none = groups == std::vector<std::uint16_t>{kNone};
        if (with_groups && !only_none) {
            for (const auto group : groups) proposal.transforms.push_back(transform(TransformType::Group, group));
        }
        proposals.push_back(std::move(proposal));
    }
    return proposals;
}

bool offers(const Proposal& proposal, const Transform& wanted) {
    return std::find(proposal.transforms.begin(), proposal.transforms.end(), wanted) != proposal.transforms.end();
}

bool has_type(const Proposal& proposal, TransformType type) {
    return std::any_of(proposal.transforms.begin(), proposal.transforms.end(),
                       [type](const Transform& offered) { return offered.type == type; });
}

// The answer to `proposal` that takes exactly the row, or nothing when it does not offer it. Every type that the
// proposal names needs one transform taken (RFC 7296 section 3.3.6).
std::optional<Proposal> answer(const Proposal& proposal, const Row& row, bool with_groups) {
    Proposal chosen{proposal.number, proposal.protocol, proposal.spi, {}};
    const auto take = [&](const Transform& wanted) {
        if (!offers(proposal, wanted)) return false;
        chosen.transforms.push_back(wanted);
        return true;
    };
    for (const auto& wanted : row.transforms)
        if (!take(wanted)) return std::nullopt;
    const auto group = transform(TransformType::Group, row.group);
    if (with_groups && !take(group) && (row.group != kNone || has_type(proposal, TransformType::Group)))
        return std::nullopt;
    for (const auto& offered : proposal.transforms) {
        if (has_type(chosen, offered.type)) continue;
        if (offered.type == TransformType::Group && !with_groups) continue;
        if (offered.type == TransformType::Integrity && take(transform(TransformType::Integrity, kNone))) continue;
        return std::nullopt;
    }
    return chosen;
}

template <class Chosen, class Suite>
std::optional<Chosen> choose(const std::vector<Suite>& suites, const std::vector<Proposal>& offered, Protocol protocol,
                             std::size_t spi_size, bool with_groups) {
    for (const auto& suite : suites) {
        const Row row = row_of(suite);
        for (const auto& proposal : offered) {
            if (proposal.protocol != protocol || proposal.spi.size() != spi_size) continue;
            if (auto chosen = answer(proposal, row, with_groups)) return Chosen{suite, std::move(*chosen)};
        }
    }
    return std::nullopt;
}

std::vector<IkeSuite> supported(const std::vector<IkeSuite>& rows) {
    std::vector<IkeSuite> usable;
    std::copy_if(rows.begin(), rows.end(), std::back_inserter(usable), is_supported);
    return usable;
}

template <class Suite>
std::vector<Row> rows_of(const std::vector<Suite>& suites) {
    std::vector<Row> rows;
    for (const auto& suite : suites) rows.push_back(row_of(suite));
    return rows;
}

}  // namespace

bool is_supported(const IkeSuite& suite) {
    switch (suite.encryption) {
        case Encryption::TripleDes: return false;
        case Encryption::AesCbc: return suite.integrity != Integrity::None;
        case Encryption::AesGcm16: return suite.integrity == Integrity::None;
    }
    return false;
}

std::vector<Proposal> propose_ike(const std::vector<IkeSuite>& rows, ByteView spi) {
    return propose(rows_of(supported(rows)), Protocol::Ike, spi, true);
}

std::vector<Proposal> propose_child(const std::vector<ChildSuite>& rows, esp::Spi spi, bool with_groups) {
    const Bytes wire_spi = ByteWriter{}.u32(spi.value()).take();
    return propose(rows_of(rows), Protocol::Esp, wire_spi, with_groups);
}

std::optional<ChosenIke> choose_ike(const std::vector<IkeSuite>& rows, const std::vector<Proposal>& offered) {
    // An offer in IKE_SA_INIT has no SPI, one that rekeys has 8 bytes; both sides of one exchange agree in that.
    const std::size_t spi_size = offered.empty() ? 0 : offered.front().spi.size();
    if (spi_size != 0 && spi_size != 8) return std::nullopt;
    return choose<ChosenIke>(supported(rows), offered, Protocol::Ike, spi_size, true);
}

std::optional<ChosenChild> choose_child(const std::vector<ChildSuite>& rows, const std::vector<Proposal>& offered,
                                        bool with_groups) {
    return choose<ChosenChild>(rows, offered, Protocol::Esp, 4, with_groups);
}

std::vector<IkeSuite> preferring(std::vector<IkeSuite> rows, const IkeSuite& current) {
    std::stable_partition(rows.begin(), rows.end(), [&](const IkeSuite& row) { return row == current; });
    return rows;
}

std::vector<ChildSuite> preferring(std::vector<ChildSuite> rows, const ChildSuite& current) {
    std::stable_partition(rows.begin(), rows.end(), [&](const ChildSuite& row) { return row.esp == current.esp; });
    std::stable_partition(rows.begin(), rows.end(), [&](const ChildSuite& row) { return row == current; });
    return rows;
}

}  // namespace gatelab::ikev2
