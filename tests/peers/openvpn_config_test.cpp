#include "sim/peers/openvpn_config.h"

#include <gmock/gmock.h>

#include "sim/pki.h"

namespace gatelab::sim::peers {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using topologies::Transport;

OpenVpnGatewaySettings settings() {
    topologies::Topology topology;
    topologies::CertificateSpec root, server;
    root.name = "root";
    server.name = "gw.example.com";
    server.issuer = "root";
    root.key = server.key = {topologies::KeySpec::Kind::Ecdsa, 256};
    topology.certificates = {root, server};
    const auto pki = prepare_pki(topology, 1).value();
    return {.address = {203, 0, 113, 10},
            .identity = pki.identity("gw.example.com").value(),
            .roots = pki.trust({"root"}).value(),
            .control_key = "a key",
            .pool = {{10, 60, 0, 0}, 24},
            .networks = {{{10, 50, 0, 0}, 16}},
            .dns_servers = {{10, 50, 0, 53}},
            .tls = tls::p2s_policy(tls::Profile::P2s2026, tls::Carrier::OpenVpn),
            .openvpn = {},
            .users = {}};
}

std::string config_of(const OpenVpnGatewaySettings& settings, std::size_t door = 0) {
    const auto doors = doors_of(settings.openvpn, settings.pool);
    return openvpn_gateway_files(settings, doors, "/dir/").at(door).text;
}

TEST(OpenVpnConfig, SpellsAzuresGateway) {
    EXPECT_EQ(config_of(settings()),
              "mode server\ntls-server\nproto tcp4-server\nlocal 203.0.113.10\nport 443\nsocket-flags TCP_NODELAY\n"
              "dev-type tun\ndev tun0\ndisable-dco\ntopology subnet\nifconfig 10.60.0.1 255.255.255.0\n"
              "ifconfig-pool 10.60.0.2 10.60.0.254 255.255.255.0\npush \"topology subnet\"\n"
              "push \"route-gateway 10.60.0.1\"\npush \"route 10.50.0.0 255.255.0.0\"\n"
              "push \"dhcp-option DNS 10.50.0.53\"\nca /dir/ca.pem\ncert /dir/server.pem\nkey /dir/server.key\n"
              "dh none\ntls-auth /dir/control.key 0\ntls-version-min 1.2\ntls-version-max 1.3\n"
              "management-client-auth\nauth-user-pass-optional\nauth SHA256\ndata-ciphers AES-256-GCM\ntun-mtu 1500\n"
              "reneg-sec 3600 3600\nhand-window 60\ntran-window 3600\nping 10\npush \"ping 10\"\nping-restart 120\n"
              "push \"ping-restart 60\"\n");
}

TEST(OpenVpnConfig, GivesEachOfTwoPortsAHalfOfThePool) {
    auto both = settings();
    both.openvpn.udp_port = 1194;
    EXPECT_THAT(config_of(both, 0), HasSubstr("ifconfig-pool 10.60.0.2 10.60.0.126 255.255.255.128\n"));
    const auto udp = config_of(both, 1);
    EXPECT_THAT(udp, HasSubstr("proto udp4\nlocal 203.0.113.10\nport 1194\ndev-type tun\ndev tun1\n"));
    EXPECT_THAT(udp, HasSubstr("ifconfig 10.60.0.129 255.255.255.128\n"));
    EXPECT_THAT(udp, HasSubstr("push \"route 10.60.0.0 255.255.255.0\"\n")) << "the others are in the tunnel too";
}

TEST(OpenVpnConfig, AsksForWhatTheTopologyWants) {
    auto wanted = settings();
    auto& openvpn = wanted.openvpn;
    openvpn.protection = topologies::OpenVpn::Protection::TlsCryptV2;
    wanted.users = {{"bob", "s3cret"}};
    openvpn.certificate_required = false;
    openvpn.data_ciphers = {"AES-128-GCM", "AES-256-CBC"};
    openvpn.fallback_cipher = "AES-256-CBC";
    openvpn.fragment = 1200;
    openvpn.mssfix = 1300;
    openvpn.ping = openvpn.ping_restart = Duration{};
    openvpn.pushes_auth_token = true;
    openvpn.strict_options_string = true;
    const auto text = config_of(wanted);
    for (const auto* line :
         {"tls-crypt-v2 /dir/control.key\n", "verify-client-cert optional\n", "username-as-common-name\n",
          "data-ciphers AES-128-GCM:AES-256-CBC\n", "data-ciphers-fallback AES-256-CBC\n", "mssfix 1300\n",
          "auth-gen-token\n", "opt-verify\n"})
        EXPECT_THAT(text, HasSubstr(line));
    EXPECT_THAT(text, Not(HasSubstr("fragment"))) << "of UDP alone";
    EXPECT_THAT(text, Not(HasSubstr("auth-user-pass-optional")));
    EXPECT_THAT(text, Not(HasSubstr("ping")));
}

TEST(OpenVpnConfig, NamesSuitesOnTheCommandLine) {
    const auto arguments = openvpn_server_arguments({"a.conf", "a.sock", "a.log"}, settings().tls);
    EXPECT_THAT(arguments, ::testing::Contains("TLS-AES-256-GCM-SHA384:TLS-AES-128-GCM-SHA256"));
    EXPECT_EQ(arguments[1], "--log-append") << "before the profile names another";
}

TEST(OpenVpnConfig, KeepsSecretsToItself) {
    EXPECT_EQ(without_secrets("proto tcp\n<ca>\nA\n</ca>\n<key>\nB\n</key>\n<tls-auth>\nC\n</tls-auth>\n"),
              "proto tcp\n<ca>\nA\n</ca>\n<key>\n(not kept)\n</key>\n<tls-auth>\n(not kept)\n</tls-auth>\n");
    for (const auto& file : openvpn_gateway_files(settings(), {}, "/dir/"))
        EXPECT_EQ(file.secret, file.path.ends_with(".key")) << file.path;
}

}  // namespace
}  // namespace gatelab::sim::peers
