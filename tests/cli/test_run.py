"""gatelab run: what it leaves, what it prints, and what it refuses."""

import hashlib
import json
import os
import pty
import subprocess
import time

import pytest


def test_leaves_a_run_directory_and_a_summary(gatelab):
    answer = gatelab("run", "remote-user", "--seed", 7)
    assert answer.code == 0, answer.err
    assert answer.err == ""  # no progress where nobody watches
    run = gatelab.folder / "runs" / "remote-user-7"
    assert answer.out.rstrip().endswith("runs/remote-user-7")
    assert "172.16.201." in answer.out and "telemetry" in answer.out
    assert json.loads((run / "run.json").read_text())["seed"] == 7
    assert {path.name for path in run.iterdir()} == {"run.json", "events.ndjson", "flows.json", "pcap", "keys", "peers",
                                                    "topology.yaml"}
    for line in (run / "events.ndjson").read_text().splitlines():
        json.loads(line)


def test_repeats_bit_for_bit(gatelab):
    def hashes(out):
        assert gatelab("run", "remote-user", "--seed", 7, "--out", out).code == 0
        files = [gatelab.folder / out / "events.ndjson", *sorted((gatelab.folder / out / "pcap").iterdir())]
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]

    assert hashes("one") == hashes("two")


def test_keeps_what_it_takes_to_repeat_the_run(gatelab):
    assert gatelab("run", "remote-user", "--seed", 3, "--for", "4s", "--set", "links.alice-isp.delay=20ms").code == 0
    run = gatelab.folder / "runs" / "remote-user-3"
    told = json.loads((run / "run.json").read_text())
    assert told["overrides"] == ["links.alice-isp.delay=20ms", "duration=4s"]
    again = [word for one in told["overrides"] for word in ("--set", one)]
    kept = run / "topology.yaml"
    assert gatelab("run", kept, "--seed", told["seed"], "--out", "again", *again).code == 0
    assert (gatelab.folder / "again" / "events.ndjson").read_bytes() == (run / "events.ndjson").read_bytes()


def test_another_seed_gives_another_run(gatelab):
    def events(seed):
        assert gatelab("run", "remote-user", "--seed", seed, "--for", "2s", "--out", f"run-{seed}").code == 1
        return (gatelab.folder / f"run-{seed}" / "pcap" / "alice-alice-isp.pcap").read_bytes()

    assert events(1) != events(2)


def test_prints_one_json_document(gatelab):
    answer = gatelab("run", "remote-user", "--for", "5s", "--json")
    assert answer.code == 0
    document = answer.json
    assert document["exit"] == 0 and document["shortfalls"] == []
    assert document["run"]["schema"] == "gatelab.run/1"
    assert [flow["name"] for flow in document["flows"]] == ["ping", "telemetry"]


def test_overrides_change_the_network(gatelab):
    slow = gatelab("run", "remote-user", "--for", "5s", "--json", "--set", "links.alice-isp.delay=50ms",
                   "--set", "flows.telemetry.rate=1Mbps")
    assert slow.code == 0, slow.err
    flows = {flow["name"]: flow for flow in slow.json["flows"]}
    assert 110 < flows["ping"]["rtt_p50_ms"] < 115
    assert 0.9e6 < flows["telemetry"]["goodput_bps"] < 1.1e6


def test_where_ikev2_is_blocked_windows_falls_back_and_a_mac_fails_by_name(gatelab):
    answer = gatelab("run", "udp-blocked", timeout=60)
    assert answer.code == 1
    assert "alice has no tunnel" not in answer.out
    assert "nothing of flow ping arrived" not in answer.out
    assert "bob has no tunnel at the end: peer-silent" in answer.out
    assert "nothing of flow ping-bob arrived" in answer.out


def test_runs_again_into_its_own_directory_but_no_other(gatelab):
    assert gatelab("run", "remote-user", "--for", "3s", "--out", "mine").code == 0
    assert gatelab("run", "remote-user", "--for", "3s", "--out", "mine").code == 0
    precious = gatelab.folder / "documents"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    answer = gatelab("run", "remote-user", "--for", "3s", "--out", "documents")
    assert answer.code == 2
    assert answer.said_once("documents", "thesis.txt", "choose another directory")
    assert (precious / "thesis.txt").read_text() == "years of work"


