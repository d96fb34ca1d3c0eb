"""Topologies: what a file says, and how to run it."""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Optional, Tuple, Union

from . import _gatelab
from .results import Run

Setting = Union[str, int, float, bool]


@dataclass(frozen=True)
class Node:
    name: str
    kind: str  # "client", "gateway", "virtual-network", "virtual-machine", "router", "firewall", "nat", "http-proxy"
    address: str  # on the network; "" for a node that has none
    processing_delay: float = 0.0  # seconds that each packet stays there before it is seen
    tunnels: Tuple[str, ...] = ()  # "ikev2", "openvpn", "sstp": that a client dials, in this order, or a gateway offers
    personality: str = ""  # of a client: whose habits it has, "gatelab", "windows"
    http_proxy: str = ""  # of a client: name of the proxy that it dials through; "" for none


@dataclass(frozen=True)
class Link:
    name: str
    ends: Tuple[str, str]  # names of nodes
    bits_per_second: int
    delay: float  # seconds, one way
    loss: float  # probability per packet and direction, 0 to 1
    mtu: int  # octets
    duplicate: float  # probabilities, as `loss`
    corrupt: float
    reorder: float
    reorder_by: float  # seconds, at most
    black_hole_above: Optional[int]  # octets; larger packets vanish


@dataclass(frozen=True)
class FlowSpec:
    """Traffic that a topology asks for."""

    name: str
    kind: str  # "ping", "udp", "tcp"
    source: str
    destination: str
    start: float  # seconds
    stop: Optional[float]  # None: the end of the run
    bits_per_second: int  # of a "udp" flow
    packet_size: int  # octets of payload


@dataclass(frozen=True)
class Problem:
    """Something that keeps a topology from meaning what it says, or nearly does."""

    severity: str  # "error" or "warning"
    file: str
    line: int
    column: int
    message: str


class Topology:
    """A network as a file describes it. Made by load()."""

    def __init__(self, source: str, settings: Mapping[str, str], compiled: _gatelab.Topology) -> None:
        self._source = source
        self._settings = dict(settings)
        self._compiled = compiled
        told = json.loads(compiled.describe())
        self.name: str = told["name"]
        self.summary: str = told["summary"]
        self.duration: float = told["duration"]  # seconds of a run
        self.nodes: Tuple[Node, ...] = tuple(
            Node(**{**node, "tunnels": tuple(node["tunnels"])}) for node in told["nodes"]
        )
        self.links: Tuple[Link, ...] = tuple(Link(**{**link, "ends": tuple(link["ends"])}) for link in told["links"])
        self.flows: Tuple[FlowSpec, ...] = tuple(FlowSpec(**flow) for flow in told["flows"])
        self.problems: Tuple[Problem, ...] = tuple(Problem(**problem) for problem in told["problems"])

    def __repr__(self) -> str:
        return f"<gatelab.Topology {self.name!r}: {len(self.nodes)} nodes, {len(self.links)} links>"

    def node(self, name: str) -> Node:
        return _named(self.nodes, name, "node")

    def link(self, name: str) -> Link:
        return _named(self.links, name, "link")

    def flow(self, name: str) -> FlowSpec:
        return _named(self.flows, name, "flow")

    def with_settings(self, set: Mapping[str, Setting]) -> Topology:
        """The same file with other values: {"links.alice-isp.delay": "50ms"}."""
        return load(self._source, {**self._settings, **_texts(set)})

    def run(
        self,
        seed: int = 1,
        duration: Optional[float] = None,
        out: Union[str, os.PathLike[str], None] = None,
        set: Optional[Mapping[str, Setting]] = None,
        captures: bool = True,
        real_peers: Optional[str] = None,
        timeout: float = 3600.0,
    ) -> Run:
        """Runs the topology in a process of its own and returns what happened.

        duration: simulated seconds; None takes the topology's.
        out: the run directory to leave behind, with captures unless `captures` is False; None leaves nothing.
        set: values to change for this run, as with_settings() does.
        real_peers: how real programs take part, "virtual" (in simulated time, on kernels of their own) or "realtime"; None
            takes virtual time where this machine has a kernel for it, and else warns.
        timeout: seconds of real time after which the run is ended.
        """
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**64:
            raise ValueError("seed: expected a whole number from 0 to 2**64 - 1")
        topology = self.with_settings(set) if set else self
        directory = None if out is None else Path(out)
        told, hint = _gatelab.run(
            topology=topology._compiled,
            seed=seed,
            duration=duration,
            out="" if directory is None else str(directory),
            captures=captures,
            real_peers=real_peers or "",
            timeout=timeout,
        )
        if hint:
            warnings.warn(hint, stacklevel=2)
        return Run(topology.name, seed, directory, json.loads(told))


def load(path: Union[str, os.PathLike[str]], set: Optional[Mapping[str, Setting]] = None) -> Topology:
    """Reads and checks a topology file, or one of the library by its name ("remote-user")."""
    settings = _texts(set or {})
    source = os.fspath(path)
    return Topology(source, settings, _gatelab.load(source, list(settings.items())))


def _texts(settings: Mapping[str, Setting]) -> Mapping[str, str]:
    def text(value: Setting) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value)

    return {path: text(value) for path, value in settings.items()}


def _named(all, name: str, what: str):  # type: ignore[no-untyped-def]
    for each in all:
        if each.name == name:
            return each
    raise KeyError(f"no {what} {name!r}; there are: {', '.join(each.name for each in all)}")
