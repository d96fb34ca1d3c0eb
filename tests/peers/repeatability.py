#!/usr/bin/env python3
"""Shows that conformance runs with real strongSwan in virtual time repeat bit for bit.

strongSwan as gateway and then as client, each with one seed three times: plainly; beside a busy loop on every core; and in
a folder of another name, with another environment, by another user (uid 65534, where we are root). All captures, event
logs, keys and reports must be the same but for what stands under "machine". Another seed must give other captures.

    tests/peers/repeatability.py [--suite SUITE] [--case GLOB]... [--seed N]

needs: cmake --build --preset release --target gatelab, gatelab peers kernel. Exit code 77 where virtual time cannot be had.
"""

import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("GATELAB_BUILD_DIR", ROOT / "build" / "release"))
PAIRS = [("gatelab", "strongswan"), ("strongswan", "gatelab")]
NOBODY = 65534
SKIPPED = 77


@contextlib.contextmanager
def busy_cores():
    """A loop on every core for as long as the block runs."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def without_machine(thing):
    if isinstance(thing, dict):
        return {key: without_machine(value) for key, value in thing.items() if key != "machine"}
    return [without_machine(one) for one in thing] if isinstance(thing, list) else thing


def fingerprints(out):
    """The hash of each file that must repeat, by its path in the report's folder; JSON without what is the machine's."""
    found = {}
    for path in sorted(out.rglob("*")):
        if not path.is_file() or path.suffix not in (".pcap", ".ndjson", ".json") and path.parent.name != "keys":
            continue
        content = path.read_bytes()
        if path.suffix == ".json":
            content = json.dumps(without_machine(json.loads(content))).encode()
        found[str(path.relative_to(out))] = hashlib.sha256(content).hexdigest()
    return found


def digest(prints, suffix=""):
    lines = "".join(f"{path} {value}\n" for path, value in prints.items() if path.endswith(suffix))
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


class Runs:
    def __init__(self, options, scratch):
        self.options = options
        self.scratch = scratch
        scratch.chmod(0o755)
        self.program = scratch / "gatelab"  # where everybody may run it
        shutil.copy2(BUILD / "cli" / "gatelab", self.program)
        self.kernel = self.find_kernel()
        self.not_held = []

    def find_kernel(self):
        asked = subprocess.run([self.program, "conformance", "--real-peers", "virtual", "--case",
                                "ikev2-basic.narrows-selectors", "--client", "gatelab", "--gateway", "gatelab", "--out",
                                self.scratch / "asked"], capture_output=True, text=True, check=False)
        if asked.returncode == 3:
            print(f"skipped: {asked.stderr.strip()}")
            sys.exit(SKIPPED)
        if "GATELAB_KERNEL" in os.environ:
            return None
        told = subprocess.run([self.program, "peers", "kernel", "--json"], capture_output=True, text=True, check=True)
        return pathlib.Path(json.loads(told.stdout)["path"]).parent

    def elsewhere(self, name):
        """A folder of another name, and an environment in which nothing is as it was, with the kernel in it."""
        home = self.scratch / name
        home.mkdir()
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "TZ": "Asia/Kathmandu",
                       "A_STRANGE_VARIABLE": "x" * 999}
        if self.kernel:
            shutil.copytree(self.kernel, home / ".cache" / "gatelab" / "kernels" / self.kernel.name)
        else:
            environment["GATELAB_KERNEL"] = str(home / "linux")
            shutil.copy2(os.environ["GATELAB_KERNEL"], home / "linux")
        prefix = []
        if os.geteuid() == 0:
            for path in [home, *home.rglob("*")]:
                os.chown(path, NOBODY, NOBODY)
            prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        return home, environment, prefix

    def run(self, pair, out, seed, environment=None, prefix=(), folder=None):
        client, gateway = pair
        command = [*prefix, self.program, "conformance", "--real-peers", "virtual", "--client", client, "--gateway", gateway,
                   "--seed", str(seed), "--out", out]
        for suite in self.options.suite:
            command += ["--suite", suite]
        for case in self.options.case:
            command += ["--case", case]
        start = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment,
                              cwd=folder or self.scratch)
        seconds = time.monotonic() - start
        if done.returncode not in (0, 1):
            sys.exit(f"exit code {done.returncode}\n{done.stdout}{done.stderr}")
        if done.returncode == 1:
            self.not_held.append(out)
            print(done.stdout)
        prints = fingerprints(pathlib.Path(folder or self.scratch) / out)
        summary = done.stdout.strip().splitlines()[-3]
        print(f"  {out:<24} {seconds:7.1f} s  {len(prints):5} files {digest(prints)}  captures {digest(prints, '.pcap')}"
              f"  {summary}", flush=True)
        return prints


def differences(one, other):
    names = sorted(set(one) | set(other))
    return [name for name in names if one.get(name) != other.get(name)]


def check(runs, pair, seed):
    name = "-".join(pair)
    print(f"client {pair[0]}, gateway {pair[1]}, seed {seed}", flush=True)
    first = runs.run(pair, f"{name}-plain", seed)
    with busy_cores():
        busy = runs.run(pair, f"{name}-busy", seed)
    home, environment, prefix = runs.elsewhere(f"of-quite-another-name-{name}")
    other = runs.run(pair, "other", seed, environment, prefix, home)
    another = runs.run(pair, f"{name}-seed", seed + 1)

    faults = []
    if not any(path.endswith(".pcap") for path in first):
        faults.append("there are no captures")
    for what, prints in [("beside a busy loop on every core", busy), ("elsewhere, by another user", other)]:
        differ = differences(first, prints)
        if differ:
            faults.append(f"{what}, {len(differ)} of {len(first)} files differ: {', '.join(differ[:8])}")
    if digest(first, ".pcap") == digest(another, ".pcap"):
        faults.append("another seed gives the same captures")
    for fault in faults:
        print(f"  FAILED: {fault}")
    return not faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suite", action="append", default=[], help="default: ikev2-basic")
    parser.add_argument("--case", action="append", default=[], help="only cases that match; may be repeated")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--keep", metavar="FOLDER", help="leave the reports there")
    options = parser.parse_args()
    options.suite = options.suite or ["ikev2-basic"]
    with contextlib.ExitStack() as stack:
        if options.keep:
            scratch = pathlib.Path(options.keep).absolute()
            scratch.mkdir(parents=True)
        else:
            scratch = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatelab-repeat-")))
        runs = Runs(options, scratch)
        held = [check(runs, pair, options.seed) for pair in PAIRS]
    print("all repeat" if all(held) else "NOT REPEATABLE")
    if runs.not_held:
        print(f"not every case held in: {', '.join(runs.not_held)}")
    return 0 if all(held) and not runs.not_held else 1


if __name__ == "__main__":
    sys.exit(main())
