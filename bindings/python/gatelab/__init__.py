"""gatelab: run VPN topologies in a simulated network and look at what happened.

    import gatelab

    topology = gatelab.load("remote-user")
    run = topology.run(seed=7, set={"links.alice-isp.delay": "50ms"})
    for flow in run.flows:
        print(flow.name, flow.goodput_bps, flow.rtt_p50_ms)

Everything that goes wrong is a GatelabError, with the message of the gatelab command.
"""

from ._gatelab import GatelabError, __version__
from .results import Attempt, Event, Events, Flow, Run, Tunnel
from .topology import FlowSpec, Link, Node, Problem, Topology, load

__all__ = [
    "Attempt",
    "Event",
    "Events",
    "Flow",
    "FlowSpec",
    "GatelabError",
    "Link",
    "Node",
    "Problem",
    "Run",
    "Topology",
    "Tunnel",
    "load",
    "__version__",
]
