#!/usr/bin/env python3
"""Compares SSTP's data path with OpenSSL's SSL_write and SSL_read over memory buffers, rounds of both in turn.

usage: sstp_ratio.py path/to/sstp_bench [rounds]

Exit code 0 when both suites reach the floor, 1 when one does not.
"""

import statistics
import sys

from esp_ratio import PACKET, bench_rates

FLOOR = 0.60
SUITES = {"0": "AES-256-GCM", "1": "AES-128-GCM"}


def main():
    program, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    runs = [bench_rates(program) for _ in range(rounds)]
    print(f"median of {rounds} rounds, {PACKET}-byte packets   Gbit/s   us/packet   of OpenSSL's loop [range]")
    reached = True
    for number, suite in SUITES.items():
        base = [run[f"openssl_write_then_read/{number}"] for run in runs]
        ours = [run[f"seal_then_open/{number}"] for run in runs]
        ratios = [one / other for one, other in zip(ours, base)]
        share = f"{statistics.median(ratios):.0%} [{min(ratios):.0%}-{max(ratios):.0%}]"
        for name, rates, told in (("SSL_write and SSL_read", base, ""), ("SSTP, sealed and opened", ours, share)):
            rate = statistics.median(rates)
            print(f"{suite + ', ' + name:44} {rate * 8e-9:9.2f} {PACKET / rate * 1e6:11.2f}   {told}")
        reached = reached and statistics.median(ratios) >= FLOOR
    print(f"at least {FLOOR:.0%} wanted: {'reached' if reached else 'MISSED'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
