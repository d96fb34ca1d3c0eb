#include "topologies/yaml/read_openvpn.h"

namespace gatelab::topologies {
namespace {

constexpr std::string_view kNone = "none";

void read_common(Form& form, OpenVpn& openvpn) {
    form.texts("data_ciphers", openvpn.data_ciphers);
    form.text("fallback_cipher", openvpn.fallback_cipher);
    form.text("auth", openvpn.auth);
    form.duration("renegotiate", openvpn.renegotiate);
    form.duration("handshake_window", openvpn.handshake_window);
    form.duration("transition_window", openvpn.transition_window);
    form.number("tun_mtu", openvpn.tun_mtu, 576, 65535);
    form.number("mssfix", openvpn.mssfix, 68, 65535, kNone);
    form.number("fragment", openvpn.fragment, 68, 65535, kNone);
}

}  // namespace

void read_openvpn_client(Draft& draft, Form& client, OpenVpn& openvpn) {
    read_section(draft, client, "openvpn", [&](Form& form) {
        form.choice("transport", openvpn.transport, {{"tcp", Transport::Tcp}, {"udp", Transport::Udp}});
        form.texts("tls_suites", openvpn.tls_suites);
        form.text("tls_version_max", openvpn.tls_version_max);
        form.number("explicit_exit_notify", openvpn.explicit_exit_notify, 0, 10);
        read_common(form, openvpn);
    });
}

void read_openvpn_gateway(Draft& draft, Form& point_to_site, OpenVpn& openvpn) {
    read_section(draft, point_to_site, "openvpn", [&](Form& form) {
        form.number("tcp_port", openvpn.tcp_port, 1, 65535, kNone);
        form.number("udp_port", openvpn.udp_port, 1, 65535, kNone);
        Choices<OpenVpn::Protection> protections;
        for (const auto one : {OpenVpn::Protection::TlsAuth, OpenVpn::Protection::TlsCrypt,
                               OpenVpn::Protection::TlsCryptV2, OpenVpn::Protection::None})
            protections.emplace_back(name_of(one), one);
        form.choice("protection", openvpn.protection, protections);
        form.text("tls_policy", openvpn.tls_policy);
        form.flag("certificate_required", openvpn.certificate_required);
        form.flag("strict_options_string", openvpn.strict_options_string);
        form.flag("pushes_auth_token", openvpn.pushes_auth_token);
        form.duration("ping", openvpn.ping);
        form.duration("ping_restart", openvpn.ping_restart);
        read_common(form, openvpn);
    });
}

}  // namespace gatelab::topologies
