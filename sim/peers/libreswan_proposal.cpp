#include "sim/peers/libreswan_proposal.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace gatelab::sim::peers {
namespace {

using crypto::Group;

struct GroupName {
    Group group;
    std::string_view configured, logged;
};
constexpr std::array kGroups = {GroupName{Group::Modp2048, "dh14", "MODP2048"},
                                GroupName{Group::Ecp256, "dh19", "DH19"}, GroupName{Group::Ecp384, "dh20", "DH20"}};

std::string_view keyword(Group group) {
    for (const auto& name : kGroups)
        if (name.group == group) return name.configured;
    return {};
}

std::string cipher(bool combined, int bits) { return fmt::format("{}{}", combined ? "aes_gcm" : "aes", bits); }

std::string_view keyword(ikev2::Prf prf) {
    switch (prf) {
        case ikev2::Prf::HmacSha1: return "sha1";
        case ikev2::Prf::HmacSha256: return "sha2_256";
        case ikev2::Prf::HmacSha384: return "sha2_384";
        case ikev2::Prf::HmacSha512: return "sha2_512";
    }
    return {};
}

// libreswan derives an IKE SA's integrity algorithm from its PRF.
bool is_pair(ikev2::Prf prf, ikev2::Integrity integrity) {
    switch (integrity) {
        case ikev2::Integrity::None: return true;
        case ikev2::Integrity::HmacSha1_96: return prf == ikev2::Prf::HmacSha1;
        case ikev2::Integrity::HmacSha256_128: return prf == ikev2::Prf::HmacSha256;
        case ikev2::Integrity::HmacSha384_192: return prf == ikev2::Prf::HmacSha384;
        case ikev2::Integrity::HmacSha512_256: return prf == ikev2::Prf::HmacSha512;
    }
    return false;
}

std::string_view keyword(esp::Integrity integrity) {
    switch (integrity) {
        case esp::Integrity::None: return "";
        case esp::Integrity::HmacSha1_96: return "-sha1";
        case esp::Integrity::HmacSha256_128: return "-sha2_256";
        case esp::Integrity::HmacSha384_192: return "-sha2_384";
    }
    return {};
}

std::string_view logged_group(std::string_view name) {
    for (const auto& group : kGroups) {
        if (name != group.logged) continue;
        switch (group.group) {
            case Group::Modp2048: return "MODP_2048";
            case Group::Ecp256: return "ECP_256";
            default: return "ECP_384";
        }
    }
    return {};
}

// "AES_CBC_256" as "AES_CBC-256".
std::string logged_cipher(std::string_view name) {
    std::string text{name};
    if (const auto joint = text.rfind('_'); joint != std::string::npos) text[joint] = '-';
    return text;
}

std::string_view value_after(std::string_view text, std::string_view name) {
    const auto at = text.find(name);
    if (at == std::string_view::npos) return {};
    const auto rest = text.substr(at + name.size());
    return rest.substr(0, rest.find_first_of(" }"));
}

std::optional<Group> choice_of(const std::vector<ikev2::ChildSuite>& policy) {
    if (std::any_of(policy.begin(), policy.end(), [](const auto& row) { return !row.pfs; })) return std::nullopt;
    for (const auto& row : policy)
        if (!keyword(*row.pfs).empty()) return row.pfs;
    return std::nullopt;
}

}  // namespace

std::optional<std::string> to_libreswan(const ikev2::IkeSuite& suite) {
    const auto group = keyword(suite.group);
    if (group.empty() || suite.encryption == ikev2::Encryption::TripleDes || !is_pair(suite.prf, suite.integrity))
        return std::nullopt;
    return fmt::format("{}-{}-{}", cipher(suite.encryption == ikev2::Encryption::AesGcm16, suite.key_bits),
                       keyword(suite.prf), group);
}

Result<std::string> libreswan_ike(const std::vector<ikev2::IkeSuite>& policy) {
    std::string text;
    for (const auto& row : policy) {
        const auto proposal = to_libreswan(row);
        if (!proposal) continue;
        if (!text.empty()) text += ',';
        text += *proposal;
    }
    if (text.empty()) return fail(Fault::Unsupported, "libreswan has none of the rows of the IKE policy");
    return text;
}

Result<LibreswanChildren> libreswan_children(const std::vector<ikev2::ChildSuite>& policy) {
    LibreswanChildren children;
    const auto group = choice_of(policy);
    children.pfs = group.has_value();
    bool with = false, without = false;
    for (const auto& row : policy) {
        if (row.pfs != group) continue;
        (row.esp.extended_sequence_numbers ? with : without) = true;
        auto text = cipher(row.esp.cipher == esp::Cipher::AesGcm16, row.esp.key_bits);
        text += keyword(row.esp.integrity);
        if (group) text += fmt::format(";{}", keyword(*group));
        if (!children.proposals.empty()) children.proposals += ',';
        children.proposals += text;
    }
    if (children.proposals.empty())
        return fail(Fault::Unsupported, "libreswan has none of the rows of the IPsec policy");
    children.extended_sequence_numbers = !with ? "no" : without ? "either" : "yes";
    return children;
}

std::string ike_row_from_libreswan(std::string_view text) {
    auto row = logged_cipher(value_after(text, "cipher="));
    const auto integrity = value_after(text, "integ="), prf = value_after(text, "prf=");
    const auto group = logged_group(value_after(text, "group="));
    if (row.empty() || prf.empty() || group.empty()) return {};
    if (integrity != "n/a") row += fmt::format("/{}", integrity);
    return fmt::format("{}/PRF_{}/{}", row, prf, group);
}

std::string child_row_from_libreswan(std::string_view text, bool extended_sequence_numbers) {
    const auto dash = text.find('-');
    if (dash == std::string_view::npos) return {};
    auto row = logged_cipher(text.substr(0, dash));
    text.remove_prefix(dash + 1);
    const auto integrity = text.substr(0, text.find('-'));
    if (integrity != "NONE") row += fmt::format("/{}", integrity);
    if (integrity.size() < text.size()) row += fmt::format("/{}", logged_group(text.substr(integrity.size() + 1)));
    if (extended_sequence_numbers) row += "/ESN";
    return row;
}

}  // namespace gatelab::sim::peers
