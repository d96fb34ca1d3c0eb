#!/usr/bin/env python3
"""Breaks the engines on purpose and checks that the conformance suites notice.

Each fault of faults.json is one edit of one source file. The edits are applied one at a time to a scratch copy of the
source, the copy is built, and the suites that must notice run: the run must fail, and each case that the fault names must be among the
failed. The shipped sources carry no such switch.

    tests/faults/run.py [--keep] [NAME...]        needs: tools/setup build
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(command, cwd, log, **options):
    with open(log, "ab") as out:
        return subprocess.run(command, cwd=cwd, stdout=out, stderr=subprocess.STDOUT, check=False, **options).returncode


def copy_of_source(scratch):
    """The files that git tracks, with their uncommitted changes."""
    source = scratch / "source"
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    return source


def apply(fault, source):
    """Makes the edit and returns the file with its original text; the old text must stand there exactly once."""
    path = source / fault["file"]
    original = path.read_text(encoding="utf-8")
    if original.count(fault["old"]) != 1:
        sys.exit(f"{fault['name']}: expected this text once in {fault['file']}, found {original.count(fault['old'])} "
                 f"times; bring tests/faults/faults.json up to date:\n{fault['old']}")
    path.write_text(original.replace(fault["old"], fault["new"]), encoding="utf-8")
    return path, original


def build(source, log):
    environment = dict(os.environ, CCACHE_BASEDIR=str(source), CCACHE_NOHASHDIR="1")
    commands = [["cmake", "--build", "--preset", "release", "--target", "gatelab"]]
    if not (source / "build/release/build.ninja").exists():
        commands.insert(0, ["cmake", "--preset", "release"])
    for command in commands:
        if run(command, source, log, env=environment) != 0:
            sys.exit(f"the scratch copy does not build; see {log}")


def suites_of(faults):
    """The suites of the cases that must catch them."""
    return sorted({case.split(".")[0] for fault in faults for case in fault["caught_by"]})


def failed_cases(source, scratch, name, suites, log):
    """The ids of the failed cases of one conformance run, and the exit code of the command."""
    out = scratch / f"report-{name}"
    command = [source / "build/release/cli/gatelab", "conformance", "--client", "gatelab", "--gateway", "gatelab",
               "--real-peers=none", "--out", out]
    for suite in suites:
        command += ["--suite", suite]
    code = run(command, source, log)
    if not (out / "report.json").exists():
        sys.exit(f"{name}: the conformance run ended with {code} and left no report; see {log}")
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return {case["id"] for case in report["cases"] if case["verdict"] == "failed"}, code


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", help="faults to try; all by default")
    parser.add_argument("--keep", action="store_true", help="keep the scratch copy and the reports")
    arguments = parser.parse_args()

    faults = json.loads((pathlib.Path(__file__).parent / "faults.json").read_text(encoding="utf-8"))
    unknown = set(arguments.names) - {fault["name"] for fault in faults}
    if unknown:
        sys.exit(f"no such fault: {', '.join(sorted(unknown))}; known: {', '.join(f['name'] for f in faults)}")
    chosen = [fault for fault in faults if not arguments.names or fault["name"] in arguments.names]

    scratch = pathlib.Path(tempfile.mkdtemp(prefix="gatelab-faults-"))
    log = scratch / "log"
    source = copy_of_source(scratch)
    build(source, log)
    failed, code = failed_cases(source, scratch, "sound", suites_of(chosen), log)
    if failed or code != 0:
        sys.exit(f"without a fault the suites must pass, but they ended with {code}, failed: {sorted(failed)}; see {log}")
    print("sound: nothing failed")

    missed = 0
    for fault in chosen:
        path, original = apply(fault, source)
        build(source, log)
        failed, code = failed_cases(source, scratch, fault["name"], suites_of([fault]), log)
        path.write_text(original, encoding="utf-8")
        absent = set(fault["caught_by"]) - failed
        if code == 1 and not absent:
            others = len(failed - set(fault["caught_by"]))
            print(f"{fault['name']}: caught by {', '.join(fault['caught_by'])}, and {others} other cases failed")
        else:
            missed += 1
            print(f"{fault['name']}: MISSED (exit {code}); failed: {sorted(failed)}, expected also: {sorted(absent)}")
    print(f"faults: {len(chosen) - missed} passed, {missed} failed")
    if arguments.keep or missed:
        print(f"kept: {scratch}")
    else:
        shutil.rmtree(scratch)
    return 1 if missed else 0


sys.exit(main())