def test_shows_progress_on_a_terminal_only(gatelab):
    ours, theirs = pty.openpty()
    process = subprocess.run([gatelab.program, "run", "remote-user", "--for", "5s"], cwd=gatelab.folder, stderr=theirs,
                             stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False, timeout=120)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the terminal is gone
        pass
    os.close(ours)
    assert process.returncode == 0
    assert b"s simulated" in shown
    assert b"\x1b" not in process.stdout


@pytest.mark.parametrize("duration", ["0s", "10", "soon", "-1s"])
def test_refuses_a_duration_that_is_none(gatelab, duration):
    answer = gatelab("run", "remote-user", f"--for={duration}")
    assert answer.code == 2
    assert answer.said_once("--for", duration, "such as 30s")


def test_refuses_an_override_that_leads_nowhere(gatelab):
    answer = gatelab("run", "remote-user", "--set", "clients.alise.address=1.2.3.4")
    assert answer.code == 2
    assert answer.said_once("--set clients.alise.address=1.2.3.4", 'did you mean "alice"?')


def test_names_a_directory_that_it_cannot_write(gatelab, unprivileged):
    locked = gatelab.folder / "locked"
    locked.mkdir()
    locked.chmod(0o500)
    for path in [gatelab.folder, *list(gatelab.folder.parents)[:3]]:
        if str(path).startswith("/tmp/"):
            path.chmod(0o755)
    answer = gatelab("run", "remote-user", "--out", "locked/run", prefix=unprivileged)
    assert answer.code == 3
    assert answer.said_once("locked/run", "Permission denied", "choose")


def test_a_full_disk_leaves_nothing_that_looks_whole(gatelab, in_namespace):
    (gatelab.folder / "disk").mkdir()
    prefix = in_namespace("mount -t tmpfs -o size=100k none disk")
    answer = gatelab("run", "remote-user", "--out", "disk/run", prefix=prefix("ls disk/run > left"))
    assert answer.code == 3
    assert answer.said_once("disk/run/", "is not whole", "is the disk full?")
    assert "run.json" not in (gatelab.folder / "left").read_text().split()


def test_a_full_standard_output_is_no_success(gatelab):
    with open("/dev/full", "w", encoding="utf-8") as full:
        answer = gatelab("run", "remote-user", "--for", "3s", stdout=full)
    assert answer.code == 3
    assert answer.said_once("cannot write to standard output")


@pytest.mark.parametrize("role", ["client", "gateway"])
def test_names_a_peer_that_is_not_installed(gatelab, edited, in_namespace, role):
    place = {"client": "    gateway: gateway\n", "gateway": "    public_address: 203.0.113.10\n"}[role]
    path = edited("remote-user", (place, place + "    implementation: strongswan\n"))
    answer = gatelab("run", path, prefix=in_namespace("mount -t tmpfs none /usr/sbin")())
    assert answer.code == 3
    assert answer.said_once("alice" if role == "client" else "gateway", "charon-systemd", "install")
    assert not (gatelab.folder / "runs" / "remote-user-1" / "run.json").exists()


def test_says_what_to_do_when_namespaces_are_forbidden(gatelab, edited, in_namespace):
    path = edited("remote-user", ("    gateway: gateway\n", "    gateway: gateway\n    implementation: strongswan\n"))
    answer = gatelab("run", path, "--real-peers=realtime",
                     prefix=in_namespace("echo 0 > /proc/sys/user/max_net_namespaces")())
    assert answer.code == 3
    assert answer.said_once("alice", "namespaces", "sysctl")


def test_real_programs_in_virtual_time_need_their_kernel(gatelab):
    answer = gatelab("run", "remote-user", "--set", "clients.alice.implementation=strongswan", "--real-peers", "virtual",
                     env={"GATELAB_KERNEL": "/nowhere/linux"})
    assert answer.code == 3
    assert answer.said_once("gatelab peers kernel")


def test_keeps_step_with_the_wall_clock_when_asked(gatelab):
    started = time.monotonic()
    answer = gatelab("run", "remote-user", "--for", "3s", "--real-time")
    assert answer.code in (0, 1, 5), answer.err
    assert time.monotonic() - started >= 3
    assert "real time:" in answer.out
