"""gatelab topology: what it finds wrong, where, and with which exit code."""

import pytest


def test_check_finds_nothing_wrong_with_the_library(gatelab):
    for name in ["openvpn-udp-nat", "proxy-only", "remote-user", "remote-user-openvpn", "remote-user-sstp",
                 "remote-user-strongswan", "udp-blocked"]:
        answer = gatelab("topology", "check", name)
        assert (answer.code, answer.err) == (0, "")
        assert "nothing wrong" in answer.out


NAMES_OF_RULES = """firewalls:
  hotel:
    inside: alice
    rules:
      - {action: reject, state: any, protocol: udp, destination_ports: [500, 4500], from: 3s}
      - {action: allow, protocol: tcp, destination_ports: 443, tls_only: true}
    otherwise: reject
faults:
  - {at: 1s, for: 2s, link: isp-gateway, from: isp, do: drop, packet: ike-auth, numbers: [1, 3]}
  - {link: alice-hotel, do: delay, delay: 20ms, share: 10%}
"""


@pytest.fixture
def hotel(edited):
    def make(*replacements):
        text = NAMES_OF_RULES
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        return edited("remote-user", ("routers: [isp]", "routers: [isp]\n" + text), ("  alice-isp:", "  hotel-isp:\n  alice-hotel:"))
    return make


def test_show_tells_rules_impairments_and_faults(gatelab, hotel):
    answer = gatelab("topology", "show", hotel(), "--set", "links.alice-hotel.corrupt=0.01",
                     "--set", "links.alice-hotel.black_hole_above=1300")
    assert answer.code == 0, answer.err
    assert "protects alice, 2 rules, otherwise reject" in answer.out
    assert "reject udp to port 500, 4500, also of flows that exist, from 3 s on" in answer.out
    assert "allow tcp to port 443, TLS only" in answer.out
    assert "corrupt 1 %, black hole above 1300" in answer.out
    assert "drop ike-auth from isp, number 1, 3, from 1 s to 3 s" in answer.out
    assert "delay by 20 ms every packet, 10 % of them" in answer.out
    document = gatelab("topology", "show", hotel(), "--json").json
    assert document["faults"][0] == {"link": "isp-gateway", "description": "drop ike-auth from isp, number 1, 3, from 1 s to 3 s"}


@pytest.mark.parametrize("replacement, expected", [
    (("protocol: udp", "protocol: sctp"), 'protocol of rule 0 of firewall "hotel" is "sctp"; expected any, icmp, tcp, udp, esp or a protocol number'),
    (("from: 3s", "from: -3s"), 'from of rule 0 of firewall "hotel" is "-3s", before the start of the run; expected 0s or later'),
    (("action: reject,", "action: reject, source: 198.51.100.99,"), 'source 198.51.100.99 in a rule of firewall "hotel" is the address of no node; expected one that a node'),
    (("at: 1s", "at: -1s"), 'at of fault 0 is "-1s", before the start of the run; expected 0s or later'),
    (("isp-gateway", "isp-gatway"), 'there is no link "isp-gatway"; did you mean "isp-gateway"?'),
])
def test_refuses_rules_and_faults_that_cannot_be(gatelab, hotel, replacement, expected):
    path = hotel(replacement)
    answer = gatelab("topology", "check", path)
    assert answer.code == 2
    place, message = answer.err.strip().splitlines()[0].removeprefix("gatelab: ").split(": error: ")
    file, line, _ = place.rsplit(":", 2)
    assert file == str(path) and expected in message
    assert replacement[1].split()[-1].strip("{},") in path.read_text().splitlines()[int(line) - 1]


