// From the administrator's words to those of the protocol.
#include "impl/gateway/address_pool.h"
#include "impl/gateway/openvpn_service.h"

namespace gatelab::gateway {
namespace {

// A client that is told to ping within one time, and is silent for twice that, is gone: --keepalive.
constexpr int kServersPatience = 2;

tls::Options server_tls(const Config& config) {
    const auto& openvpn = *config.openvpn;
    tls::Options tls;
    tls.role = tls::Role::Server;
    tls.policy = openvpn.tls_policy;
    tls.identity = config.certificate->identity;
    tls.intermediates = config.certificate->intermediates;
    tls.roots = config.client_roots;
    tls.peer_certificate_optional = !openvpn.certificate_required;
    return tls;
}

}  // namespace

openvpn::Options server_options(const Config& config, openvpn::Transport transport) {
    const auto& openvpn = *config.openvpn;
    const bool udp = transport == openvpn::Transport::Udp;
    openvpn::Options options;
    options.role = openvpn::Role::Server;
    options.transport = transport;
    options.tls = server_tls(config);
    options.protection = openvpn.protection;
    options.data_ciphers = openvpn.data_ciphers;
    options.fallback_cipher = openvpn.fallback_cipher;
    options.cipher = openvpn.data_ciphers.front();
    options.auth = openvpn.auth;
    options.credentials_required = !openvpn.users.empty();
    options.strict_options_string = openvpn.strict_options_string;
    options.tun_mtu = openvpn.tun_mtu;
    options.mssfix = openvpn.mssfix;
    if (udp) options.fragment = openvpn.fragment;
    options.ping = openvpn.ping;
    options.ping_restart = kServersPatience * openvpn.ping_restart;
    options.renegotiate = openvpn.renegotiate;
    options.handshake_window = openvpn.handshake_window;
    options.transition_window = openvpn.transition_window;
    options.explicit_exit_notify = udp ? 1 : 0;  // tells clients that they are disconnected; TCP shows it by itself
    return options;
}

openvpn::PushReply push_for(const Config& config, Ipv4Address address) {
    const auto& openvpn = *config.openvpn;
    openvpn::PushReply push;
    push.address = address;
    push.subnet = config.client_address_pool;
    push.route_gateway = own_address_in(config.client_address_pool);
    for (const auto& prefix : granted_prefixes(config)) push.routes.push_back({prefix, {}});
    push.dns = config.dns_servers;
    if (openvpn.ping > Duration::zero()) push.ping = openvpn.ping;
    if (openvpn.ping_restart > Duration::zero()) push.ping_restart = openvpn.ping_restart;
    constexpr std::uint16_t kUsualMtu = 1500;  // what a client assumes that is told nothing
    if (openvpn.tun_mtu != kUsualMtu) push.tun_mtu = openvpn.tun_mtu;
    return push;
}

}  // namespace gatelab::gateway
