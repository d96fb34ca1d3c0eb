#include "sim/openvpn_profile.h"

#include <fmt/format.h>

#include <algorithm>

#include "impl/base/random.h"
#include "sim/credentials.h"

namespace gatelab::sim {
namespace {

using topologies::Client;
using topologies::Gateway;
using topologies::OpenVpn;

const OpenVpn kDefault;

openvpn::Transport transport_of(topologies::Transport transport) {
    return transport == topologies::Transport::Tcp ? openvpn::Transport::Tcp : openvpn::Transport::Udp;
}

Result<openvpn::DataCipher> cipher_of(const std::string& name) {
    if (const auto cipher = openvpn::data_cipher_of(name)) return *cipher;
    return fail(Fault::Unsupported,
                fmt::format("data cipher \"{}\", expected AES-256-GCM, AES-128-GCM or AES-256-CBC", name));
}

// What the two must agree on: the client's own setting, or else the gateway's.
template <class T>
const T& agreed(const Client& client, const Gateway& gateway, T OpenVpn::*setting) {
    return client.openvpn.*setting != kDefault.*setting ? client.openvpn.*setting : gateway.openvpn.*setting;
}

Result<profile::Remote> remote_of(const Client& client, const Gateway& gateway, std::string server_name) {
    const bool is_tcp = client.openvpn.transport == topologies::Transport::Tcp;
    const auto port = is_tcp ? gateway.openvpn.tcp_port : gateway.openvpn.udp_port;
    if (!port)
        return fail(Fault::Refused, fmt::format("dials over {}, which gateway {} does not listen on",
                                                is_tcp ? "TCP" : "UDP", client.gateway));
    return profile::Remote{std::move(server_name), *port, {}};
}

Result<void> set_ciphers(profile::Ovpn& profile, const Client& client, const Gateway& gateway) {
    profile.auth = agreed(client, gateway, &OpenVpn::auth) == "SHA1" ? crypto::Hash::Sha1 : crypto::Hash::Sha256;
    profile.cipher = openvpn::DataCipher::Aes256Gcm;
    for (const auto& name : agreed(client, gateway, &OpenVpn::data_ciphers)) {
        const auto cipher = cipher_of(name);
        if (!cipher) return pass(cipher);
        profile.data_ciphers.push_back(*cipher);
    }
    if (client.openvpn.fallback_cipher.empty()) return {};
    const auto fallback = cipher_of(client.openvpn.fallback_cipher);
    if (!fallback) return pass(fallback);
    profile.fallback_cipher = *fallback;
    return {};
}

// tls-cipher and tls-ciphersuites each leave the other version's suites alone, so the versions are named too.
void set_suites(profile::Ovpn& profile, const OpenVpn& settings) {
    profile.tls_version_min = tls::Version::Tls12;
    if (settings.tls_version_max == "1.2") profile.tls_version_max = tls::Version::Tls12;
    profile.tls_ciphers = settings.tls_suites;
    if (settings.tls_suites.empty()) return;
    if (std::ranges::none_of(settings.tls_suites, tls::is_tls13)) profile.tls_version_max = tls::Version::Tls12;
    if (std::ranges::all_of(settings.tls_suites, tls::is_tls13)) profile.tls_version_min = tls::Version::Tls13;
}

template <class T>
void set_unless_default(std::optional<T>& directive, const T& setting, const T& normal) {
    if (setting != normal) directive = setting;
}

void set_numbers(profile::Ovpn& profile, const Client& client, const Gateway& gateway) {
    const auto& own = client.openvpn;
    // Azure's profile is for TCP, which repeats for itself; a datagram must not wait for half a minute.
    if (own.transport == topologies::Transport::Tcp) profile.tls_timeout = std::chrono::seconds(30);
    set_unless_default(profile.renegotiate, own.renegotiate, kDefault.renegotiate);
    set_unless_default(profile.handshake_window, own.handshake_window, kDefault.handshake_window);
    set_unless_default(profile.transition_window, own.transition_window, kDefault.transition_window);
    set_unless_default(profile.tun_mtu, agreed(client, gateway, &OpenVpn::tun_mtu), kDefault.tun_mtu);
    profile.mssfix = own.mssfix;
    if (own.transport == topologies::Transport::Tcp) return;  // the rest is UDP's alone
    profile.fragment = agreed(client, gateway, &OpenVpn::fragment);
    set_unless_default(profile.explicit_exit_notify, own.explicit_exit_notify, kDefault.explicit_exit_notify);
}

void set_protection(profile::Ovpn& profile, const Client& client, const Gateway& gateway, std::string_view name,
                    std::uint64_t seed) {
    switch (gateway.openvpn.protection) {
        case OpenVpn::Protection::TlsAuth:
            profile.tls_auth = keys_of(client.gateway, seed).key.to_pem();
            profile.key_direction = openvpn::KeyDirection::Inverse;
            return;
        case OpenVpn::Protection::TlsCrypt: profile.tls_crypt = keys_of(client.gateway, seed).key.to_pem(); return;
        case OpenVpn::Protection::TlsCryptV2:
            profile.tls_crypt_v2 = client_key_of(client.gateway, name, seed).to_pem();
            return;
        case OpenVpn::Protection::None: return;
    }
}

Result<void> set_credentials(profile::Ovpn& profile, const Client& client, const Gateway& gateway, const Pki& pki) {
    const auto roots = roots_of_gateway(pki, gateway);
    if (!roots) return pass(roots);
    for (const auto& root : roots->roots()) profile.ca += root.to_pem();
    const bool has_password = client.authentication == topologies::Authentication::Password || !client.username.empty();
    if (has_password) {
        profile.auth_user_pass = true;
        profile.username = client.username;
        profile.password = client.password;
        if (client.certificate.empty()) return {};
    }
    const auto identity = pki.identity(client.certificate);
    if (!identity) return pass(identity);
    profile.certificate = identity->certificate.to_pem();
    profile.key = identity->key.to_pem();
    return {};
}

Result<profile::Ovpn> make(const topologies::Topology& topology, const Pki& pki, std::uint64_t seed,
                           std::string_view name, const Client& client) {
    if (!client.dials(topologies::Tunnel::OpenVpn))
        return fail(Fault::Refused, fmt::format("{} does not dial with OpenVPN, expected tunnels: openvpn", name));
    const auto* gateway = topologies::find_as<Gateway>(topology, client.gateway);
    if (!gateway) return fail(Fault::NotFound, fmt::format("there is no gateway {}", client.gateway));
    if (!gateway->offers(topologies::Tunnel::OpenVpn))
        return fail(Fault::Refused, fmt::format("gateway {} does not offer OpenVPN", client.gateway));
    const auto server_name = server_name_of(topology, pki, client.gateway);
    const auto remote = remote_of(client, *gateway, server_name);
    if (!remote) return pass(remote);

    profile::Ovpn profile;
    profile.remotes = {*remote};
    profile.transport = transport_of(client.openvpn.transport);
    if (const auto* proxy = topologies::find_as<topologies::HttpProxy>(topology, client.http_proxy))
        profile.http_proxy = {to_string(proxy->address), proxy->port, client.http_proxy_username,
                              client.http_proxy_password};
    profile.verify_x509_name = server_name;
    profile.remote_cert_tls_server = true;
    profile.log = "openvpn.log";
    if (const auto set = set_ciphers(profile, client, *gateway); !set) return pass(set);
    set_suites(profile, client.openvpn);
    set_numbers(profile, client, *gateway);
    set_protection(profile, client, *gateway, name, seed);
    if (const auto set = set_credentials(profile, client, *gateway, pki); !set) return pass(set);
    return profile;
}

}  // namespace

StaticKeys keys_of(std::string_view gateway, std::uint64_t seed) {
    SeededRandom random{seed, fmt::format("openvpn-key/{}", gateway)};
    auto key = openvpn::StaticKey::generate(random);
    return {key, openvpn::TlsCryptV2ServerKey::generate(random)};
}

openvpn::TlsCryptV2ClientKey client_key_of(std::string_view gateway, std::string_view client, std::uint64_t seed) {
    SeededRandom random{seed, fmt::format("openvpn-key/{}/{}", gateway, client)};
    // Without metadata there is nothing that could be too long.
    return openvpn::TlsCryptV2ClientKey::make(keys_of(gateway, seed).server_key, random).value();
}

Result<profile::Ovpn> profile_of(const topologies::Topology& topology, const Pki& pki, std::uint64_t seed,
                                 std::string_view client) {
    const auto* found = topologies::find_as<Client>(topology, client);
    if (!found) return fail(Fault::NotFound, fmt::format("topology {} has no client \"{}\"", topology.name, client));
    auto made = make(topology, pki, seed, client, *found);
    if (made) return made;
    const auto mark = to_string(topology.graph[*topologies::find(topology, client)].mark);
    return fail(made.error().fault,
                fmt::format("{}{}client {}: {}", mark, mark.empty() ? "" : ": ", client, made.error().detail));
}

}  // namespace gatelab::sim
