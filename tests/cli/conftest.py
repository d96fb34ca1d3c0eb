"""Runs the built command in a folder of its own."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "topologies" / "library"


class Answer:
    """What one call of the command left: its exit code and its two streams."""

    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    @property
    def json(self):
        return json.loads(self.out)

    def said_once(self, *pieces):
        """Whether the command complained in exactly one message, and each piece is in it."""
        messages = [line for line in self.err.splitlines() if line.startswith("gatelab: ")]
        return len(messages) == 1 and all(piece in self.err for piece in pieces)


@pytest.fixture
def gatelab(tmp_path):
    """Calls the command in a fresh folder; the call's `prefix` is put before it."""
    program = pathlib.Path(os.environ["GATELAB_BUILD_DIR"]) / "cli" / "gatelab"

    def call(*words, prefix=(), timeout=300, **options):
        environment = dict(os.environ, **options.pop("env", {}))
        process = subprocess.run([*prefix, str(program), *map(str, words)], cwd=tmp_path, text=True, timeout=timeout,
                                 stdout=options.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE,
                                 stdin=subprocess.DEVNULL, env=environment, check=False, **options)
        return Answer(process)

    call.folder = tmp_path
    call.program = program
    return call


@pytest.fixture
def edited(tmp_path):
    """Writes a copy of a library topology with texts replaced."""

    def write(name, *replacements):
        text = (LIBRARY / f"{name}.yaml").read_text(encoding="utf-8")
        for before, after in replacements:
            assert before in text
            text = text.replace(before, after)
        path = tmp_path / "edited.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def unprivileged():
    """A prefix that runs a command as nobody, where we are root; nothing where we are not."""
    if os.geteuid() != 0:
        return ()
    if not shutil.which("setpriv"):
        pytest.skip("setpriv is missing: apt-get install util-linux")
    return ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


@pytest.fixture
def in_namespace():
    """Makes a prefix that prepares a user and mount namespace, runs the command there, and does something after it."""

    def make(before):
        if subprocess.run(["unshare", "-Urm", "true"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
            pytest.skip("this machine permits no user namespaces")
        return lambda after="true": ("unshare", "-Urm", "sh", "-c",
                                     f'{before} && "$@"; code=$?; {after}; exit $code', "sh")

    return make
