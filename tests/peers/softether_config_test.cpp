#include "sim/peers/softether_config.h"

#include <gmock/gmock.h>

#include "sim/pki.h"

namespace gatelab::sim::peers {
namespace {

using ::testing::HasSubstr;

std::string file_of(const std::string& path) {
    topologies::Topology topology;
    topologies::CertificateSpec root, server;
    root.name = "root";
    server.name = "gw.example.com";
    server.issuer = "root";
    root.key = server.key = {topologies::KeySpec::Kind::Ecdsa, 256};
    topology.certificates = {root, server};
    const auto pki = prepare_pki(topology, 1).value();
    const SoftEtherSettings settings{.identity = pki.identity("gw.example.com").value(),
                                     .roots = pki.trust({"root"}).value(),
                                     .tcp_port = 443,
                                     .udp_port = 1194,
                                     .pool = {{10, 60, 0, 0}, 24},
                                     .networks = {{{10, 50, 0, 0}, 16}, {{10, 51, 0, 0}, 16}},
                                     .dns_servers = {{10, 50, 0, 53}},
                                     .users = {{"alice", ""}, {"bob", "s3cret"}}};
    for (const auto& file : softether_files(settings, {"/cache/root", "/share"}))
        if (file.path == path) return file.text;
    return "there is no " + path;
}

TEST(SoftEtherConfig, TellsTheHubItsUsersAndAddresses) {
    EXPECT_EQ(file_of("setup"),
              "ServerPasswordSet gatelab\nKeepDisable\nServerCertSet /LOADCERT:server.pem /LOADKEY:server.key\n"
              "ProtoOptionsSet OpenVPN /NAME:Enabled /VALUE:True\nPortsUDPSet 1194\nHubCreate p2s /PASSWORD:gatelab\n"
              "Hub p2s\nUserCreate alice /GROUP:none /REALNAME:none /NOTE:none\n"
              "UserSignedSet alice /CN:alice /SERIAL:none\nUserCreate bob /GROUP:none /REALNAME:none /NOTE:none\n"
              "UserPasswordSet bob /PASSWORD:s3cret\nCAAdd root-0.pem\nSecureNatEnable\nNatDisable\n"
              "SecureNatHostSet /MAC:none /IP:10.60.0.254 /MASK:255.255.255.0\n"
              "DhcpSet /START:10.60.0.2 /END:10.60.0.253 /MASK:255.255.255.0 /EXPIRE:7200 /GW:10.60.0.1 "
              "/DNS:10.50.0.53 /DNS2:none /DOMAIN:none /LOG:no "
              "/PUSHROUTE:\"10.50.0.0/255.255.0.0/10.60.0.1,10.51.0.0/255.255.0.0/10.60.0.1\"\n"
              "BridgeCreate p2s /DEVICE:p2s /TAP:yes\n");
}

TEST(SoftEtherConfig, CallsNobodyFromTheStart) {
    const auto config = file_of("vpn_server.config");
    EXPECT_THAT(config, HasSubstr("declare DDnsClient\n\t{\n\t\tbool Disabled true\n"));
    EXPECT_THAT(config, HasSubstr("bool DisableNatTraversal true\n"));
    EXPECT_THAT(config, HasSubstr("uint Port 443\n"));
}

TEST(SoftEtherConfig, WritesNowhereOnThisComputer) {
    const auto script = file_of("start");
    const auto hidden = script.find("for folder in /var/lib /var/log /run; do mount -t tmpfs");
    EXPECT_LT(hidden, script.find("exec /mnt/usr/libexec/softether/vpnserver/vpnserver"));
    EXPECT_THAT(script, HasSubstr("set -e\n")) << "no mount, no server";
}

TEST(SoftEtherConfig, WaitsUntilTheServerListensAtUdp) {
    EXPECT_THAT(file_of("configure"), HasSubstr("until grep -q ':04AA ' /proc/net/udp"));
}

TEST(SoftEtherConfig, ReadsWhoIsThere) {
    const auto sessions = softether_sessions_in(
        "VPN Server/p2s>SessionList\n"
        "Session Name,VLAN ID,Location,User Name,Source Host Name,TCP Connections,Transfer Bytes,Transfer Packets\n"
        "SID-SECURENAT-1,-,SecureNAT Session,SecureNAT,Virtual Host,None,\"1,456\",6\n"
        "SID-LOCALBRIDGE-2,-,Local Session,Local Bridge,Ethernet Bridge,None,\"1,456\",6\n"
        "SID-ALICE-[OPENVPN_L3]-3,-,Local Session,alice,198.51.100.10,1 / 1,\"1,334\",4\n"
        "VPN Server/p2s>IpTable\n"
        "ID,Session Name,IP Address,Created at,Updated at,Location\n"
        "3573231611,SID-ALICE-[OPENVPN_L3]-3,172.16.201.2 (DHCP),2026-11-21 09:11:30,2026-11-21 09:11:30,On 'vm'\n"
        "581937483,SID-SECURENAT-1,172.16.201.254,2026-11-21 09:11:25,2026-11-21 09:11:25,On 'vm'\n");
    ASSERT_EQ(sessions.size(), 1u);
    EXPECT_EQ(sessions[0].name, "SID-ALICE-[OPENVPN_L3]-3");
    EXPECT_EQ(sessions[0].user, "alice");
    EXPECT_EQ(to_string(sessions[0].source), "198.51.100.10");
    EXPECT_EQ(to_string(sessions[0].inner_address), "172.16.201.2");
}

}  // namespace
}  // namespace gatelab::sim::peers
