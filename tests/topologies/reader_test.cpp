#include "topologies/yaml/reader.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

namespace gatelab::topologies {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> problems_of(std::string_view text) {
    std::vector<std::string> lines;
    for (const auto& problem : parse(text, "t.yaml").problems) lines.push_back(to_string(problem));
    return lines;
}

constexpr auto kFull = R"(
name: office
summary: Everything said
duration: 1min
epoch: 2027-03-01
certificates:
  Root: {key: rsa-3072}
  gw.example: {issuer: Root, key: ecdsa-256, not_before: 2026-01-01, not_after: 2028-01-01T12:00:00Z, dns_names: [gw.example, b]}
clients:
  alice:
    address: 192.168.1.10
    gateway: gw
    implementation: strongswan
    pre_shared_key: secret
    identification: alice@example
    connect_at: never
    processing_delay: 250us
    ike_policy: [AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384]
    ipsec_policy: AES_GCM_16-256/ECP_384
    ike_lifetime: 2h
    child_lifetime: 30min
    liveness: 10s
    remote_selectors: [10.1.0.0/16]
routers: {isp: {processing_delay: 1ms}}
firewalls:
  fw:
    inside: alice
    rules:
      - {action: drop, direction: outbound, protocol: udp, destination_ports: [500, 4500], destination: 203.0.113.0/24}
      - {action: allow, direction: inbound, protocol: 47, source: 10.0.0.0/8}
      - {action: reject, state: any, source: 192.168.1.10, source_ports: 68, from: 3s, until: 8s}
      - {action: allow, protocol: tcp, destination_ports: 443, tls_only: true, until: never}
    otherwise: reject
nats:
  nat: {outside: isp, outside_address: 198.51.100.1, mapping: endpoint-dependent, udp_timeout: 30s, tcp_timeout: 10min,
        hairpin: true, rebind_every: 5min}
gateways:
  gw:
    public_address: 203.0.113.10
    virtual_network: vnet
    inside_address: 10.1.255.9
    server_name: gw.example
    certificate: gw.example
    point_to_site:
      address_pool: 172.16.201.0/24
      root_certificates: [Root]
      dns_servers: [10.1.0.53]
      custom_routes: [10.9.0.0/16]
      pre_shared_key: secret
      ike_lifetime: 1h
virtual_networks:
  vnet: {address_space: [10.1.0.0/16, 10.2.0.0/16], subnets: {GatewaySubnet: 10.1.255.0/27, servers: 10.1.0.0/24}}
virtual_machines:
  web: {address: 10.1.0.4, virtual_network: vnet}
links:
  alice-fw: {rate: 50Mbps, delay: 2ms, loss: 1%, duplicate: 2%, corrupt: 0.03, reorder: 4%, reorder_by: 7ms, mtu: 1400,
             black_hole_above: 1300}
  second: {between: [fw, nat]}
  nat-isp:
  isp-gw:
flows:
  p: {kind: ping, from: alice, to: web, start: 1s, stop: 9s, interval: 200ms, packet_size: 100}
  u: {kind: udp, from: web, to: alice, rate: 5Mbps, packet_size: 900}
  t: {kind: tcp, from: alice, to: web}
actions:
  - {at: 3s, do: connect, node: alice}
  - {at: 5s, do: rekey-child, node: gw}
faults:
  - {at: 3s, for: 2s, link: alice-fw, do: drop}
  - {link: nat-isp, from: nat, do: delay, delay: 50ms, packet: ike-auth, protocol: udp, ports: 4500, numbers: [1, 3],
     share: 50%, until: 9s}
)";

