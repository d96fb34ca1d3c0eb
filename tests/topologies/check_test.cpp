#include "topologies/model/check.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "topologies/yaml/reader.h"

namespace gatelab::topologies {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A sound network; tests break one thing of it. Line numbers count from the line after the opening quote.
constexpr std::string_view kSound = R"(certificates:
  P2SRootCert: {}
clients:
  alice: {address: 192.168.1.10, gateway: gw}
  bob: {address: 192.168.1.11, gateway: gw}
routers: [isp]
nats:
  nat: {outside: isp, outside_address: 198.51.100.1}
firewalls:
  fw: {inside: gw}
gateways:
  gw:
    public_address: 203.0.113.10
    virtual_network: vnet
    point_to_site:
      address_pool: 172.16.0.0/24
      root_certificates: [P2SRootCert]
virtual_networks:
  vnet:
    address_space: [10.1.0.0/16]
    subnets: {GatewaySubnet: 10.1.255.0/27, servers: 10.1.0.0/24}
virtual_machines:
  web: {virtual_network: vnet, address: 10.1.0.4}
links: {alice-nat: , bob-nat: , nat-isp: , isp-fw: , fw-gw: }
flows:
  p: {kind: ping, from: alice, to: web}
actions:
  - {at: 5s, do: rekey-child, node: alice}
)";

std::vector<std::string> problems_of(const std::string& text) {
    auto reading = parse(text, "t.yaml");
    for (const auto& problem : reading.problems) ADD_FAILURE() << to_string(problem);
    std::vector<std::string> lines;
    if (reading.topology)
        for (const auto& problem : check(*reading.topology)) lines.push_back(to_string(problem));
    return lines;
}

// The sound network with one thing replaced.
std::string with(std::string_view before, std::string_view after) {
    std::string text{kSound};
    const auto at = text.find(before);
    if (at == text.npos) ADD_FAILURE() << "nothing to replace: " << before;
    return text.replace(at, before.size(), after);
}

TEST(Check, FindsNothingInASoundNetwork) { EXPECT_THAT(problems_of(std::string{kSound}), IsEmpty()); }

TEST(Check, TakesRulesAboutAddressesThatSomebodyHas) {
    for (const auto* who : {"192.168.1.10", "203.0.113.10", "10.1.255.4", "10.1.0.4", "198.51.100.1", "172.16.0.77",
                            "192.168.0.0/16", "0.0.0.0/0"})
        EXPECT_THAT(problems_of(with("{inside: gw}", fmt::format("{{inside: gw, rules: [{{action: drop, protocol: udp, "
                                                                 "source: {}, destination_ports: 53}}]}}",
                                                                 who))),
                    IsEmpty())
            << who;
}

struct Broken {
    std::string_view before;
    std::string after;
    std::string expected;
};

TEST(Check, RefusesANegativeProcessingDelay) {
    auto topology = parse(std::string{kSound}, "t.yaml").topology.value();
    topology.graph[*find(topology, "isp")].processing_delay = std::chrono::milliseconds(-1);
    const auto problems = check(topology);
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_EQ(to_string(problems[0]), "t.yaml:6:11: error: router \"isp\" has a negative processing_delay");
}

