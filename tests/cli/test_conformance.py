"""gatelab conformance and gatelab report: selections, exit codes, and where the report goes."""

import json

import pytest

from conftest import ROOT

ONE = ("--case", "ikev2-basic.stays-on-port-500-without-nat")
OURS = ("--client", "gatelab", "--gateway", "gatelab")
NO_KERNEL = {"GATELAB_KERNEL": "/nowhere/linux"}


@pytest.fixture
def report(gatelab):
    """The report of one case that our own products pass."""
    answer = gatelab("conformance", *ONE, *OURS)
    assert answer.code == 0, answer.out + answer.err
    return gatelab.folder / "runs" / "conformance" / "report.json"


def test_ends_with_the_summary_and_the_path_of_the_report(gatelab):
    answer = gatelab("conformance", *ONE, *OURS, "--out", "here")
    assert answer.code == 0
    assert answer.err == ""
    assert "1 passed" in answer.out
    assert answer.out.rstrip().endswith("here/report.html")
    assert {path.name for path in (gatelab.folder / "here").iterdir()} == {"report.json", "report.html", "junit.xml", "cases"}


def test_prints_the_report_as_json(gatelab):
    document = gatelab("conformance", *ONE, *OURS, "--json").json
    assert document["schema"] == "gatelab.report/1"
    assert document["summary"]["passed"] == 1


def test_compares_with_a_baseline(gatelab, report):
    before = json.loads(report.read_text())
    before["cases"][0]["verdict"] = "failed"
    (gatelab.folder / "before.json").write_text(json.dumps(before))
    answer = gatelab("conformance", *ONE, *OURS, "--baseline", "before.json", "--json")
    assert answer.code == 0
    assert [one["id"] for one in answer.json["diff"]["fixed"]] == ["ikev2-basic.stays-on-port-500-without-nat"]


@pytest.mark.parametrize("words, expected", [
    (("--suite", "ikev3"), "ikev3"), (("--case", "nothing.*"), "nothing.*"), (("--client", "cisco"), "cisco"),
    (("--shard", "0/2"), "--shard"), (("--baseline", "gone.json"), "gone.json")])
def test_a_selection_that_means_nothing_is_wrong_input(gatelab, words, expected):
    answer = gatelab("conformance", *words)
    assert answer.code == 2
    assert answer.said_once(expected)
    assert not (gatelab.folder / "runs").exists()


def test_nothing_ran_when_the_only_pair_is_left_out(gatelab):
    answer = gatelab("conformance", "--case", "ikev2-basic.assigns-address-and-dns", "--client", "strongswan",
                     "--real-peers", "none")
    assert answer.code == 77
    assert "1 skipped" in answer.out and "ikev2-basic.assigns-address-and-dns" in answer.out


def test_a_peer_asked_for_by_name_must_be_there(gatelab, in_namespace):
    prefix = in_namespace("mount -t tmpfs none /usr/sbin")()
    case = ("--case", "ikev2-basic.assigns-address-and-dns")
    answer = gatelab("conformance", *case, "--client", "strongswan", "--real-peers", "realtime", prefix=prefix)
    assert answer.code == 3
    assert answer.said_once("asked for by name and not run", "charon-systemd", "install")
    answer = gatelab("conformance", *case, "--out", "all", prefix=prefix, env=NO_KERNEL)
    assert answer.code == 0  # skipped with its reason where nobody asked for it
    assert "skipped" in answer.out and "charon-systemd" in answer.out


def test_virtual_time_asked_for_by_name_needs_its_kernel(gatelab):
    answer = gatelab("conformance", "--real-peers", "virtual", env=NO_KERNEL)
    assert answer.code == 3
    assert answer.said_once("gatelab peers kernel")
    assert not (gatelab.folder / "runs").exists()


def test_without_the_kernel_real_programs_run_in_real_time_and_are_named_so(gatelab, in_namespace):
    prefix = in_namespace("mount -t tmpfs none /usr/sbin")()  # nobody to wait for
    answer = gatelab("conformance", "--case", "ikev2-basic.assigns-address-and-dns", "--json", prefix=prefix, env=NO_KERNEL)
    assert answer.code == 0
    assert answer.said_once("real time", "gatelab peers kernel")
    assert {(case["client"], case["gateway"]) for case in answer.json["cases"]} == {
        ("gatelab", "gatelab"), ("gatelab", "strongswan-realtime"), ("strongswan-realtime", "gatelab")}


def test_nobody_is_told_of_kernels_who_asked_for_no_real_program(gatelab):
    answer = gatelab("conformance", *ONE, *OURS, env=NO_KERNEL)
    assert answer.code == 0 and answer.err == ""


def test_writes_over_its_own_report_but_nothing_else(gatelab, report):
    assert gatelab("conformance", *ONE, *OURS).code == 0
    (report.parent / "notes.txt").write_text("mine")
    answer = gatelab("conformance", *ONE, *OURS)
    assert answer.code == 2
    assert answer.said_once("notes.txt", "--out")
    assert report.exists() and (report.parent / "notes.txt").read_text() == "mine"


def test_a_full_disk_leaves_no_report_that_looks_whole(gatelab, in_namespace):
    (gatelab.folder / "disk").mkdir()
    prefix = in_namespace("mount -t tmpfs -o size=20k none disk")
    answer = gatelab("conformance", *ONE, *OURS, "--out", "disk/report", prefix=prefix("ls disk/report > left"))
    assert answer.code == 3, answer.out + answer.err
    assert "report.json" not in (gatelab.folder / "left").read_text().split()


def test_report_show_reads_what_conformance_wrote(gatelab, report):
    for path in [report, report.parent]:
        answer = gatelab("report", "show", path)
        assert answer.code == 0
        assert "1 passed" in answer.out
    assert gatelab("report", "show", report, "--json").json == json.loads(report.read_text())


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema": "gatelab.report/9"}'])
def test_report_show_refuses_what_is_no_report(gatelab, text):
    (gatelab.folder / "odd.json").write_text(text)
    answer = gatelab("report", "show", "odd.json")
    assert answer.code == 2
    assert answer.said_once("odd.json")
    assert gatelab("report", "show", "gone.json").code == 2


def test_prints_what_each_client_ends_on_as_the_page_of_the_docs_has_it(gatelab):
    ran = gatelab("conformance", "--case", "fallback.*.ikev2-sstp", *OURS, "--no-captures")
    assert ran.code == 0, ran.out + ran.err
    assert "fallback, gateway offers IKEv2 and SSTP\n" in ran.out
    told = gatelab("report", "fallback", "runs/conformance")
    assert told.code == 0
    page = (ROOT / "docs" / "fallback.md").read_text(encoding="utf-8")
    assert told.out.strip() in page, "gatelab report fallback tells something else than docs/fallback.md"


def test_has_no_such_table_of_other_suites(gatelab, report):
    told = gatelab("report", "fallback", report)
    assert told.code == 2
    assert told.said_once("no results of suite", "gatelab conformance --suite fallback")