TEST(Reader, TakesEveryKeyOfTheFormat) {
    const auto reading = parse(kFull, "t.yaml");
    for (const auto& problem : reading.problems) ADD_FAILURE() << to_string(problem);
    ASSERT_TRUE(reading.topology);
    const auto& topology = *reading.topology;
    EXPECT_EQ(topology.name, "office");
    EXPECT_EQ(topology.duration, Duration{1min});
    EXPECT_EQ(format_utc(topology.epoch), "2027-03-01T00:00:00Z");
    for (const auto& problem : check(topology)) ADD_FAILURE() << to_string(problem);

    const auto* alice = find_as<Client>(topology, "alice");
    ASSERT_TRUE(alice);
    EXPECT_EQ(alice->implementation, Implementation::StrongSwan);
    EXPECT_EQ(alice->authentication, Authentication::PreSharedKey);
    EXPECT_FALSE(alice->connect_at);
    EXPECT_THAT(alice->ipsec_policy, ElementsAre("AES_GCM_16-256/ECP_384"));
    EXPECT_EQ(alice->ike_lifetime, Duration{2h});
    EXPECT_EQ(alice->child_lifetime, Duration{30min});
    EXPECT_EQ(alice->liveness, Duration{10s});
    EXPECT_EQ(to_string(alice->remote_selectors.at(0)), "10.1.0.0/16");

    EXPECT_EQ(topology.graph[*find(topology, "alice")].processing_delay, Duration{250us});
    EXPECT_EQ(topology.graph[*find(topology, "isp")].processing_delay, Duration{1ms});
    EXPECT_EQ(topology.graph[*find(topology, "gw")].processing_delay, Duration{});

    const auto* gateway = find_as<Gateway>(topology, "gw");
    ASSERT_TRUE(gateway);
    EXPECT_EQ(to_string(gateway->inside_address), "10.1.255.9");
    EXPECT_EQ(gateway->pre_shared_key, "secret");
    EXPECT_EQ(to_string(gateway->dns_servers.at(0)), "10.1.0.53");
    EXPECT_EQ(to_string(gateway->custom_routes.at(0)), "10.9.0.0/16");
    EXPECT_EQ(gateway->ike_lifetime, Duration{1h});

    const auto* firewall = find_as<Firewall>(topology, "fw");
    ASSERT_TRUE(firewall);
    EXPECT_EQ(firewall->otherwise, FilterRule::Action::Reject);
    EXPECT_THAT(firewall->rules.at(0).destination_ports, ElementsAre(500, 4500));
    EXPECT_EQ(firewall->rules.at(0).protocol, 17);
    EXPECT_EQ(firewall->rules.at(1).protocol, 47);
    EXPECT_EQ(firewall->rules.at(1).direction, FilterRule::Direction::Inbound);
    const auto& timed = firewall->rules.at(2);
    EXPECT_EQ(timed.action, FilterRule::Action::Reject);
    EXPECT_EQ(timed.state, FilterRule::State::Any);
    EXPECT_EQ(to_string(timed.source.value()), "192.168.1.10/32");
    EXPECT_THAT(timed.source_ports, ElementsAre(68));
    EXPECT_EQ(timed.from, Duration{3s});
    EXPECT_EQ(timed.until, Duration{8s});
    EXPECT_TRUE(firewall->rules.at(3).tls_only);
    EXPECT_EQ(firewall->rules.at(3).state, FilterRule::State::New);
    EXPECT_EQ(firewall->rules.at(3).until, std::nullopt);

    const auto* nat = find_as<Nat>(topology, "nat");
    ASSERT_TRUE(nat);
    EXPECT_TRUE(nat->endpoint_dependent);
    EXPECT_EQ(nat->udp_timeout, Duration{30s});
    EXPECT_TRUE(nat->hairpin);
    EXPECT_EQ(nat->rebind_every, Duration{5min});

    const auto* network = find_as<VirtualNetwork>(topology, "vnet");
    ASSERT_TRUE(network);
    EXPECT_EQ(to_string(network->gateway_subnet.value()), "10.1.255.0/27");
    EXPECT_EQ(network->subnets.at(0).name, "servers");

    ASSERT_EQ(topology.flows.size(), 3u);
    EXPECT_EQ(topology.flows[0].interval, Duration{200ms});
    EXPECT_EQ(topology.flows[1].bits_per_second, 5'000'000u);
    EXPECT_EQ(topology.flows[2].kind, Flow::Kind::Tcp);
    ASSERT_EQ(topology.actions.size(), 2u);
    EXPECT_EQ(topology.actions[1].kind, Action::Kind::RekeyChild);

    const auto& link = topology.graph[*boost::out_edges(*find(topology, "alice"), topology.graph).first];
    EXPECT_EQ(link.name, "alice-fw");
    EXPECT_EQ(link.duplicate, 0.02);
    EXPECT_EQ(link.corrupt, 0.03);
    EXPECT_EQ(link.reorder, 0.04);
    EXPECT_EQ(link.reorder_by, Duration{7ms});
    EXPECT_EQ(link.black_hole_above, 1300);
    ASSERT_EQ(topology.faults.size(), 2u);
    EXPECT_EQ(topology.faults[0].at, Duration{3s});
    EXPECT_EQ(topology.faults[0].until, Duration{5s});
    EXPECT_EQ(topology.faults[0].kind, LinkFault::Kind::Drop);
    const auto& fault = topology.faults[1];
    EXPECT_EQ(fault.link, "nat-isp");
    EXPECT_EQ(fault.from, "nat");
    EXPECT_EQ(fault.kind, LinkFault::Kind::Delay);
    EXPECT_EQ(fault.delay, Duration{50ms});
    EXPECT_EQ(fault.packet, "ike-auth");
    EXPECT_EQ(fault.protocol, 17);
    EXPECT_THAT(fault.ports, ElementsAre(4500));
    EXPECT_THAT(fault.numbers, ElementsAre(1, 3));
    EXPECT_EQ(fault.share, 0.5);
    EXPECT_EQ(fault.until, Duration{9s});

    const auto* certificate = find_certificate(topology, "gw.example");
    ASSERT_TRUE(certificate);
    EXPECT_EQ(certificate->key.kind, KeySpec::Kind::Ecdsa);
    EXPECT_EQ(format_utc(certificate->not_after), "2028-01-01T12:00:00Z");
    EXPECT_THAT(certificate->dns_names, ElementsAre("gw.example", "b"));
}

