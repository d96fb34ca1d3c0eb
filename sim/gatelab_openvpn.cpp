#include "sim/gatelab_openvpn.h"

#include "sim/credentials.h"
#include "sim/openvpn_profile.h"
#include "sim/resolver.h"

namespace gatelab::sim {
namespace {

Result<openvpn::DataCipher> cipher_named(const std::string& name) {
    if (const auto cipher = openvpn::data_cipher_of(name)) return *cipher;
    return fail(Fault::Unsupported, "there is no data cipher \"" + name + "\"");
}

void protect(gateway::OpenVpn& config, topologies::OpenVpn::Protection protection, const StaticKeys& keys) {
    using Protection = topologies::OpenVpn::Protection;
    switch (protection) {
        case Protection::TlsAuth: {
            auto& chosen = config.protection.emplace<openvpn::TlsAuth>();
            chosen.key = keys.key;
            chosen.direction = openvpn::KeyDirection::Normal;
            chosen.hash = config.auth;
            return;
        }
        case Protection::TlsCrypt: config.protection.emplace<openvpn::TlsCrypt>().key = keys.key; return;
        case Protection::TlsCryptV2: config.protection.emplace<openvpn::TlsCryptV2>().key = keys.server_key; return;
        case Protection::None: return;
    }
}

Result<void> take_ciphers(gateway::OpenVpn& config, const topologies::OpenVpn& said) {
    if (!said.data_ciphers.empty()) config.data_ciphers.clear();
    for (const auto& name : said.data_ciphers) {
        const auto cipher = cipher_named(name);
        if (!cipher) return pass(cipher);
        config.data_ciphers.push_back(*cipher);
    }
    if (said.fallback_cipher.empty()) return {};
    const auto fallback = cipher_named(said.fallback_cipher);
    if (!fallback) return pass(fallback);
    config.fallback_cipher = *fallback;
    return {};
}

}  // namespace

Result<client::OpenVpn> openvpn_client_of(const Stage& stage, const std::string& name) {
    const auto made = profile_of(stage.topology, stage.pki, stage.seed, name);
    if (!made) return pass(made);
    auto read = profile::parse_ovpn(profile::encode(*made), name + ".ovpn");
    if (!read) return pass(read);
    client::OpenVpn config;
    config.profile = std::move(read->profile);
    config.resolve = resolver_of(stage.topology, stage.pki);
    return config;
}

Result<void> offer_openvpn(gateway::Config& gateway, const Stage& stage, const std::string& name,
                           const topologies::Gateway& node) {
    const auto& said = node.openvpn;
    auto& config = gateway.openvpn.emplace();
    config.tcp_port = said.tcp_port;
    config.udp_port = said.udp_port;
    config.auth = said.auth == "SHA1" ? crypto::Hash::Sha1 : crypto::Hash::Sha256;
    protect(config, said.protection, keys_of(name, stage.seed));
    const auto policy = tls::profile_of(said.tls_policy);
    if (!policy) return fail(Fault::Unsupported, "there is no TLS policy \"" + said.tls_policy + "\"");
    config.tls_policy = tls::p2s_policy(*policy, tls::Carrier::OpenVpn);
    for (const auto& user : node.users) config.users.push_back({user.name, user.password});
    config.certificate_required = said.certificate_required;
    config.pushes_auth_token = said.pushes_auth_token;
    config.strict_options_string = said.strict_options_string;
    if (const auto taken = take_ciphers(config, said); !taken) return pass(taken);
    config.tun_mtu = said.tun_mtu;
    config.mssfix = said.mssfix;
    config.fragment = said.fragment;
    config.ping = said.ping;
    config.ping_restart = said.ping_restart;
    config.renegotiate = said.renegotiate;
    config.handshake_window = said.handshake_window;
    config.transition_window = said.transition_window;
    return {};
}

}  // namespace gatelab::sim
