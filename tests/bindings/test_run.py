import json
import os
import signal
import threading
import time

import pytest

import gatelab


def test_brings_up_the_tunnel_and_carries_the_flows(run):
    tunnel = run.tunnels["alice"]
    assert tunnel.up and tunnel.failure == ""
    assert tunnel.inner_address == "172.16.201.2"
    assert [(one.protocol, one.failure) for one in tunnel.attempts] == [("ikev2", "")]
    assert 10 <= run.duration < 11  # what is still under way when the flows stop arrives
    ping = run.flow("ping")
    assert ping.loss == 0 and ping.packets_received > 0
    assert 30 < ping.rtt_p50_ms < 33  # 2 x 15.5 ms of links
    assert run.flow("telemetry").goodput_bps == pytest.approx(5e6, rel=0.05)


def test_repeats_with_its_seed(topology, run):
    again = topology.run(seed=7)
    assert again.flows == run.flows
    assert again.tunnels == run.tunnels
    assert list(again.events) == list(run.events)


def test_takes_settings_and_a_duration(topology):
    run = topology.run(set={"links.alice-isp.delay": "50ms"}, duration=4)
    assert 4 <= run.duration < 5
    assert 110 < run.flow("ping").rtt_p50_ms < 113


def test_filters_events(run):
    sent = run.events.filter("message-sent", node="alice", exchange="IKE_AUTH")
    assert len(sent) == 1
    assert sent[0].component == "ikev2" and not sent[0].attributes["response"]
    assert all(event.t >= 2 for event in run.events.filter(since=2))
    assert len(run.events.filter("message-sent", no_such_attribute=1)) == 0
    assert len(run.events[:3]) == 3


def test_reports_a_tunnel_that_did_not_come_up():
    run = gatelab.load("udp-blocked").run()
    tunnel = run.tunnels["bob"]
    assert not tunnel.up
    assert tunnel.failure == "peer-silent"
    assert tunnel.ike_suite == ""
    (attempt,) = tunnel.attempts
    assert (attempt.protocol, attempt.failure) == ("ikev2", "peer-silent")
    assert (attempt.began, attempt.ended) == (0.5, 31.5)
    assert run.flow("ping-bob").packets_received == 0


def test_tells_of_falling_back_to_another_tunnel():
    run = gatelab.load("udp-blocked").run()
    tunnel = run.tunnels["alice"]
    assert tunnel.up and tunnel.failure == ""
    assert [(attempt.protocol, attempt.failure) for attempt in tunnel.attempts] == [("ikev2", "peer-silent"),
                                                                                    ("sstp", "")]
    (fell_back,) = run.events.filter("falling-back", node="alice")
    assert fell_back.attributes["to"] == "sstp"
    assert run.flow("ping").packets_received == run.flow("ping").packets_sent


def test_tells_two_users_behind_one_nat_apart():
    run = gatelab.load("remote-user-nat").run(seed=3)
    assert {name: tunnel.inner_address for name, tunnel in run.tunnels.items()} == {
        "alice": "172.16.201.2",
        "bob": "172.16.201.3",
    }
    assert all(tunnel.nat_here and tunnel.udp_encapsulation for tunnel in run.tunnels.values())
    assert all(flow.loss == 0 for flow in run.flows)


def test_leaves_a_run_directory_when_asked(topology, tmp_path):
    out = tmp_path / "run"
    run = topology.run(seed=7, duration=3, out=out)
    assert run.directory == out
    assert json.loads((out / "run.json").read_text())["seed"] == 7
    lines = (out / "events.ndjson").read_text().splitlines()
    assert len(lines) == len(run.events)
    assert json.loads(lines[0])["event"] == run.events[0].event
    assert list((out / "pcap").iterdir())


def test_leaves_what_it_takes_to_repeat_the_run(topology, tmp_path):
    first = topology.run(seed=7, duration=3, set={"links.alice-isp.delay": "20ms"}, out=tmp_path / "first")
    told = json.loads((tmp_path / "first" / "run.json").read_text())
    assert told["overrides"] == ["links.alice-isp.delay=20ms", "duration=3.000000000s"]
    again = gatelab.load(tmp_path / "first" / "topology.yaml", set=dict(one.split("=", 1) for one in told["overrides"]))
    assert list(again.run(seed=told["seed"]).events) == list(first.events)