BROKEN = [
    # unknown key
    (("    gateway: gateway", "    gatway: gateway"), 'edited.yaml:14:5: error: unknown key "gatway" in client "alice"; did you mean "gateway"?'),
    # overlapping prefix
    (("172.16.201.0/24", "10.1.2.0/24"), 'edited.yaml:23:21: error: the address_pool of "gateway" (10.1.2.0/24) overlaps the address_space of "vnet1"'),
    # missing certificate file
    (("clients:", "certificates: {P2SRootCert: {certificate_file: gone.pem}}\nclients:"), "gone.pem; expected a PEM file"),
    # missing certificate
    (("[P2SRootCert]", "[Corporate]"), 'error: there is no certificate "Corporate"'),
    # no YAML
    (("routers: [isp]", "routers: [isp"), "error: no YAML"),
    # a wrong type
    (("delay: 10ms", "delay: [10]"), "delay of link \"alice-isp\" is a list; expected a duration"),
    # no way
    (("  isp-gateway: {rate: 1Gbps, delay: 5ms}\n", ""), 'no path of links leads from client "alice" to its gateway "gateway"'),
]


@pytest.mark.parametrize("replacement, expected", BROKEN)
@pytest.mark.parametrize("verb", [("topology", "check"), ("topology", "show"), ("run",)])
def test_names_the_place_and_what_was_expected(gatelab, edited, verb, replacement, expected):
    path = edited("remote-user", replacement)
    answer = gatelab(*verb, path)
    assert answer.code == 2
    assert expected in answer.err and str(path) in answer.err
    if verb == ("run",):
        assert answer.said_once()
    assert not (gatelab.folder / "runs").exists()


def test_check_reports_problems_as_json(gatelab, edited):
    path = edited("remote-user", ("    gateway: gateway", "    gatway: gateway"))
    answer = gatelab("topology", "check", path, "--json")
    assert answer.code == 2
    assert not answer.json["valid"]
    problem = answer.json["problems"][0]
    assert (problem["line"], problem["column"], problem["severity"]) == (14, 5, "error")


def test_check_lets_warnings_pass(gatelab, edited):
    path = edited("remote-user", ("clients:", "certificates:\n  P2SRootCert: {}\n  alice: {issuer: P2SRootCert, key: ecdsa-256}\nclients:"))
    answer = gatelab("topology", "check", path)
    assert answer.code == 0
    assert answer.said_once("warning: ECDSA client certificates are documented as unsupported")


def test_show_tells_who_reaches_whom(gatelab):
    answer = gatelab("topology", "show", "remote-user")
    assert answer.code == 0
    assert "alice > isp > gateway > vnet1 > web" in answer.out
    document = gatelab("topology", "show", "remote-user", "--json").json
    assert document["reachability"][0] == {"from": "alice", "to": "web", "tunnels": ["alice"], "why_not": "",
                                           "path": ["alice", "isp", "gateway", "vnet1", "web"]}


def test_show_tells_tunnels_habits_and_proxy(gatelab, edited):
    path = edited(
        "remote-user",
        ("    gateway: gateway", "    gateway: gateway\n    personality: windows\n    username: ann\n    password: x\n    http_proxy: squid"),
        ("routers: [isp]", "routers: [isp]\nhttp_proxies: {squid: {address: 198.51.100.20, users: {bo: x}}}"),
        ("root_certificates:", "tunnel_types: [ikev2, sstp]\n      users: {ann: x}\n      root_certificates:"),
        ("  isp-gateway:", "  squid-isp:\n  isp-gateway:"),
    )
    answer = gatelab("topology", "show", path)
    assert answer.code == 0, answer.err
    assert "dials gateway by ikev2, then sstp, through squid with a certificate, played by gatelab with the habits of windows" in answer.out
    assert "offers ikev2 and sstp, into vnet1" in answer.out
    assert "198.51.100.20:3128, connects to 443, with Basic authentication" in answer.out
    nodes = {node["name"]: node for node in gatelab("topology", "show", path, "--json").json["nodes"]}
    assert nodes["alice"]["tunnels"] == ["ikev2", "sstp"]
    assert (nodes["alice"]["personality"], nodes["alice"]["http_proxy"]) == ("windows", "squid")
    assert nodes["gateway"]["tunnels"] == ["ikev2", "sstp"]
    assert "tunnels" not in nodes["isp"]


def test_says_that_a_file_is_missing(gatelab):
    answer = gatelab("topology", "check", "remote-usr")
    assert answer.code == 2
    assert answer.said_once("no file remote-usr", 'did you mean "remote-user"?')
