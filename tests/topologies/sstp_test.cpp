// What a file says about SSTP, HTTP proxies and whose habits a client has, and what check() makes of it.
#include <gmock/gmock.h>

#include "topologies/model/check.h"
#include "topologies/yaml/reader.h"

namespace gatelab::topologies {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto kOffered = "tunnel_types: [ikev2, sstp], users: {ann: secret}";
constexpr auto kSigned = "username: ann, password: secret";

// A file with `client` and `point_to_site` put into the only client and gateway, and `proxy` into the only proxy.
std::string file(const std::string& client, const std::string& point_to_site, const std::string& proxy = "",
                 const std::string& proxy_link = "alice-lan: , squid-lan: , ") {
    const auto more = [](const std::string& keys) { return (keys.empty() ? "" : ", ") + keys + "}\n"; };
    return "clients:\n"
           "  alice: {address: 192.168.1.10" +
           more(client) +
           "routers: [lan, isp]\n"
           "http_proxies:\n"
           "  squid: {address: 192.168.1.2" +
           more(proxy) +
           "gateways:\n"
           "  gw:\n"
           "    public_address: 203.0.113.10\n"
           "    point_to_site: {address_pool: 172.16.201.0/24" +
           more(point_to_site) +
           "virtual_networks:\n"
           "  vnet: {address_space: [10.1.0.0/16], subnets: {GatewaySubnet: 10.1.255.0/27}}\n"
           "links: {" +
           proxy_link + "lan-isp: , isp-gw: }\n";
}

Topology read_sound(const std::string& text) {
    auto reading = parse(text, "t.yaml");
    for (const auto& problem : reading.problems) ADD_FAILURE() << to_string(problem);
    return reading.topology.value_or(Topology{});
}

std::vector<std::string> problems_of(const std::string& text) {
    auto reading = parse(text, "t.yaml");
    std::vector<std::string> lines;
    for (const auto& problem : reading.problems) lines.push_back(to_string(problem));
    if (reading.topology)
        for (const auto& problem : check(*reading.topology)) lines.push_back(to_string(problem));
    return lines;
}

Client alice_of(const std::string& client, const std::string& point_to_site) {
    return *find_as<Client>(read_sound(file(client, point_to_site)), "alice");
}

TEST(SstpInFiles, IsAsDocumentedWhereTheFileIsSilent) {
    const auto topology = read_sound(file(kSigned, "tunnel_types: sstp, users: {ann: secret}"));
    const auto* client = find_as<Client>(topology, "alice");
    EXPECT_THAT(client->tunnels, ElementsAre(Tunnel::Sstp));
    EXPECT_EQ(client->authentication, Authentication::Password);
    EXPECT_EQ(client->certificate, "");
    const auto* gateway = find_as<Gateway>(topology, "gw");
    EXPECT_EQ(gateway->sstp.port, 443);
    EXPECT_THAT(gateway->sstp.authentication, ElementsAre("mschapv2"));
    EXPECT_THAT(gateway->sstp.hashes, ElementsAre("SHA256", "SHA1"));
    EXPECT_TRUE(gateway->sstp.negotiation == 60s && gateway->sstp.hello == 60s);
    EXPECT_EQ(gateway->sstp.mru, 1400);
    EXPECT_THAT(check(topology), IsEmpty());
}

TEST(SstpInFiles, SaysEverythingOfBothEnds) {
    const auto topology = read_sound(
        file("tunnels: [ikev2, sstp], username: ann, password: secret, reconnects: true, give_up_after: 40s, "
             "sstp: {tls_suites: TLS_RSA_WITH_AES_256_GCM_SHA384, hello: 0s, mru: 1300}",
             "tunnel_types: [ikev2, sstp], users: {ann: secret}, sstp: {port: 8443, tls_policy: p2s-2026, "
             "authentication: [mschapv2, pap], hashes: SHA1, negotiation: 20s, hello: 5s, mru: 4087}"));
    const auto* client = find_as<Client>(topology, "alice");
    EXPECT_THAT(client->tunnels, ElementsAre(Tunnel::IkeV2, Tunnel::Sstp));
    EXPECT_EQ(client->authentication, Authentication::Certificate);
    EXPECT_EQ(client->certificate, "alice");
    EXPECT_EQ(client->reconnects, true);
    EXPECT_EQ(client->give_up_after, Duration{40s});
    EXPECT_THAT(client->sstp.tls_suites, ElementsAre("TLS_RSA_WITH_AES_256_GCM_SHA384"));
    EXPECT_EQ(client->sstp.hello, 0s);
    EXPECT_EQ(client->sstp.mru, 1300);
    const auto& said = find_as<Gateway>(topology, "gw")->sstp;
    EXPECT_EQ(said.port, 8443);
    EXPECT_EQ(said.tls_policy, "p2s-2026");
    EXPECT_THAT(said.authentication, ElementsAre("mschapv2", "pap"));
    EXPECT_THAT(said.hashes, ElementsAre("SHA1"));
    EXPECT_TRUE(said.negotiation == 20s && said.hello == 5s);
    EXPECT_EQ(said.mru, 4087);
    EXPECT_THAT(check(topology), IsEmpty());
}

TEST(Personalities, DialWhatTheyKnowAndTheGatewayOffers) {  // P2S-OS-01 to P2S-OS-11, P2S-PROTO-04
    const std::string windows = std::string("personality: windows, ") + kSigned;
    EXPECT_THAT(alice_of(windows, kOffered).tunnels, ElementsAre(Tunnel::IkeV2, Tunnel::Sstp));
    EXPECT_THAT(alice_of(windows, "tunnel_types: [ikev2, openvpn]").tunnels, ElementsAre(Tunnel::IkeV2));
    EXPECT_THAT(alice_of(windows, "tunnel_types: sstp, users: {ann: secret}").tunnels, ElementsAre(Tunnel::Sstp));
    EXPECT_THAT(alice_of("personality: ios", kOffered).tunnels, ElementsAre(Tunnel::IkeV2));
    EXPECT_THAT(alice_of("personality: azure-vpn-client", "tunnel_types: [ikev2, openvpn]").tunnels,
                ElementsAre(Tunnel::OpenVpn));
    EXPECT_THAT(alice_of(std::string("implementation: sstp-client, ") + kSigned, kOffered).tunnels,
                ElementsAre(Tunnel::Sstp));
}

TEST(Personalities, DialInVainWhereTheGatewayOffersNothingThatTheyKnow) {
    const auto text = file("personality: macos", "tunnel_types: openvpn");
    EXPECT_THAT(find_as<Client>(read_sound(text), "alice")->tunnels, ElementsAre(Tunnel::IkeV2));
    EXPECT_THAT(problems_of(text), ElementsAre("t.yaml:2:3: warning: client \"alice\" dials ikev2, which gateway "
                                               "\"gw\" does not offer (tunnel_types)"));
}

TEST(HttpProxies, AreReadWithTheirUsersAndPorts) {
    const auto topology = read_sound(file(
        std::string("http_proxy: squid, http_proxy_username: bo, http_proxy_password: x, tunnels: sstp, ") + kSigned,
        kOffered, "port: 8080, users: {bo: x, cy: y}, allowed_ports: [443, 8443]"));
    const auto* proxy = find_as<HttpProxy>(topology, "squid");
    ASSERT_TRUE(proxy);
    EXPECT_EQ(to_string(proxy->address), "192.168.1.2");
    EXPECT_EQ(proxy->port, 8080);
    EXPECT_THAT(proxy->users, ElementsAre(User{"bo", "x"}, User{"cy", "y"}));
    EXPECT_THAT(proxy->allowed_ports, ElementsAre(443, 8443));
    const auto* client = find_as<Client>(topology, "alice");
    EXPECT_EQ(client->http_proxy, "squid");
    EXPECT_EQ(client->http_proxy_username + ":" + client->http_proxy_password, "bo:x");
    EXPECT_THAT(check(topology), IsEmpty());
    const auto open = read_sound(file("", ""));
    EXPECT_EQ(find_as<HttpProxy>(open, "squid")->port, 3128);
    EXPECT_THAT(find_as<HttpProxy>(open, "squid")->allowed_ports, ElementsAre(443));
}

struct Broken {
    std::string client, point_to_site, proxy, expected;
};

TEST(SstpInFiles, SaysWhatIsWrongWithThem) {
    const std::string offered = kOffered, dialled = std::string("tunnels: sstp, ") + kSigned;
    const auto sstp = [&](const std::string& keys) { return offered + ", sstp: {" + keys + "}"; };
    const Broken all[] = {
        // tunnel sets
        {"tunnels: openvpn", "tunnel_types: [openvpn, sstp], users: {ann: secret}", "",
         "t.yaml:9:66: error: gateway \"gw\" offers SSTP and OpenVPN on the same TCP port 443; expected one of them, "
         "or "
         "ports apart (P2S-AUTH-01)"},
        {"tunnels: openvpn", "tunnel_types: [openvpn, sstp], users: {ann: secret}, sstp: {port: 8443}", "",
         "warning: gateway \"gw\" offers SSTP beside OpenVPN, which Azure's do not (P2S-AUTH-01)"},
        {"", "implementation: sstp-client, tunnel_types: sstp", "", "unknown key \"implementation\""},
        // gateways
        {dialled, "tunnel_types: sstp", "",
         "offers sstp and has no users; nobody could sign in (users: {name: password})"},
        {dialled, sstp("authentication: pap"), "", "warning: gateway \"gw\" has PAP alone"},
        {dialled, sstp("authentication: chap"), "",
         "authentication of \"gw\" is \"chap\"; expected one of mschapv2, pap"},
        {dialled, sstp("authentication: [pap, pap]"), "", "authentication of \"gw\" has pap twice"},
        {dialled, sstp("authentication: []"), "", "authentication of \"gw\" is empty; expected some of mschapv2, pap"},
        {dialled, sstp("hashes: MD5"), "", "hashes of \"gw\" is \"MD5\"; expected one of SHA256, SHA1"},
        {dialled, sstp("tls_policy: p2s-2019"), "", "tls_policy of \"gw\" is \"p2s-2019\"; expected one of p2s-2023"},
        {dialled, sstp("negotiation: 0s"), "", "negotiation of \"gw\" must be above 0"},
        {dialled, sstp("hello: -1s"), "", "hello of sstp of point_to_site of gateway \"gw\" is \"-1s\"; expected"},
        {dialled, sstp("mru: 500"), "", "is \"500\"; expected a whole number from 576 to 4087"},
        {dialled, sstp("mru: 4088"), "", "is \"4088\"; expected a whole number from 576 to 4087"},
        {dialled, sstp("ports: 443"), "",
         "unknown key \"ports\" in sstp of point_to_site of gateway \"gw\"; did you mean"},
        // clients
        {"tunnels: sstp", offered, "",
         "t.yaml:2:3: error: client \"alice\" dials sstp and has no username and password"},
        {"tunnels: sstp, username: ann, password: guess", offered, "",
         "warning: gateway \"gw\" does not know the username and password of client \"alice\""},
        {"tunnels: [sstp, sstp], username: ann, password: secret", offered, "", "client \"alice\" dials sstp twice"},
        {"tunnels: []", offered, "", "client \"alice\" dials nothing; expected one or more of ikev2, openvpn, sstp"},
        {dialled, "", "", "error: client \"alice\" dials sstp, which gateway \"gw\" does not offer (tunnel_types)"},
        {dialled + ", sstp: {hello: soon}", offered, "", "hello of sstp of client \"alice\" is \"soon\"; expected"},
        {dialled + ", sstp: {port: 8443}", offered, "", "unknown key \"port\" in sstp of client \"alice\""},
        {"tunnels: [sstp, ikev2], authentication: password, username: ann, password: secret", offered, "",
         "signs in with a password, and dials ikev2"},
        // personalities
        {"personality: macos, " + dialled, offered, "",
         "warning: client \"alice\" dials sstp, which a macos client does"},
        {"personality: macosx", offered, "",
         "personality of client \"alice\" is \"macosx\"; expected one of gatelab, windows, macos, ios"},
        {"implementation: strongswan, personality: windows, tunnels: ikev2", offered, "",
         "has the personality windows and is played by strongswan, which has its own"},
        {"implementation: sstp-client, personality: windows, username: ann, password: secret", offered, "",
         "has the personality windows and is played by sstp-client, which has its own"},
        {"implementation: sstp-client, tunnels: ikev2", offered, "", "dials ikev2, which sstp-client does not do"},
        {"implementation: strongswan, tunnels: sstp, username: ann, password: secret", offered, "",
         "dials sstp, which strongswan does not do"},
        {"implementation: strongswan, tunnels: ikev2, reconnects: true", offered, "",
         "warning: client \"alice\" is played by strongswan, which decides by itself"},
        {"give_up_after: 0s", offered, "", "give_up_after of \"alice\" must be above 0"},
        {"reconnects: often", offered, "", "reconnects of client \"alice\" is \"often\"; expected one of true, false"},
        // proxies
        {dialled + ", http_proxy: squit", offered, "", "there is no http-proxy \"squit\"; did you mean \"squid\"?"},
        {dialled + ", http_proxy: isp", offered, "", "\"isp\" is a router; expected a http-proxy"},
        {"tunnels: ikev2, http_proxy: squid", offered, "",
         "warning: client \"alice\" dials nothing over TCP; its http_pro"},
        {"tunnels: openvpn, openvpn: {transport: udp}, http_proxy: squid",
         "tunnel_types: openvpn, openvpn: {udp_port: 1194}", "",
         "error: client \"alice\" dials openvpn over udp, which no http_proxy carries; expected transport: tcp"},
        {dialled + ", http_proxy: squid", offered, "allowed_ports: 8443",
         "warning: http-proxy \"squid\" does not connect to port 443, which client \"alice\" dials"},
        {dialled + ", http_proxy: squid", offered, "users: {bo: x}",
         "warning: http-proxy \"squid\" does not know the http_proxy_username and http_proxy_password of client"},
        {dialled + ", http_proxy: squid, personality: windows", offered, "users: {bo: x}",
         "warning: http-proxy \"squid\" wants a name and a password, which a windows client does not give it"},
        {"personality: azure-vpn-client, http_proxy: squid", "tunnel_types: openvpn", "",
         "warning: client \"alice\" is an Azure VPN Client, whose profile has no place for a proxy (P2S-PKG-40)"},
        {dialled + ", http_proxy_username: bo", offered, "", "has an http_proxy_username and no http_proxy"},
        {dialled, offered, "users: {bo: ''}", "user \"bo\" of http-proxy \"squid\" needs a name and a password"},
        {dialled, offered, "users: {'b:o': x}", "has a colon in its name; Basic authentication knows none"},
        {dialled, offered, "allowed_ports: []", "http-proxy \"squid\" allows no port"},
        {dialled, offered, "port: 0", "port of HTTP proxy \"squid\" is \"0\"; expected a whole number from 1 to 65535"},
        {dialled, offered, "mode: open", "unknown key \"mode\" in HTTP proxy \"squid\""},
    };
    for (const auto& one : all)
        EXPECT_THAT(problems_of(file(one.client, one.point_to_site, one.proxy)), Contains(HasSubstr(one.expected)))
            << one.client << " | " << one.point_to_site << " | " << one.proxy;
}

TEST(SstpInFiles, AModelThatNoFileMadeIsCheckedToo) {
    auto topology = read_sound(file(kSigned, "tunnel_types: sstp, users: {ann: secret}"));
    find_as<Client>(topology, "alice")->sstp.hello = -1s;
    find_as<Gateway>(topology, "gw")->sstp.mru = 9000;
    std::vector<std::string> lines;
    for (const auto& problem : check(topology)) lines.push_back(to_string(problem));
    EXPECT_THAT(lines, ElementsAre(HasSubstr("hello of \"alice\" is negative"),
                                   HasSubstr("mru 9000 of \"gw\" is no size; expected 576 to 4087")));
}

TEST(HttpProxies, NeedAWayToThemAndOn) {
    const auto keys = std::string("tunnels: sstp, http_proxy: squid, ") + kSigned;
    EXPECT_THAT(problems_of(file(keys, kOffered, "", "alice-lan: , ")),
                Contains(HasSubstr("error: http-proxy \"squid\" has 0 links; expected 1")));
    EXPECT_THAT(
        problems_of(file(keys, kOffered, "", "alice-lan: , ")),
        Contains(HasSubstr("2:61: error: no path of links leads from client \"alice\" to its http-proxy \"squid\"")));
    EXPECT_THAT(problems_of(file(keys, kOffered, "", "alice-lan: , squid-lan: , squid-isp: , ")),
                Contains(HasSubstr("has 2 links; expected 1")));
}

TEST(HttpProxies, HaveAnAddressOfTheirOwn) {
    auto topology = read_sound(file("", ""));
    find_as<HttpProxy>(topology, "squid")->address = *parse_address("192.168.1.10");
    const auto problems = check(topology);
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_THAT(to_string(problems[0]), HasSubstr("address 192.168.1.10 is already that of"));
}

}  // namespace
}  // namespace gatelab::topologies