def test_refuses_an_unknown_way_for_real_peers(topology):
    with pytest.raises(gatelab.GatelabError, match="virtual.*realtime"):
        topology.run(duration=1, real_peers="sometimes")


def test_names_the_command_that_makes_the_kernel(topology, monkeypatch):
    monkeypatch.setenv("GATELAB_KERNEL", "/nowhere/linux")
    with pytest.raises(gatelab.GatelabError, match="gatelab peers kernel") as raised:
        topology.run(duration=1, real_peers="virtual")
    assert raised.value.fault == "unavailable"


def test_leaves_nothing_behind_otherwise(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gatelab.load("remote-user").run(duration=1)
    assert run.directory is None
    assert list(tmp_path.iterdir()) == []


def test_refuses_a_directory_that_holds_something_else(topology, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(gatelab.GatelabError) as raised:
        topology.run(duration=1, out=tmp_path)
    assert raised.value.fault == "refused"
    assert (tmp_path / "thesis.txt").exists()


def test_ends_a_run_that_takes_too_long(topology):
    with pytest.raises(gatelab.GatelabError, match="within 1 s"):
        topology.run(duration=1e6, timeout=1)


def test_ends_a_run_at_ctrl_c(topology):
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        topology.run(duration=1e6, timeout=60)
    assert time.monotonic() - started < 10
    timer.join()


@pytest.mark.parametrize("duration", [0, -1, float("nan"), float("inf")])
def test_refuses_a_duration_that_is_none(topology, duration):
    with pytest.raises(gatelab.GatelabError, match="duration"):
        topology.run(duration=duration)


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, "7", True])
def test_refuses_a_seed_that_is_none(topology, seed):
    with pytest.raises(ValueError, match="seed"):
        topology.run(seed=seed)


def test_runs_as_often_as_one_likes(topology):
    assert all(topology.run(seed=seed, duration=1).tunnels["alice"].up for seed in range(1, 6))


def test_makes_data_frames(run):
    pandas = pytest.importorskip("pandas")
    assert isinstance(run.to_pandas(), pandas.DataFrame)
    assert list(run.to_pandas()["name"]) == [flow.name for flow in run.flows]
    assert len(run.events.to_pandas()) == len(run.events)


def test_repeats_with_a_real_program_in_virtual_time():
    topology = gatelab.load("remote-user-strongswan")
    try:
        first = topology.run(seed=5, duration=20, real_peers="virtual")
    except gatelab.GatelabError as lacking:
        if lacking.fault != "unavailable":
            raise
        pytest.skip(str(lacking))
    assert first.tunnels["alice"].up and not first.tunnels["alice"].udp_encapsulation
    again = topology.run(seed=5, duration=20, real_peers="virtual")
    assert list(again.events) == list(first.events)
    assert list(topology.run(seed=6, duration=20, real_peers="virtual").events) != list(first.events)


def test_tells_how_an_openvpn_tunnel_is_carried():
    run = gatelab.load("remote-user-openvpn").run(seed=3, duration=5)
    tunnel = run.tunnels["alice"]
    assert tunnel.up and tunnel.protocol == "openvpn-tcp"
    assert tunnel.tls_suite.startswith("TLSv1.2/TLS_ECDHE_RSA_WITH_AES")
    assert tunnel.data_cipher == "AES-256-GCM"
    assert tunnel.routes == ("10.1.0.0/16", "172.16.201.0/24")
    assert tunnel.outer_peer == "203.0.113.10:443"
    assert tunnel.ike_suite == "" and tunnel.child_suite == ""
    udp = gatelab.load("openvpn-udp-nat").run(seed=3, duration=3)
    assert {name: tunnel.protocol for name, tunnel in udp.tunnels.items()} == {
        "alice": "openvpn-udp",
        "bob": "openvpn-udp",
        "carol": "ikev2",
    }
