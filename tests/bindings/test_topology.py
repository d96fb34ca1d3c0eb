import pytest

import gatelab


def test_names_its_nodes_links_and_flows(topology):
    assert topology.name == "remote-user"
    assert topology.duration == 10.0
    assert topology.node("alice") == gatelab.Node(
        "alice", "client", "198.51.100.10", tunnels=("ikev2",), personality="gatelab"
    )
    assert {node.kind for node in topology.nodes} >= {"client", "gateway", "virtual-network", "virtual-machine", "router"}
    assert topology.link("alice-isp").ends == ("alice", "isp")
    assert topology.link("alice-isp").delay == pytest.approx(0.010)
    assert topology.flow("ping").source == "alice"
    assert topology.problems == ()


def test_takes_other_values(topology):
    slower = topology.with_settings({"links.alice-isp.delay": "50ms", "links.alice-isp.loss": 0.01})
    assert slower.link("alice-isp").delay == pytest.approx(0.050)
    assert slower.link("alice-isp").loss == pytest.approx(0.01)
    worse = topology.with_settings({"links.alice-isp.corrupt": 0.02, "links.alice-isp.black_hole_above": 1300})
    assert worse.link("alice-isp").corrupt == pytest.approx(0.02)
    assert worse.link("alice-isp").black_hole_above == 1300
    assert topology.link("alice-isp").black_hole_above is None
    assert topology.link("alice-isp").delay == pytest.approx(0.010)


def test_says_what_there_is_when_a_name_is_unknown(topology):
    with pytest.raises(KeyError, match="alice"):
        topology.node("nobody")


def test_reads_a_file(tmp_path):
    with pytest.raises(gatelab.GatelabError, match="broken.yaml:1"):
        broken = tmp_path / "broken.yaml"
        broken.write_text("nmae: x\n")
        gatelab.load(broken)


def test_names_the_library_when_there_is_no_such_file():
    with pytest.raises(gatelab.GatelabError, match="remote-user") as raised:
        gatelab.load("no-such-topology")
    assert raised.value.fault == "not-found"


def test_refuses_an_unknown_setting(topology):
    with pytest.raises(gatelab.GatelabError, match='did you mean "delay"'):
        topology.with_settings({"links.alice-isp.dely": "50ms"})


def test_tells_what_clients_dial_and_gateways_offer(tmp_path):
    file = tmp_path / "office.yaml"
    file.write_text(
        """
clients:
  alice: {address: 192.168.1.10, personality: windows, username: ann, password: x, http_proxy: squid}
routers: [isp]
http_proxies: {squid: {address: 192.168.1.2}}
gateways:
  gateway:
    public_address: 203.0.113.10
    point_to_site: {address_pool: 172.16.201.0/24, tunnel_types: [sstp, ikev2], users: {ann: x}}
virtual_networks: {vnet1: {address_space: 10.1.0.0/16, subnets: {GatewaySubnet: 10.1.255.0/27}}}
links: {alice-isp: , squid-isp: , isp-gateway: }
"""
    )
    topology = gatelab.load(file)
    alice = topology.node("alice")
    assert (alice.tunnels, alice.personality, alice.http_proxy) == (("ikev2", "sstp"), "windows", "squid")
    assert topology.node("gateway").tunnels == ("sstp", "ikev2")
    assert topology.node("squid") == gatelab.Node("squid", "http-proxy", "192.168.1.2")
