// Which algorithms may be negotiated, as rows: one row is one acceptable combination.
//
// A policy is a list of rows, best first. On the wire, rows that differ only in their group share a proposal, which
// says exactly the same (RFC 7296 section 3.3).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "impl/base/result.h"
#include "impl/crypto/algorithms.h"
#include "impl/crypto/key_agreement.h"
#include "impl/esp/suite.h"

namespace gatelab::ikev2 {

// Values are IANA's "Transform Type 1", "2" and "3" numbers.
enum class Encryption : std::uint16_t { TripleDes = 3, AesCbc = 12, AesGcm16 = 20 };
enum class Prf : std::uint16_t { HmacSha1 = 2, HmacSha256 = 5, HmacSha384 = 6, HmacSha512 = 7 };
enum class Integrity : std::uint16_t {
    None = 0,
    HmacSha1_96 = 2,
    HmacSha256_128 = 12,
    HmacSha384_192 = 13,
    HmacSha512_256 = 14
};

struct IkeSuite {
    Encryption encryption = Encryption::AesGcm16;
    int key_bits = 256;
    Integrity integrity = Integrity::None;  // None with AesGcm16 and only there
    Prf prf = Prf::HmacSha384;
    crypto::Group group = crypto::Group::Ecp384;
    friend constexpr bool operator==(const IkeSuite&, const IkeSuite&) = default;
};

struct ChildSuite {
    esp::Suite esp;
    std::optional<crypto::Group> pfs;  // group of a fresh exchange when the child is rekeyed or added later
    friend constexpr bool operator==(const ChildSuite&, const ChildSuite&) = default;
};

std::string to_string(const IkeSuite&);    // "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384"
std::string to_string(const ChildSuite&);  // "AES_CBC-256/HMAC_SHA2_256_128/MODP_2048", group 24 being MODP_2048_256

// The reverse of to_string. Malformed for a word that it does not know, and for rows that cannot be: AES_GCM_16 with an
// integrity algorithm, AES_CBC without.
Result<IkeSuite> parse_ike_suite(std::string_view);
Result<ChildSuite> parse_child_suite(std::string_view);

// The default IKE policy of an Azure P2S gateway: 17 rows in documented order (P2S-IKE-01).
const std::vector<IkeSuite>& p2s_ike_policy();
// The default IPsec policy of an Azure P2S gateway: 11 rows in documented order (P2S-IKE-02).
const std::vector<ChildSuite>& p2s_ipsec_policy();

}  // namespace gatelab::ikev2