TEST(Reader, FillsInWhatAFileNeedNotSay) {
    const auto reading = parse(R"(
clients: {alice: {address: 198.51.100.10}}
gateways: {gw: {public_address: 203.0.113.10, point_to_site: {address_pool: 172.16.0.0/24}}}
virtual_networks: {vnet: {address_space: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/27}}}
virtual_machines: {web: {address: 10.1.0.4}}
links: {alice-gw: }
)",
                               "small.yaml");
    ASSERT_TRUE(reading.topology);
    const auto& topology = *reading.topology;
    EXPECT_EQ(topology.name, "small");
    const auto* alice = find_as<Client>(topology, "alice");
    EXPECT_EQ(alice->gateway, "gw");
    EXPECT_EQ(alice->connect_at, Duration{500ms});
    EXPECT_EQ(find_certificate(topology, alice->certificate)->issuer, "P2SRootCert");
    const auto* gateway = find_as<Gateway>(topology, "gw");
    EXPECT_EQ(gateway->virtual_network, "vnet");
    EXPECT_EQ(to_string(gateway->inside_address), "10.1.255.4");
    EXPECT_THAT(gateway->root_certificates, ElementsAre("P2SRootCert"));
    EXPECT_THAT(find_certificate(topology, gateway->certificate)->dns_names, ElementsAre(gateway->server_name));
    EXPECT_EQ(boost::num_edges(topology.graph), 3u);  // alice-gw, gw-vnet, web-vnet
    for (const auto& problem : check(topology)) ADD_FAILURE() << to_string(problem);
}

struct Wrong {
    std::string text, expected;  // `expected`: line:column and the message
};

