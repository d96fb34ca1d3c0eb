"""The compiled half of gatelab. Use `gatelab` instead."""

from typing import List, Optional, Tuple

__version__: str

class GatelabError(Exception):
    fault: str

class Topology:
    def describe(self) -> str: ...

def load(path: str, settings: List[Tuple[str, str]]) -> Topology: ...
def run(
    topology: Topology,
    seed: int,
    duration: Optional[float],
    out: str,
    captures: bool,
    real_peers: str,
    timeout: float,
) -> Tuple[str, str]: ...