TEST(Check, SaysWhatIsWrongAndWhere) {
    std::string roots = "root_certificates: [P2SRootCert";
    for (int i = 0; i < 20; ++i) roots += ", P2SRootCert";
    const Broken all[] = {
        // names
        {"192.168.1.10, gateway: gw", "192.168.1.10, gateway: gv",
         "4:43: error: there is no gateway \"gv\"; did you mean \"gw\"?"},
        {"192.168.1.10, gateway: gw", "192.168.1.10, gateway: isp",
         "4:43: error: \"isp\" is a router; expected a gateway"},
        {"web: {virtual_network: vnet", "web: {virtual_network: net",
         "23:26: error: there is no virtual-network \"net\"; did you mean \"vnet\"?"},
        {"routers: [isp]", "routers: [isp, bob]",
         "6:16: error: two nodes are named \"bob\"; each needs a name of its own"},
        // certificates
        {"gateway: gw}", "gateway: gw, certificate: alicia}",
         "4:60: error: there is no certificate \"alicia\"; there is "},
        {"P2SRootCert: {}", "P2SRootCert: {not_after: 2019-01-01}",
         "2:28: error: certificate \"P2SRootCert\" ends at 2019-01-01T00:00:00Z, before it begins at "
         "2020-01-01T00:00:00Z"},
        {"P2SRootCert: {}", "P2SRootCert: {}\n  x: {issuer: y}", "3:15: error: there is no certificate \"y\""},
        {"root_certificates: [P2SRootCert]", "root_certificates: [Other]",
         "17:26: error: there is no certificate \"Other\"; there is P2SRootCert"},
        {"root_certificates: [P2SRootCert]", roots + "]",
         "17:26: error: 21 root certificates; a gateway takes at most 20 (P2S-CERT-03)"},
        {"gateway: gw}", "gateway: gw, certificate: P2SRootCert}", "4:60: warning: client \"alice\" shows the root"},
        {"P2SRootCert: {}", "P2SRootCert: {}\n  alice: {issuer: P2SRootCert, key: ecdsa-256}",
         "5:3: warning: ECDSA client certificates are documented as unsupported for IKEv2 point-to-site (P2S-CERT-11)"},
        {"gateway: gw}", "gateway: gw, pre_shared_key: s}",
         "4:63: warning: gateway \"gw\" has no pre_shared_key and will refuse client \"alice\""},
        // prefixes
        {"172.16.0.0/24", "10.1.4.0/24",
         "16:21: error: the address_pool of \"gw\" (10.1.4.0/24) overlaps the address_space of \"vnet\" (10.1.0.0/16); "
         "expected prefixes apart"},
        {"virtual_machines:", "  two: {address_space: 10.1.128.0/17}\nvirtual_machines:",
         "22:24: error: the address_space of \"two\" (10.1.128.0/17) overlaps the address_space of \"vnet\" "
         "(10.1.0.0/16); expected prefixes apart"},
        {"172.16.0.0/24", "192.168.1.0/24",
         "4:20: error: address 192.168.1.10 of client \"alice\" lies in the address_pool 192.168.1.0/24; the client's "
         "own network must not overlap it (P2S-FAQ-08)"},
        {"192.168.1.10", "10.1.7.7",
         "4:20: error: address 10.1.7.7 of client \"alice\" lies in the virtual network 10.1.0.0/16"},
        {"172.16.0.0/24", "172.16.0.0/30",
         "16:21: error: address_pool 172.16.0.0/30 is too small; the smallest is a /29 (P2S-FAQ-09)"},
        {"servers: 10.1.0.0/24", "servers: 10.2.0.0/24",
         "21:54: error: subnet servers (10.2.0.0/24) is outside the address_space of \"vnet\""},
        {"servers: 10.1.0.0/24", "servers: 10.1.0.0/24, b: 10.1.0.128/25",
         "21:70: error: subnet b (10.1.0.128/25) overlaps subnet servers (10.1.0.0/24)"},
        // addresses
        {"address: 10.1.0.4", "address: 10.2.0.4",
         "23:41: error: address 10.2.0.4 of \"web\" is outside the address_space of \"vnet\" (10.1.0.0/16)"},
        {"address: 10.1.0.4", "address: 10.1.9.4",
         "23:41: error: address 10.1.9.4 of \"web\" is in no subnet of \"vnet\""},
        {"address: 10.1.0.4", "address: 10.1.255.9",
         "23:41: error: address 10.1.255.9 of \"web\" is in the GatewaySubnet 10.1.255.0/27, which is for the gateway "
         "alone"},
        {"virtual_network: vnet\n", "virtual_network: vnet\n    inside_address: 10.1.0.5\n",
         "15:21: error: address 10.1.0.5 of \"gw\" is outside the GatewaySubnet 10.1.255.0/27"},
        {"192.168.1.11", "192.168.1.10", "5:18: error: address 192.168.1.10 is already that of \"alice\""},
        {"198.51.100.1", "203.0.113.10", "8:40: error: address 203.0.113.10 is already that of \"gw\""},
        {"192.168.1.11", "127.0.0.1", "5:18: error: 127.0.0.1 is no address that a machine can have"},
        {"GatewaySubnet: 10.1.255.0/27, ", "", "12:3: error: gateway \"gw\" needs an address (inside_address)"},
        // links
        {"{inside: gw}", "{inside: alice}",
         "10:16: error: \"alice\", the inside of firewall \"fw\", is not linked to it; there is isp, gw"},
        {"{outside: isp,", "{outside: fw,", "8:18: error: \"fw\", the outside of nat \"nat\", is not linked to it; "},
        {"isp-fw: , ", "isp-fw: , nat-fw: , ",
         "10:3: error: firewall \"fw\" has 3 links; expected 2, it stands between two neighbours"},
        {"198.51.100.1}", "198.51.100.1, rebind_every: 0s}",
         "8:68: error: rebind_every of nat \"nat\" is below 1s; expected 1s or more, or never"},
        // rules
        {"{inside: gw}", "{inside: gw, rules: [{action: drop, protocol: esp, destination_ports: 500}]}",
         "10:77: error: destination_ports in a rule of firewall \"fw\" for protocol 50, which has no ports; expected "
         "protocol tcp or udp"},
        {"{inside: gw}", "{inside: gw, rules: [{action: drop, protocol: 1, source_ports: [7]}]}",
         "10:70: error: source_ports in a rule of firewall \"fw\" for protocol 1"},
        {"{inside: gw}", "{inside: gw, rules: [{action: drop, protocol: tcp, tls_only: true}]}",
         "10:68: error: tls_only in a rule of firewall \"fw\" that does not allow; expected action allow"},
        {"{inside: gw}", "{inside: gw, rules: [{action: allow, tls_only: true}]}",
         "10:54: error: tls_only in a rule of firewall \"fw\" that is not for TCP; expected protocol tcp"},
        {"{inside: gw}", "{inside: gw, rules: [{action: allow, protocol: tcp, state: any, tls_only: true}]}",
         "10:81: error: tls_only in a rule of firewall \"fw\" for flows that exist, whose beginning is past; expected "
         "state new"},
        {"{inside: gw}", "{inside: gw, rules: [{action: drop, from: 3s, until: 3s}]}",
         "10:60: error: a rule of firewall \"fw\" ends at 3.000000000 s, not after it comes into force at 3.000000000 "
         "s; "
         "expected a later time, or never"},
        {"{inside: gw}", "{inside: gw, rules: [{action: drop, from: 1h}]}",
         "10:49: warning: this rule of firewall \"fw\" comes into force at 3600.000000000 s, after the end of the run "
         "at "
         "10.000000000 s"},
        {"{inside: gw}", "{inside: gw, rules: [{action: drop, source: 203.0.113.11}]}",
         "10:51: error: source 203.0.113.11 in a rule of firewall \"fw\" is the address of no node; expected one that "
         "a "
         "node of the topology has"},
        {"{inside: gw}", "{inside: gw, rules: [{action: drop, destination: 203.0.114.0/24}]}",
         "10:56: warning: destination 203.0.114.0/24 in a rule of firewall \"fw\" holds the address of no node"},
        {"198.51.100.1}", "198.51.100.1, udp_timeout: 0s}",
         "8:67: error: udp_timeout of nat \"nat\" is 0; expected more"},
        {"bob-nat: , ", "", "5:41: error: no path of links leads from client \"bob\" to its gateway \"gw\""},
        {"fw-gw: ", "fw-gw: , odd: {between: [isp, isp]}", "24:63: error: link \"odd\" leads from a node to itself"},
        // flows and actions
        {"to: web}", "to: wab}", "26:36: error: there is no client or virtual machine \"wab\"; did you mean \"web\"?"},
        {"to: web}", "to: isp}", "26:36: error: \"isp\" is a router; a flow goes between clients and virtual machines"},
        {"to: web}", "to: alice}", "26:36: error: flow \"p\" goes from \"alice\" to itself"},
        {"to: web}", "to: web, stop: 1s}",
         "26:47: error: flow \"p\" stops at 1.000000000 s, not after it starts at 2.000000000 s"},
        {"to: web}", "to: web, interval: 0s}", "26:51: error: flow \"p\" needs an interval above 0"},
        {"to: web}", "to: bob}",
         "26:3: warning: flow \"p\" will not arrive: gw offers no route to its own address_pool (custom_routes)"},
        {"node: alice", "node: alise",
         "28:37: error: there is no client or gateway \"alise\"; did you mean \"alice\"?"},
        {"node: alice", "node: web",
         "28:37: error: \"web\" is a virtual-machine; rekey-child is for clients and gateways"},
        // faults, and what links do to packets
        {"node: alice}\n", "node: alice}\nfaults: [{link: nat-ips, do: drop}]\n",
         "29:17: error: there is no link \"nat-ips\"; did you mean \"nat-isp\"?"},
        {"node: alice}\n", "node: alice}\nfaults: [{link: nat-isp, from: bob, do: drop}]\n",
         "29:32: error: link \"nat-isp\" has no end at \"bob\"; there is nat, isp"},
        {"node: alice}\n", "node: alice}\nfaults: [{link: nat-isp, do: drop, at: 4s, until: 2s}]\n",
         "29:51: error: this fault ends at 2.000000000 s, not after it begins at 4.000000000 s; expected a later time"},
        {"node: alice}\n", "node: alice}\nfaults: [{link: nat-isp, do: drop, at: 1h}]\n",
         "29:40: warning: this fault at 3600.000000000 s comes after the end of the run at 10.000000000 s"},
        {"node: alice}\n", "node: alice}\nfaults: [{link: nat-isp, do: drop, protocol: esp, ports: 4500}]\n",
         "29:58: error: this fault has ports for protocol 50, which has none; expected protocol tcp or udp"},
        {"node: alice}\n", "node: alice}\nfaults: [{link: nat-isp, do: drop, protocol: tcp, packet: esp}]\n",
         "29:59: error: no packet of protocol 6 is of the kind esp; expected protocol 17 or 50"},
        {"node: alice}\n", "node: alice}\nfaults: [{link: nat-isp, do: delay, delay: 0s}]\n",
         "29:44: error: this fault delays by 0; expected more"},
        {"isp-fw: , ", "isp-fw: {reorder: 1%, reorder_by: 0s}, ",
         "24:78: error: reorder_by of link \"isp-fw\" is 0; expected more"},
        {"isp-fw: , ", "isp-fw: {black_hole_above: 1500}, ",
         "24:71: error: black_hole_above 1500 of link \"isp-fw\" swallows nothing, or everything; expected 576 or "
         "more, and less than its mtu of 1500"},
        {"at: 5s", "at: 5h",
         "28:10: warning: this action at 18000.000000000 s comes after the end of the run at 10.000000000 s"},
    };
    for (const auto& broken : all) {
        const auto problems = problems_of(with(broken.before, broken.after));
        EXPECT_THAT(problems, testing::Contains(testing::StartsWith("t.yaml:" + broken.expected)))
            << broken.before << " -> " << broken.after;
    }
}

