#include "sim/peers/strongswan_proposal.h"

#include <fmt/format.h>

namespace gatelab::sim::peers {
namespace {

using crypto::Group;

std::string_view keyword(Group group) {
    switch (group) {
        case Group::Modp1024: return "modp1024";
        case Group::Modp2048: return "modp2048";
        case Group::Ecp256: return "ecp256";
        case Group::Ecp384: return "ecp384";
        case Group::Modp2048Sub256: return "modp2048s256";
    }
    return {};
}

std::string_view keyword(ikev2::Integrity integrity) {
    switch (integrity) {
        case ikev2::Integrity::None: return "";
        case ikev2::Integrity::HmacSha1_96: return "-sha1";
        case ikev2::Integrity::HmacSha256_128: return "-sha256";
        case ikev2::Integrity::HmacSha384_192: return "-sha384";
        case ikev2::Integrity::HmacSha512_256: return "-sha512";
    }
    return {};
}

std::string_view keyword(esp::Integrity integrity) {
    switch (integrity) {
        case esp::Integrity::None: return "";
        case esp::Integrity::HmacSha1_96: return "-sha1";
        case esp::Integrity::HmacSha256_128: return "-sha256";
        case esp::Integrity::HmacSha384_192: return "-sha384";
    }
    return {};
}

std::string_view keyword(ikev2::Prf prf) {
    switch (prf) {
        case ikev2::Prf::HmacSha1: return "-prfsha1";
        case ikev2::Prf::HmacSha256: return "-prfsha256";
        case ikev2::Prf::HmacSha384: return "-prfsha384";
        case ikev2::Prf::HmacSha512: return "-prfsha512";
    }
    return {};
}

std::string cipher_of(ikev2::Encryption encryption, int bits) {
    switch (encryption) {
        case ikev2::Encryption::TripleDes: return "3des";
        case ikev2::Encryption::AesCbc: return fmt::format("aes{}", bits);
        case ikev2::Encryption::AesGcm16: return fmt::format("aes{}gcm16", bits);
    }
    return {};
}

template <class Suite>
std::string join(const std::vector<Suite>& policy) {
    std::string text;
    for (const auto& row : policy) {
        if (!text.empty()) text += ',';
        text += to_proposal(row);
    }
    return text;
}

}  // namespace

std::string to_proposal(const ikev2::IkeSuite& suite) {
    return fmt::format("{}{}{}-{}", cipher_of(suite.encryption, suite.key_bits), keyword(suite.integrity),
                       keyword(suite.prf), keyword(suite.group));
}

std::string to_proposal(const ikev2::ChildSuite& suite) {
    const bool combined = suite.esp.cipher == esp::Cipher::AesGcm16;
    std::string text =
        cipher_of(combined ? ikev2::Encryption::AesGcm16 : ikev2::Encryption::AesCbc, suite.esp.key_bits);
    text += keyword(suite.esp.integrity);
    if (suite.pfs) text += fmt::format("-{}", keyword(*suite.pfs));
    if (suite.esp.extended_sequence_numbers) text += "-esn";
    return text;
}

std::string to_proposals(const std::vector<ikev2::IkeSuite>& policy) { return join(policy); }
std::string to_proposals(const std::vector<ikev2::ChildSuite>& policy) { return join(policy); }

// Every algorithm of gatelab's rows has a keyword, and Debian's openssl plugin brings them all; what is not possible is
// a matter of how its user-space ESP works.
Expressible expressible(const ikev2::IkeSuite& ike, const ikev2::ChildSuite& child, EspBy esp) {
    if (ike.encryption == ikev2::Encryption::TripleDes)
        return {false, "3DES for IKE is left out: no policy of an Azure point-to-site gateway has it"};
    if (child.esp.extended_sequence_numbers && esp == EspBy::Libipsec)
        return {false, "strongSwan's user-space ESP (kernel-libipsec) has no extended sequence numbers"};
    return {};
}

}  // namespace gatelab::sim::peers
