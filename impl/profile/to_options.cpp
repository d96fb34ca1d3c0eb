#include <fmt/format.h>

#include <algorithm>

#include "impl/profile/ovpn.h"

namespace gatelab::profile {
namespace {

// An error of the PEM text in the block or file of that directive.
template <class T>
tl::unexpected<Error> within(std::string_view directive, const Result<T>& failed) {
    return fail(Fault::Malformed, fmt::format("{}: {}", directive, failed.error().detail));
}

// tls-cipher says which suites of TLS 1.2 there are, tls-ciphersuites which of TLS 1.3; each leaves the other alone.
std::vector<std::string> suites_of(const Ovpn& profile, const tls::Policy& policy) {
    std::vector<std::string> suites = profile.tls_ciphers;
    for (const bool tls13 : {true, false}) {
        const auto is_such = [&](const std::string& suite) { return tls::is_tls13(suite) == tls13; };
        if (std::ranges::any_of(profile.tls_ciphers, is_such)) continue;
        std::ranges::copy_if(policy.cipher_suites, std::back_inserter(suites), is_such);
    }
    return suites;
}

Result<tls::Policy> policy_of(const Ovpn& profile, tls::Policy policy) {
    policy.minimum = std::max(policy.minimum, profile.tls_version_min.value_or(policy.minimum));
    policy.maximum = std::min(policy.maximum, profile.tls_version_max.value_or(policy.maximum));
    if (policy.minimum > policy.maximum)
        return fail(Fault::Refused, fmt::format("tls-version-min {} and tls-version-max {} leave no version",
                                                tls::name_of(policy.minimum), tls::name_of(policy.maximum)));
    policy.cipher_suites = suites_of(profile, policy);
    return policy;
}

Result<void> set_identity(tls::Options& options, const Ovpn& profile) {
    if (profile.certificate.empty() && profile.key.empty()) return {};
    if (profile.certificate.empty()) return fail(Fault::Refused, "key without cert; expected both");
    if (profile.key.empty()) return fail(Fault::Refused, "cert without key; expected both");
    auto chain = crypto::Certificate::all_from_pem(profile.certificate);
    if (!chain) return within("cert", chain);
    auto key = crypto::PrivateKey::from_pem(profile.key);
    if (!key) return within("key", key);
    if (chain->front().public_key().to_der() != key->public_key().to_der())
        return fail(Fault::Refused,
                    fmt::format("key is not the one of cert {}; expected the private key that belongs to "
                                "the first certificate",
                                chain->front().subject()));
    options.identity = crypto::Identity{chain->front(), std::move(*key)};
    options.intermediates.assign(chain->begin() + 1, chain->end());
    if (profile.extra_certificates.empty()) return {};
    const auto extra = crypto::Certificate::all_from_pem(profile.extra_certificates);
    if (!extra) return within("extra-certs", extra);
    options.intermediates.insert(options.intermediates.end(), extra->begin(), extra->end());
    return {};
}

Result<void> set_roots(tls::Options& options, const Ovpn& profile) {
    if (profile.ca.empty())
        return fail(Fault::Refused, "ca is missing; expected the certificates that the server's may be signed by");
    const auto roots = crypto::Certificate::all_from_pem(profile.ca);
    if (!roots) return within("ca", roots);
    options.roots.emplace();
    for (const auto& root : *roots) options.roots->add(root);
    return {};
}

// "name" is the whole common name, "name-prefix" its beginning, "subject" the whole subject.
Result<void> judge_name(const crypto::Certificate& leaf, const std::string& type, const std::string& expected) {
    const auto found = type == "subject" ? leaf.subject_in_order() : leaf.common_name();
    if (type == "name-prefix" ? found.starts_with(expected) : found == expected) return {};
    return fail(Fault::Unauthentic, fmt::format("verify-x509-name: the server's certificate says \"{}\", expected {} "
                                                "\"{}\"",
                                                found, type, expected));
}

// RFC 3280's rules of a TLS server's certificate, as remote-cert-tls asks for them.
Result<void> judge_usage(const crypto::Certificate& leaf) {
    if (leaf.has_key_usage() && leaf.names_purpose(crypto::Purpose::ServerAuth)) return {};
    return fail(Fault::Unauthentic, "remote-cert-tls: the server's certificate " + leaf.subject() +
                                        " lacks keyUsage or the extendedKeyUsage serverAuth");
}

std::function<Result<void>(const crypto::Certificate&)> judge_of(const Ovpn& profile) {
    if (!profile.verify_x509_name && !profile.remote_cert_tls_server) return {};
    return [name = profile.verify_x509_name, type = profile.verify_x509_type,
            usage = profile.remote_cert_tls_server](const crypto::Certificate& leaf) -> Result<void> {
        if (usage) {
            if (const auto held = judge_usage(leaf); !held) return held;
        }
        return name ? judge_name(leaf, type, *name) : Result<void>{};
    };
}

Result<openvpn::ControlProtection> protection_of(const Ovpn& profile) {
    const int count = !profile.tls_auth.empty() + !profile.tls_crypt.empty() + !profile.tls_crypt_v2.empty();
    if (count > 1) return fail(Fault::Refused, "tls-auth, tls-crypt and tls-crypt-v2 exclude each other");
    if (!profile.tls_auth.empty()) {
        const auto key = openvpn::StaticKey::from_pem(profile.tls_auth);
        if (!key) return within("tls-auth", key);
        return openvpn::TlsAuth{*key, profile.key_direction.value_or(openvpn::KeyDirection::Bidirectional),
                                profile.auth.value_or(crypto::Hash::Sha1)};
    }
    if (!profile.tls_crypt.empty()) {
        const auto key = openvpn::StaticKey::from_pem(profile.tls_crypt);
        if (!key) return within("tls-crypt", key);
        return openvpn::TlsCrypt{*key};
    }
    if (!profile.tls_crypt_v2.empty()) {
        auto key = openvpn::TlsCryptV2ClientKey::from_pem(profile.tls_crypt_v2);
        if (!key) return within("tls-crypt-v2", key);
        return openvpn::TlsCryptV2{std::move(*key)};
    }
    return openvpn::Unprotected{};
}

Result<void> set_credentials(openvpn::Options& options, const Ovpn& profile) {
    if (!profile.auth_user_pass) {
        if (options.tls.identity) return {};
        return fail(Fault::Refused, "nothing to sign in with; expected cert and key, or auth-user-pass");
    }
    if (profile.username.empty())
        return fail(Fault::Refused, "auth-user-pass without a name; expected it and the password in an inline block");
    options.credentials = openvpn::Credentials{profile.username, profile.password};
    return {};
}

template <class T>
void take(T& option, const std::optional<T>& said) {
    if (said) option = *said;
}

void set_numbers(openvpn::Options& options, const Ovpn& profile) {
    take(options.auth, profile.auth);
    take(options.tun_mtu, profile.tun_mtu);
    options.mssfix = profile.mssfix;
    if (profile.fragment.value_or(0) != 0) options.fragment = profile.fragment;
    take(options.ping, profile.ping);
    take(options.ping_restart, profile.ping_restart);
    take(options.renegotiate, profile.renegotiate);
    take(options.renegotiate_bytes, profile.renegotiate_bytes);
    take(options.renegotiate_packets, profile.renegotiate_packets);
    take(options.handshake_window, profile.handshake_window);
    take(options.transition_window, profile.transition_window);
    take(options.tls_timeout, profile.tls_timeout);
    if (options.transport == openvpn::Transport::Udp) take(options.explicit_exit_notify, profile.explicit_exit_notify);
}

}  // namespace

Result<openvpn::Options> to_options(const Ovpn& profile, const tls::Policy& policy) {
    openvpn::Options options;
    options.role = openvpn::Role::Client;
    if (profile.remotes.empty()) return fail(Fault::Refused, "remote is missing; expected a server's name or address");
    options.transport = profile.remotes.front().transport.value_or(profile.transport.value_or(openvpn::Transport::Udp));
    auto suites = policy_of(profile, policy);
    if (!suites) return pass(suites);
    options.tls.role = tls::Role::Client;
    options.tls.policy = std::move(*suites);
    if (const auto set = set_roots(options.tls, profile); !set) return pass(set);
    if (const auto set = set_identity(options.tls, profile); !set) return pass(set);
    options.tls.judge = judge_of(profile);
    auto protection = protection_of(profile);
    if (!protection) return pass(protection);
    options.protection = std::move(*protection);
    if (const auto set = set_credentials(options, profile); !set) return pass(set);
    if (!profile.data_ciphers.empty()) options.data_ciphers = profile.data_ciphers;
    options.fallback_cipher = profile.fallback_cipher;
    options.cipher = profile.cipher;
    set_numbers(options, profile);
    return options;
}

}  // namespace gatelab::profile