TEST(Reader, SaysWhereAndWhatWasExpected) {
    const Wrong all[] = {
        {"", "1:1: error: the file is empty; expected a topology"},
        {"[]", "1:1: error: the topology is a list; expected a map of keys and values"},
        {"hello", "1:1: error: the topology is \"hello\"; expected a map of keys and values"},
        {"nam: x", "1:1: error: unknown key \"nam\" in the topology; did you mean \"name\"?"},
        {"a: 1\na: 2", "2:1: error: \"a\" is said twice; the first time in line 1"},
        {"? [a]\n: 1", "1:3: error: a key is a list; expected a name"},
        {"name: {a: 1}", "1:7: error: name of the topology is a map; expected a text"},
        {"name: ../x", "1:7: error: name is \"../x\"; expected letters, digits, - and _, at most 63"},
        {"duration: 10",
         "1:11: error: duration of the topology is \"10\"; expected a duration with its unit (ns, us, ms, s, min, h, "
         "d; at most 10 years), such as 10ms"},
        {"epoch: soon",
         "1:8: error: epoch of the topology is \"soon\"; expected a UTC time such as 2026-01-01 or "
         "2026-01-01T12:30:00Z"},
        {"clients: 5", "1:10: error: clients is \"5\"; expected a map from names to clients"},
        {"clients:\n  al/ice: {}",
         "2:3: error: \"al/ice\" is no name for a client; expected letters, digits, - and _, at most 63"},
        {"clients:\n  alice: {}", "2:3: error: client \"alice\" needs address, such as 198.51.100.10"},
        {"clients:\n  alice: hi", "2:10: error: client \"alice\" is \"hi\"; expected a map of keys and values"},
        {"clients:\n  alice:\n    address: 10.1.0",
         "3:14: error: address of client \"alice\" is \"10.1.0\"; expected an IPv4 address such as 10.1.0.4"},
        {"clients:\n  alice:\n    address: [1, 2]",
         "3:14: error: address of client \"alice\" is a list; expected an IPv4 address such as 10.1.0.4"},
        {"clients:\n  alice:\n    address: 1.2.3.4\n    adress: 1.2.3.4",
         "4:5: error: unknown key \"adress\" in client \"alice\"; did you mean \"address\"?"},
        {"clients:\n  alice:\n    address: 1.2.3.4\n    implementation: cisco",
         "4:21: error: implementation of client \"alice\" is \"cisco\"; expected one of gatelab, strongswan"},
        {"gateways:\n  g: {public_address: 1.2.3.4}",
         "2:3: error: gateway \"g\" needs point_to_site, such as {address_pool: 172.16.201.0/24}"},
        {"gateways:\n  g:\n    public_address: 1.2.3.4\n    point_to_site: {address_pool: 172.16.0.1/24}",
         "4:35: error: address_pool of point_to_site of gateway \"g\": "},
        {"virtual_networks: {v: {address_space: [10.0.0.0]}}", "1:40: error: address_space of virtual network \"v\": "},
        {"routers: [isp]\nlinks:\n  isp-ips: {}",
         "3:3: error: link \"isp-ips\" does not name two nodes joined by a hyphen; say between: [one, other]"},
        {"routers: [isp, core]\nlinks:\n  isp-cor: {}",
         "3:3: error: link \"isp-cor\" does not name two nodes joined by a hyphen; did you mean \"isp-core\"?"},
        {"routers: [isp, core]\nlinks:\n  l: {between: [isp, cor]}",
         "3:22: error: there is no node \"cor\"; did you mean \"core\"?"},
        {"routers: [isp, core]\nlinks:\n  isp-core: {rate: 5}",
         "3:20: error: rate of link \"isp-core\" is \"5\"; expected a rate with its unit (bps, kbps, Mbps, Gbps; 1bps "
         "to 1000Gbps), such as 100Mbps"},
        {"routers: [isp, core]\nlinks:\n  isp-core: {loss: 2}",
         "3:20: error: loss of link \"isp-core\" is \"2\"; expected a share from 0 to 1, such as 0.01 or 1%"},
        {"routers: [isp, core]\nlinks:\n  isp-core: {mtu: 100}",
         "3:19: error: mtu of link \"isp-core\" is \"100\"; expected a whole number from 576 to 65535"},
        {"firewalls:\n  f:\n    inside: x\n    rules: [{action: drop, protocol: sctp}]",
         "4:38: error: protocol of rule 0 of firewall \"f\" is \"sctp\"; expected any, icmp, tcp, udp, esp or a "
         "protocol number from 0 to 255"},
        {"firewalls:\n  f:\n    inside: x\n    rules: [{action: refuse}]",
         "4:22: error: action of rule 0 of firewall \"f\" is \"refuse\"; expected one of allow, drop, reject"},
        {"firewalls:\n  f:\n    inside: x\n    rules: [{action: drop, state: old}]",
         "4:35: error: state of rule 0 of firewall \"f\" is \"old\"; expected one of new, established, any"},
        {"firewalls:\n  f:\n    inside: x\n    rules: [{action: drop, from: -3s}]",
         "4:34: error: from of rule 0 of firewall \"f\" is \"-3s\", before the start of the run; expected 0s or later"},
        {"firewalls:\n  f:\n    inside: x\n    rules: [{action: drop, until: soon}]",
         "4:35: error: until of rule 0 of firewall \"f\" is \"soon\"; expected a duration with its unit"},
        {"firewalls:\n  f:\n    inside: x\n    rules: [{action: drop, source: 10.0.0.1/8}]",
         "4:36: error: source of rule 0 of firewall \"f\": '10.0.0.1/8' has bits set beyond its length; the prefix is "
         "10.0.0.0/8"},
        {"flows:\n  p: {kind: ping, from: a, to: b, rate: 1Mbps}", "2:35: error: unknown key \"rate\" in flow \"p\"; "},
        {"actions: {at: 1s}", "1:10: error: actions is a map; expected a list"},
        {"actions:\n  - {at: 1s, do: dance, node: a}",
         "2:18: error: do of action 0 is \"dance\"; expected one of connect, disconnect, rekey-child, rekey-ike, "
         "check-liveness"},
        {"routers: [isp, core]\nlinks:\n  isp-core: {corrupt: 2}",
         "3:23: error: corrupt of link \"isp-core\" is \"2\"; expected a share from 0 to 1, such as 0.01 or 1%"},
        {"routers: [isp, core]\nlinks:\n  isp-core: {black_hole_above: 500}",
         "3:32: error: black_hole_above of link \"isp-core\" is \"500\"; expected a whole number from 576 to 65535"},
        {"faults: {at: 1s}", "1:9: error: faults is a map; expected a list"},
        {"faults:\n  - {do: drop}", "2:5: error: fault 0 needs link, such as alice-isp"},
        {"faults:\n  - {link: a-b}", "2:5: error: fault 0 needs do, such as drop"},
        {"faults:\n  - {link: a-b, do: eat}",
         "2:21: error: do of fault 0 is \"eat\"; expected one of drop, duplicate, corrupt, delay"},
        {"faults:\n  - {link: a-b, do: drop, at: -2s}",
         "2:31: error: at of fault 0 is \"-2s\", before the start of the run; expected 0s or later"},
        {"faults:\n  - {link: a-b, do: drop, until: 3s, for: 2s}",
         "2:43: error: fault 0 says both until and for; expected one of them"},
        {"faults:\n  - {link: a-b, do: drop, protocol: sctp}",
         "2:37: error: protocol of fault 0 is \"sctp\"; expected any, icmp, tcp, udp, esp or a protocol number"},
        {"faults:\n  - {link: a-b, do: drop, packet: ike-aut}",
         "2:35: error: packet of fault 0 is \"ike-aut\"; did you mean \"ike-auth\"?"},
        {"faults:\n  - {link: a-b, do: drop, packet: sstp-hello}",
         "2:35: error: packet of fault 0 is \"sstp-hello\"; expected one of ike-sa-init, ike-auth, "},
        {"faults:\n  - {link: a-b, do: drop, numbers: [1, 0]}",
         "2:40: error: numbers of fault 0 is \"0\"; expected a whole number from 1 to 4294967295"},
        {"faults:\n  - {link: a-b, do: drop, share: 3}",
         "2:34: error: share of fault 0 is \"3\"; expected a share from 0 to 1, such as 0.01 or 1%"},
        {"faults:\n  - {link: a-b, do: drop, delay: 3ms}", "2:27: error: unknown key \"delay\" in fault 0; "},
        {"certificates:\n  Root: {certificate_file: no.pem}",
         "2:28: error: certificate_file of certificate \"Root\": there is no file no.pem; expected a PEM file, "
         "relative to the topology file"},
        {"certificates:\n  Root: {key: dsa-1024}",
         "2:15: error: key of certificate \"Root\" is \"dsa-1024\"; expected one of rsa-2048, "},
        {"name: 'x", "1:9: error: no YAML: "},
        {"a: b: c", "1:5: error: no YAML: "},
    };
    for (const auto& wrong : all) {
        const auto problems = problems_of(wrong.text);
        ASSERT_FALSE(problems.empty()) << wrong.text;
        EXPECT_THAT(problems.front(), testing::StartsWith("t.yaml:" + wrong.expected)) << wrong.text;
    }
}

