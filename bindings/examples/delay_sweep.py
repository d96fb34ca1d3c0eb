#!/usr/bin/env python3
"""How do round trip and goodput through the tunnel depend on the user's distance?

Runs one topology at several link delays and prints a table, or CSV for a spreadsheet:

    PYTHONPATH=build/release/bindings/python python3 bindings/examples/delay_sweep.py --delays 1 10 50 --csv
"""

import argparse
import sys
from pathlib import Path

import gatelab


def measure(topology, delay_ms, seed):
    run = topology.run(seed=seed, set={"links.alice-isp.delay": f"{delay_ms}ms"})
    tunnel = run.tunnels["alice"]
    if not tunnel.up:
        return None, None, tunnel.failure
    return run.flow("ping").rtt_p50_ms, run.flow("copy").goodput_bps / 1e6, tunnel.child_suite


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--delays", type=float, nargs="+", default=[1, 5, 10, 25, 50, 100], metavar="MS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--csv", action="store_true", help="comma-separated values instead of a table")
    arguments = parser.parse_args()

    topology = gatelab.load(Path(__file__).with_name("delay_sweep.yaml"))
    row = "{},{},{},{}" if arguments.csv else "{:>9} {:>9} {:>13}  {}"
    print(row.format("delay_ms", "rtt_ms", "goodput_mbps", "tunnel"))
    for delay in arguments.delays:
        rtt, goodput, tunnel = measure(topology, delay, arguments.seed)
        print(row.format(delay, *("-" if value is None else f"{value:.2f}" for value in (rtt, goodput)), tunnel))


if __name__ == "__main__":
    try:
        main()
    except gatelab.GatelabError as error:
        sys.exit(f"delay_sweep: {error}")
