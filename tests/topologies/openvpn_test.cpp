// What a file says about OpenVPN, and what check() makes of it.
#include <gmock/gmock.h>

#include <algorithm>

#include "topologies/model/check.h"
#include "topologies/model/paths.h"
#include "topologies/yaml/reader.h"

namespace gatelab::topologies {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A file with `client` and `point_to_site` put into the only client and gateway.
std::string file(const std::string& client, const std::string& point_to_site) {
    return "clients:\n"
           "  alice: {address: 198.51.100.10" +
           (client.empty() ? "" : ", " + client) +
           "}\n"
           "routers: [isp]\n"
           "gateways:\n"
           "  gw:\n"
           "    public_address: 203.0.113.10\n"
           "    point_to_site: {address_pool: 172.16.201.0/24" +
           (point_to_site.empty() ? "" : ", " + point_to_site) +
           "}\n"
           "virtual_networks:\n"
           "  vnet: {address_space: [10.1.0.0/16], subnets: {GatewaySubnet: 10.1.255.0/27}}\n"
           "virtual_machines: {web: {address: 10.1.0.4}}\n"
           "links: {alice-isp: , isp-gw: }\n";
}

Topology read_sound(const std::string& text) {
    auto reading = parse(text, "t.yaml");
    for (const auto& problem : reading.problems) ADD_FAILURE() << to_string(problem);
    return reading.topology.value_or(Topology{});
}

std::vector<std::string> problems_of(const std::string& client, const std::string& point_to_site) {
    auto reading = parse(file(client, point_to_site), "t.yaml");
    std::vector<std::string> lines;
    for (const auto& problem : reading.problems) lines.push_back(to_string(problem));
    if (reading.topology)
        for (const auto& problem : check(*reading.topology)) lines.push_back(to_string(problem));
    return lines;
}

TEST(OpenVpnInFiles, IsAsAzuresProfileSaysWhereTheFileIsSilent) {
    const auto topology = read_sound(file("tunnels: openvpn", "tunnel_types: openvpn"));
    const auto* client = find_as<Client>(topology, "alice");
    EXPECT_THAT(client->tunnels, ElementsAre(Tunnel::OpenVpn));
    EXPECT_EQ(client->openvpn.transport, Transport::Tcp);
    EXPECT_EQ(client->openvpn.auth, "SHA256");
    EXPECT_EQ(client->certificate, "alice");
    const auto* gateway = find_as<Gateway>(topology, "gw");
    EXPECT_THAT(gateway->tunnels, ElementsAre(Tunnel::OpenVpn));
    EXPECT_EQ(gateway->openvpn.tcp_port, 443);
    EXPECT_FALSE(gateway->openvpn.udp_port);
    EXPECT_EQ(gateway->openvpn.protection, OpenVpn::Protection::TlsAuth);
    EXPECT_EQ(gateway->openvpn.tls_policy, "p2s-2023");
    EXPECT_THAT(check(topology), IsEmpty());
}

TEST(OpenVpnInFiles, SaysEverythingOfAClient) {
    const auto topology = read_sound(file(
        "tunnels: openvpn, authentication: password, personality: azure-vpn-client, username: ann, password: secret, "
        "openvpn: {transport: udp, tls_suites: [TLS_AES_256_GCM_SHA384], tls_version_max: '1.3', "
        "explicit_exit_notify: 2, data_ciphers: [AES-128-GCM, AES-256-CBC], fallback_cipher: AES-256-CBC, "
        "auth: SHA1, renegotiate: 60s, handshake_window: 30s, transition_window: 90s, tun_mtu: 1400, mssfix: "
        "1300, fragment: 1200}",
        "tunnel_types: openvpn, openvpn: {udp_port: 1194}"));
    const auto* client = find_as<Client>(topology, "alice");
    const auto& said = client->openvpn;
    EXPECT_EQ(client->authentication, Authentication::Password);
    EXPECT_EQ(client->certificate, "");
    EXPECT_EQ(said.transport, Transport::Udp);
    EXPECT_EQ(client->personality, Personality::AzureVpnClient);
    EXPECT_EQ(client->username + ":" + client->password, "ann:secret");
    EXPECT_THAT(said.tls_suites, ElementsAre("TLS_AES_256_GCM_SHA384"));
    EXPECT_EQ(said.tls_version_max, "1.3");
    EXPECT_EQ(said.explicit_exit_notify, 2);
    EXPECT_THAT(said.data_ciphers, ElementsAre("AES-128-GCM", "AES-256-CBC"));
    EXPECT_EQ(said.fallback_cipher, "AES-256-CBC");
    EXPECT_EQ(said.auth, "SHA1");
    EXPECT_TRUE(said.renegotiate == 60s && said.handshake_window == 30s && said.transition_window == 90s);
    EXPECT_EQ(said.tun_mtu, 1400);
    EXPECT_EQ(said.mssfix, 1300);
    EXPECT_EQ(said.fragment, 1200);
}

TEST(OpenVpnInFiles, SaysEverythingOfAGateway) {
    const auto topology = read_sound(
        file("tunnels: openvpn",
             "tunnel_types: [ikev2, openvpn], users: {ann: secret, ben: other}, openvpn: {tcp_port: none, "
             "udp_port: 1194, protection: tls-crypt-v2, tls_policy: p2s-2026, certificate_required: false, "
             "strict_options_string: true, pushes_auth_token: true, ping: 5s, ping_restart: 20s, renegotiate: 0s}"));
    const auto* gateway = find_as<Gateway>(topology, "gw");
    const auto& said = gateway->openvpn;
    EXPECT_THAT(gateway->tunnels, ElementsAre(Tunnel::IkeV2, Tunnel::OpenVpn));
    EXPECT_FALSE(said.tcp_port);
    EXPECT_EQ(said.udp_port, 1194);
    EXPECT_EQ(said.protection, OpenVpn::Protection::TlsCryptV2);
    EXPECT_EQ(said.tls_policy, "p2s-2026");
    ASSERT_EQ(gateway->users.size(), 2u);
    EXPECT_EQ(gateway->users[1].name + ":" + gateway->users[1].password, "ben:other");
    EXPECT_FALSE(said.certificate_required);
    EXPECT_TRUE(said.strict_options_string && said.pushes_auth_token);
    EXPECT_TRUE(said.ping == 5s && said.ping_restart == 20s && said.renegotiate == 0s);
    // A client that does not say how it dials does it as it can.
    EXPECT_EQ(find_as<Client>(topology, "alice")->openvpn.transport, Transport::Udp);
}

TEST(OpenVpnInFiles, IsDialledWhereNothingElseIsOfferedOrPossible) {
    EXPECT_THAT(find_as<Client>(read_sound(file("", "tunnel_types: openvpn")), "alice")->tunnels,
                ElementsAre(Tunnel::OpenVpn));
    EXPECT_THAT(find_as<Client>(read_sound(file("", "tunnel_types: [ikev2, openvpn]")), "alice")->tunnels,
                ElementsAre(Tunnel::IkeV2));
    EXPECT_THAT(find_as<Client>(read_sound(file("implementation: openvpn", "tunnel_types: [ikev2, openvpn]")), "alice")
                    ->tunnels,
                ElementsAre(Tunnel::OpenVpn));
}

TEST(OpenVpnInFiles, CanBeChangedFromTheCommandLine) {
    const auto reading = parse(
        file("tunnels: openvpn", "tunnel_types: openvpn, openvpn: {udp_port: 1194}"), "t.yaml",
        {{"clients.alice.openvpn.transport", "udp"}, {"gateways.gw.point_to_site.openvpn.protection", "tls-crypt"}});
    ASSERT_TRUE(reading.topology);
    EXPECT_EQ(find_as<Client>(*reading.topology, "alice")->openvpn.transport, Transport::Udp);
    EXPECT_EQ(find_as<Gateway>(*reading.topology, "gw")->openvpn.protection, OpenVpn::Protection::TlsCrypt);
}

TEST(OpenVpnInFiles, ReachesWhatAnyTunnelReaches) {
    auto topology = read_sound(file("tunnels: openvpn, remote_selectors: 10.9.0.0/16", "tunnel_types: openvpn"));
    const auto way = reach(topology, *find(topology, "alice"), *find(topology, "web"));
    EXPECT_EQ(way.why_not, "");  // OpenVPN has no selectors
    EXPECT_THAT(way.tunnels, ElementsAre("alice"));
}

struct Broken {
    std::string client, point_to_site, expected;
};

TEST(OpenVpnInFiles, SaysWhatIsWrongWithThem) {
    const std::string offered = "tunnel_types: openvpn", dialled = "tunnels: openvpn";
    const Broken all[] = {
        {dialled, "", "dials openvpn, which gateway \"gw\" does not offer (tunnel_types)"},
        {"tunnels: ikev2", offered, "dials ikev2, which gateway \"gw\" does not offer (tunnel_types)"},
        {"openvpn: {transport: udp}", offered, "dials over udp, and gateway \"gw\" has no udp_port"},
        {"openvpn: {transport: tcp}", offered + ", openvpn: {tcp_port: none, udp_port: 1194}",
         "dials over tcp, and gateway \"gw\" has no tcp_port"},
        {"", "tunnel_types: [openvpn, openvpn]", "offers openvpn twice"},
        {"", "tunnel_types: []", "offers no tunnel (tunnel_types)"},
        {"", "tunnel_types: l2tp",
         "tunnel_types of point_to_site of gateway \"gw\" is \"l2tp\"; expected one of ikev2, openvpn, sstp"},
        {"", offered + ", openvpn: {tcp_port: none}", "offers OpenVPN over neither tcp_port nor udp_port"},
        {"", offered + ", openvpn: {protection: tls-crypt}", "warning: gateway \"gw\" has tls-crypt; Azure's have"},
        {"", offered + ", openvpn: {tls_policy: p2s-2024}", "tls_policy of \"gw\" is \"p2s-2024\"; expected one of"},
        {"", offered + ", openvpn: {certificate_required: false}", "nobody could prove who he is"},
        {"", offered + ", users: {ann: ''}", "needs a name and a password"},
        {"", offered + ", users: {ann: secret}", "does not know the username and password of client"},
        {"authentication: password, username: ann, password: secret", offered + ", users: {ann: secret}",
         "requires certificates and will refuse client \"alice\""},
        {"authentication: password", offered + ", users: {ann: secret}, openvpn: {certificate_required: false}",
         "signs in with a password and has no username"},
        {"authentication: password", "", "signs in with a password, and dials ikev2"},
        {"pre_shared_key: secret, tunnels: openvpn", offered, "has a pre-shared key, which is for IKEv2 alone"},
        {"openvpn: {data_ciphers: [BF-CBC]}", offered, "data_ciphers of \"alice\" is \"BF-CBC\"; expected one of"},
        {"openvpn: {fallback_cipher: none}", offered, "fallback_cipher of \"alice\" is \"none\""},
        {"openvpn: {auth: MD5}", offered, "auth of \"alice\" is \"MD5\"; expected one of SHA256, SHA1"},
        {"openvpn: {tls_version_max: '1.1'}", offered, "tls_version_max of \"alice\" is \"1.1\""},
        {"openvpn: {handshake_window: 0s}", offered, "handshake_window of \"alice\" must be above 0"},
        {"openvpn: {fragment: 1300}", offered, "must both have fragment, or neither"},
        {"openvpn: {fragment: 1300}", offered + ", openvpn: {fragment: 1300}", "fragment, which is for UDP alone"},
        {"openvpn: {fragment: 12}", offered, "fragment of openvpn of client \"alice\" is \"12\"; expected a whole"},
        {"personality: azure-vpn-client, openvpn: {transport: udp}", offered + ", openvpn: {udp_port: 1194}",
         "is an Azure VPN Client, which dials over TCP"},
        {"openvpn: {port: 1194}", offered, "unknown key \"port\" in openvpn of client \"alice\""},
        {"", offered + ", openvpn: {ping: 30s, ping_restart: 20s}", "of \"gw\" is not above ping"},
        {"", offered + ", openvpn: {certificate_required: perhaps}", "expected one of true, false"},
        {"implementation: softether", offered, "cannot be played by softether, which is a server here"},
        {"implementation: strongswan, tunnels: openvpn", offered, "dials openvpn, which strongswan does not do"},
        {"implementation: openvpn, tunnels: ikev2", "", "dials ikev2, which openvpn does not do"},
    };
    for (const auto& one : all)
        EXPECT_THAT(problems_of(one.client, one.point_to_site), testing::Contains(HasSubstr(one.expected)))
            << one.client << " | " << one.point_to_site;
}

TEST(OpenVpnInFiles, ProblemsPointAtTheLineThatIsWrong) {
    EXPECT_THAT(problems_of("openvpn: {transport: udp}", "tunnel_types: openvpn"),
                ElementsAre("t.yaml:2:56: error: client \"alice\" dials over udp, and gateway \"gw\" has no udp_port"));
}

TEST(OpenVpnInFiles, TakesAtMostAThousandRoutes) {  // P2S-CR-11
    std::string routes = "custom_routes: [";
    for (int i = 0; i < 999; ++i)
        routes += "100." + std::to_string(64 + i / 250) + '.' + std::to_string(i % 250) + ".0/24, ";
    EXPECT_THAT(problems_of("", "tunnel_types: openvpn, " + routes + "]"),
                testing::Contains(HasSubstr("would push 1001 routes")));
    EXPECT_THAT(problems_of("", "tunnel_types: ikev2, " + routes + "]"), IsEmpty());
}

TEST(OpenVpnInFiles, ClientsMayHaveEcdsaCertificates) {  // P2S-CERT-11 is about IKEv2
    const std::string certificates = "certificates: {P2SRootCert: {}, alice: {issuer: P2SRootCert, key: ecdsa-256}}\n";
    for (const auto* tunnel : {"openvpn", "ikev2"}) {
        const auto topology =
            read_sound(certificates + file(std::string("tunnels: ") + tunnel, "tunnel_types: [ikev2, openvpn]"));
        EXPECT_EQ(check(topology).empty(), tunnel == std::string("openvpn"));
    }
}

}  // namespace
}  // namespace gatelab::topologies