TEST(Reader, CollectsAllErrorsInTheOrderOfTheFile) {
    EXPECT_THAT(problems_of("nme: x\nclients:\n  a: {adress: 1.2.3.4}\n"),
                ElementsAre(HasSubstr("t.yaml:1:1: error: unknown key \"nme\""),
                            HasSubstr("t.yaml:3:3: error: client \"a\" needs address"),
                            HasSubstr("t.yaml:3:7: error: unknown key \"adress\"")));
}

TEST(Reader, LooksForCertificateFilesBesideTheTopology) {
    const auto folder = std::filesystem::path{testing::TempDir()} / "gatelab-reader";
    std::filesystem::create_directories(folder);
    std::ofstream{folder / "root.pem"} << "anything";
    std::ofstream{folder / "t.yaml"} << "certificates: {Root: {certificate_file: root.pem}}\n";
    const auto reading = read((folder / "t.yaml").string());
    ASSERT_TRUE(reading.topology);
    EXPECT_EQ(reading.topology->certificates.at(0).certificate_file, (folder / "root.pem").string());
    std::filesystem::remove_all(folder);
}

TEST(Reader, SaysThatAFileIsMissingOrAFolder) {
    EXPECT_EQ(load("/nowhere/at-all.yaml").error().fault, Fault::NotFound);
    EXPECT_THAT(load("/tmp").error().detail, HasSubstr("is a folder; expected a topology file"));
}

}  // namespace
}  // namespace gatelab::topologies
