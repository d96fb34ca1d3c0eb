"""The command as a whole: help, wrong words, lists and the doctor."""

import pytest

VERBS = [("run",), ("conformance",), ("topology", "check"), ("topology", "show"), ("report", "show"), ("list", "suites"),
         ("list", "cases"), ("list", "requirements"), ("list", "peers"), ("list", "topologies"), ("doctor",),
         ("peers", "kernel")]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_and_takes_json(gatelab, verb):
    answer = gatelab(*verb, "--help")
    assert answer.code == 0
    assert "--json" in answer.out


@pytest.mark.parametrize("words", [(), ("fly",), ("run",), ("run", "remote-user", "--sed", "1"), ("topology",),
                                   ("run", "remote-user", "--seed", "x"), ("conformance", "--shard", "3/2"),
                                   ("conformance", "--jobs", "0"), ("conformance", "--real-peers", "perhaps")])
def test_words_that_make_no_sense_are_wrong_input(gatelab, words):
    answer = gatelab(*words)
    assert answer.code == 2
    assert answer.said_once()


def test_errors_are_json_when_asked_for(gatelab):
    for words in [("run", "--json"), ("run", "nowhere.yaml", "--json")]:
        answer = gatelab(*words)
        assert answer.code == 2
        assert answer.json["error"]["exit"] == 2
        assert answer.json["error"]["message"]


@pytest.mark.parametrize("kind, known", [("suites", "ikev2-basic"), ("requirements", "RFC7296"), ("peers", "strongswan"),
                                         ("topologies", "udp-blocked")])
def test_lists_what_there_is(gatelab, kind, known):
    assert known in gatelab("list", kind).out
    rows = gatelab("list", kind, "--json").json
    assert any(known in value for row in rows for value in row.values())


def test_the_doctor_says_what_this_machine_can_run(gatelab):
    document = gatelab("doctor", "--json").json
    can = {one["what"]: one for one in document["can_run"]}
    assert can["simulations in virtual time"]["yes"]
    for finding in document["findings"]:
        assert finding["found"] if finding["there"] else finding["why_not"], finding
    assert "namespaces" in gatelab("doctor").out