TEST(Check, AllowsTheSameAddressBehindTwoNats) {
    const auto text = with("nats:\n", "nats:\n  cafe: {outside: isp, outside_address: 198.51.100.2}\n");
    auto apart = text;
    apart.replace(apart.find("bob-nat"), 7, "bob-cafe");
    apart.replace(apart.find("nat-isp: "), 9, "nat-isp: , cafe-isp: ");
    apart.replace(apart.find("192.168.1.11"), 12, "192.168.1.10");
    EXPECT_THAT(problems_of(apart), IsEmpty());
}

TEST(Check, WantsSomethingToAuthenticateWith) {
    auto topology = parse(kSound, "t.yaml").topology.value();
    auto& gateway = *find_as<Gateway>(topology, "gw");
    gateway.root_certificates.clear();
    gateway.certificate.clear();
    std::vector<std::string> lines;
    for (const auto& problem : check(topology)) lines.push_back(problem.message);
    EXPECT_THAT(lines,
                ElementsAre("gateway \"gw\" needs a certificate (certificate)",
                            "gateway \"gw\" has neither root_certificates nor a pre_shared_key; nobody could connect"));
}

TEST(Check, TrustsNoNumbersOfAModelMadeInCode) {
    auto topology = parse(kSound, "t.yaml").topology.value();
    auto& link = topology.graph[*boost::edges(topology.graph).first];
    link.bits_per_second = 0;
    link.loss = 1.5;
    link.duplicate = link.corrupt = link.reorder = -0.5;
    link.black_hole_above = 60;
    link.mtu = 68;
    topology.duration = Duration::zero();
    topology.actions.clear();
    EXPECT_EQ(check(topology).size(), 8u);
}

}  // namespace
}  // namespace gatelab::topologies
