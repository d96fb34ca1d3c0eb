// Which TLS versions and cipher suites an end allows; Azure's for point-to-site as ready profiles.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "impl/base/result.h"

namespace gatelab::tls {

enum class Version { Tls12, Tls13 };
std::string_view name_of(Version);  // "TLSv1.2", as OpenSSL and Wireshark write it

struct Policy {
    Version minimum = Version::Tls12;  // TLS 1.0 and 1.1 do not exist here (P2S-PROTO-07)
    Version maximum = Version::Tls13;
    // IANA names in order of preference, of both versions; the server's order decides.
    std::vector<std::string> cipher_suites;
};

// The editions of Azure's documentation disagree; the older list is the default (P2S-TLS-01, P2S-TLS-02).
enum class Profile { P2s2023, P2s2026 };
std::string_view name_of(Profile);  // "p2s-2023"
std::optional<Profile> profile_of(std::string_view name);

// What carries TLS: TLS 1.3 is allowed for OpenVPN only.
enum class Carrier { OpenVpn, Sstp };
Policy p2s_policy(Profile, Carrier);

// Every suite that this implementation knows for the versions of the policy: what a client without a policy of its own
// offers.
Policy any_policy();

// "TLS_RSA_WITH_AES_128_GCM_SHA256" to OpenSSL's "AES128-GCM-SHA256"; NotFound names a suite that OpenSSL does not
// know.
Result<std::string> openssl_name_of(std::string_view iana);

// And back, of the suites of any_policy().
Result<std::string> iana_name_of(std::string_view openssl);

// Whether the suite is one of TLS 1.3; those name no key exchange (RFC 8446 appendix B.4).
bool is_tls13(std::string_view iana);

}  // namespace gatelab::tls
