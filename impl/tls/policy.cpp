#include "impl/tls/policy.h"

#include <openssl/ssl.h>

#include <algorithm>

namespace gatelab::tls {
namespace {

// ABT23: the table of the 2020 to 2023 editions, TLS 1.2 only.
const std::vector<std::string> kP2s2023{
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",   "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",   "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",         "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",         "TLS_RSA_WITH_AES_256_CBC_SHA256",
};

// ABT26.
const std::vector<std::string> kP2s2026Tls13{"TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"};
const std::vector<std::string> kP2s2026Tls12{
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
};

const std::vector<std::string> kAny{
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
};

}  // namespace

std::string_view name_of(Version version) { return version == Version::Tls12 ? "TLSv1.2" : "TLSv1.3"; }

std::string_view name_of(Profile profile) { return profile == Profile::P2s2023 ? "p2s-2023" : "p2s-2026"; }

std::optional<Profile> profile_of(std::string_view name) {
    for (const auto profile : {Profile::P2s2023, Profile::P2s2026})
        if (name_of(profile) == name) return profile;
    return {};
}

Policy p2s_policy(Profile profile, Carrier carrier) {
    if (profile == Profile::P2s2023) return {Version::Tls12, Version::Tls12, kP2s2023};
    if (carrier == Carrier::Sstp) return {Version::Tls12, Version::Tls12, kP2s2026Tls12};
    Policy policy{Version::Tls12, Version::Tls13, kP2s2026Tls13};
    policy.cipher_suites.insert(policy.cipher_suites.end(), kP2s2026Tls12.begin(), kP2s2026Tls12.end());
    return policy;
}

Policy any_policy() { return {Version::Tls12, Version::Tls13, kAny}; }

Result<std::string> openssl_name_of(std::string_view iana) {
    const std::string_view name = OPENSSL_cipher_name(std::string{iana}.c_str());
    if (name == "(NONE)")
        return fail(Fault::NotFound, "TLS cipher suite \"" + std::string{iana} +
                                         "\" is unknown; expected an IANA name such as " + kP2s2023[2]);
    return std::string{name};
}

Result<std::string> iana_name_of(std::string_view openssl) {
    for (const auto& suite : kAny)
        if (openssl_name_of(suite) == openssl) return suite;
    return fail(Fault::NotFound, "TLS cipher suite \"" + std::string{openssl} +
                                     "\" is unknown; expected a name of OpenSSL's such as ECDHE-RSA-AES128-GCM-SHA256");
}

bool is_tls13(std::string_view iana) { return iana.starts_with("TLS_") && iana.find("_WITH_") == iana.npos; }

}  // namespace gatelab::tls
