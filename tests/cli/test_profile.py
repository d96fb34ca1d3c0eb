"""gatelab profile: whose file it writes, where to, and what it says when it cannot."""

import pathlib
import shutil
import stat
import subprocess

import pytest


def test_prints_the_profile_of_a_user(gatelab):
    answer = gatelab("profile", "remote-user-openvpn", "alice")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("client\nremote ")
    assert answer.out.endswith("</key>\n")
    assert "-----BEGIN PRIVATE KEY-----" in answer.out


def test_repeats_for_the_same_seed(gatelab):
    first = gatelab("profile", "remote-user-openvpn", "alice", "--seed", 7).out
    assert gatelab("profile", "remote-user-openvpn", "alice", "--seed", 7).out == first
    assert gatelab("profile", "remote-user-openvpn", "alice", "--seed", 8).out != first


def test_writes_a_file_for_its_owner_alone(gatelab):
    answer = gatelab("profile", "remote-user-openvpn", "alice", "--out", "alice.ovpn")
    assert (answer.code, answer.out, answer.err) == (0, "", "")
    path = gatelab.folder / "alice.ovpn"
    assert path.read_text(encoding="utf-8") == gatelab("profile", "remote-user-openvpn", "alice").out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_follows_settings(gatelab):
    answer = gatelab("profile", "remote-user-openvpn", "alice", "--set", "clients.alice.openvpn.renegotiate=90s")
    assert "\nreneg-sec 90\n" in answer.out


def test_tells_json(gatelab):
    answer = gatelab("profile", "remote-user-openvpn", "alice", "--json")
    assert answer.code == 0
    assert answer.json["user"] == "alice" and answer.json["profile"].startswith("client\n")
    answer = gatelab("profile", "remote-user-openvpn", "alice", "--json", "--out", "a.ovpn")
    assert answer.json["file"] == "a.ovpn" and "profile" not in answer.json


WRONG = [
    (("no-such-topology", "alice"), "no-such-topology"),
    (("remote-user-openvpn", "nobody"), 'has no client "nobody"'),
    (("remote-user", "alice"), "client alice: alice does not dial with OpenVPN, expected tunnels: openvpn"),
    (("remote-user-openvpn",), "USER"),
]


@pytest.mark.parametrize("words, expected", WRONG)
def test_says_what_is_wrong(gatelab, words, expected):
    answer = gatelab("profile", *words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.said_once(expected)


def test_says_where_it_cannot_write(gatelab):
    answer = gatelab("profile", "remote-user-openvpn", "alice", "--out", "no/such/folder.ovpn")
    assert answer.code == 3
    assert answer.said_once("cannot write no/such/folder.ovpn")


def test_is_accepted_by_the_real_program(gatelab):
    program = shutil.which("openvpn", path="/usr/sbin:/usr/bin")
    if not program:
        pytest.skip("needs the program openvpn")
    text = gatelab("profile", "remote-user-openvpn", "alice").out
    lines = ["remote 127.0.0.1 9" if line.startswith("remote ") else line for line in text.splitlines()
             if not line.startswith("log ")]
    path = pathlib.Path(gatelab.folder / "alice.ovpn")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    process = subprocess.run([program, "--config", str(path), "--dev", "null", "--ifconfig-noexec", "--route-noexec",
                              "--connect-retry-max", "1", "--connect-timeout", "1"], text=True, timeout=20, check=False,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    assert "Attempting to establish TCP connection with [AF_INET]127.0.0.1:9" in process.stdout
    assert "Options error" not in process.stdout
