"""What a run has to tell."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, Mapping, Optional, Sequence, Tuple, Union, overload

if TYPE_CHECKING:
    import pandas

Value = Union[bool, int, float, str]


@dataclass(frozen=True)
class Flow:
    """What one flow of the topology achieved."""

    name: str
    kind: str  # "ping", "udp", "tcp"
    source: str
    destination: str
    path: str  # nodes, joined by " > "
    tunnel: str  # the client whose tunnel it used; "" for none
    packets_sent: int
    packets_received: int
    bytes_received: int  # payload
    goodput_bps: float
    loss: float  # 0 to 1
    rtt_min_ms: Optional[float]
    rtt_p50_ms: Optional[float]
    rtt_p90_ms: Optional[float]
    rtt_p99_ms: Optional[float]
    rtt_max_ms: Optional[float]
    retransmissions: int

    @staticmethod
    def _from(told: Mapping[str, Any]) -> Flow:
        names = {"from": "source", "to": "destination"}
        return Flow(**{names.get(key, key): value for key, value in told.items()})


@dataclass(frozen=True)
class Attempt:
    """One try of a client to have a tunnel."""

    protocol: str  # "ikev2", "openvpn-tcp", "sstp"
    began: float  # seconds since the start of the run
    ended: float  # when it was up, or given up; 0 while it is neither
    failure: str  # "" when it came up, or is not over


@dataclass(frozen=True)
class Tunnel:
    """A client's tunnel, as the client reports it at the end of the run."""

    up: bool
    protocol: str  # "ikev2", "openvpn-udp", "openvpn-tcp", "sstp"; "" before the first attempt
    failure: str  # why the last attempt or tunnel ended; "" while none has
    peer: str
    inner_address: str  # "" when there is none
    dns: Tuple[str, ...]
    ike_suite: str
    child_suite: str
    local_selectors: str
    remote_selectors: str
    tls_suite: str  # of OpenVPN: "TLSv1.3/TLS_AES_256_GCM_SHA384"
    data_cipher: str  # of OpenVPN: "AES-256-GCM"
    authentication: str  # of SSTP: "mschapv2", "pap"
    crypto_binding: str  # of SSTP: "SHA256", "SHA1"; "" before
    attempts: Tuple[Attempt, ...]  # since it was to connect, or lost its tunnel, oldest first
    routes: Tuple[str, ...]  # that the gateway granted or pushed
    outer_peer: str  # where the gateway is, "203.0.113.10:443"; "" where that is not told
    nat_here: bool
    nat_there: bool
    udp_encapsulation: bool
    ike_rekeys: int  # OpenVPN renegotiates: that counts as both
    child_rekeys: int
    packets_in: int
    packets_out: int


@dataclass(frozen=True)
class Event:
    """One thing that happened."""

    t: float  # seconds since the start of the run
    node: str
    component: str  # "ikev2"
    event: str  # "message-sent"
    attributes: Mapping[str, Value]


class Events(Sequence[Event]):
    """Events in the order in which they happened."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._events = tuple(events)

    def __len__(self) -> int:
        return len(self._events)

    @overload
    def __getitem__(self, at: int) -> Event: ...
    @overload
    def __getitem__(self, at: slice) -> Events: ...
    def __getitem__(self, at: Union[int, slice]) -> Union[Event, Events]:
        return Events(self._events[at]) if isinstance(at, slice) else self._events[at]

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events)

    def __repr__(self) -> str:
        return f"<gatelab.Events: {len(self)}>"

    def filter(
        self,
        event: Optional[str] = None,
        node: Optional[str] = None,
        component: Optional[str] = None,
        since: float = 0.0,
        until: float = float("inf"),
        **attributes: Value,
    ) -> Events:
        """Those that have all of this: filter("message-sent", node="alice", exchange="IKE_AUTH")."""

        def fits(each: Event) -> bool:
            return (
                (event is None or each.event == event)
                and (node is None or each.node == node)
                and (component is None or each.component == component)
                and since <= each.t <= until
                and all(name in each.attributes and each.attributes[name] == value for name, value in attributes.items())
            )

        return Events(each for each in self._events if fits(each))

    def to_pandas(self) -> pandas.DataFrame:
        """One row an event; attributes in columns of their own. Needs pandas."""
        rows = [
            {"t": each.t, "node": each.node, "component": each.component, "event": each.event, **each.attributes}
            for each in self._events
        ]
        return _pandas().DataFrame(rows)


class Run:
    """What came of Topology.run()."""

    def __init__(self, topology: str, seed: int, directory: Optional[Path], told: Mapping[str, Any]) -> None:
        self.topology = topology
        self.seed = seed
        self.directory = directory  # None when nothing was to be left behind
        self.duration: float = told["simulated"]  # simulated seconds
        self.flows: Tuple[Flow, ...] = tuple(Flow._from(flow) for flow in told["flows"])
        self.tunnels: Dict[str, Tunnel] = {
            client: Tunnel(
                **{
                    **tunnel,
                    "dns": tuple(tunnel["dns"]),
                    "routes": tuple(tunnel["routes"]),
                    "attempts": tuple(Attempt(**attempt) for attempt in tunnel["attempts"]),
                }
            )
            for client, tunnel in told["tunnels"].items()
        }
        self.events = Events(Event(**event) for event in told["events"])

    def __repr__(self) -> str:
        up = sum(tunnel.up for tunnel in self.tunnels.values())
        return (
            f"<gatelab.Run of {self.topology!r}, seed {self.seed}: {len(self.flows)} flows, "
            f"{up} of {len(self.tunnels)} tunnels up, {len(self.events)} events>"
        )

    def flow(self, name: str) -> Flow:
        for flow in self.flows:
            if flow.name == name:
                return flow
        raise KeyError(f"no flow {name!r}; there are: {', '.join(flow.name for flow in self.flows)}")

    def to_pandas(self) -> pandas.DataFrame:
        """One row a flow. Needs pandas."""
        return _pandas().DataFrame([asdict(flow) for flow in self.flows])


def _pandas() -> Any:
    try:
        import pandas
    except ImportError as missing:
        raise ImportError("to_pandas() needs pandas: apt-get install python3-pandas") from missing
    return pandas
