#!/usr/bin/env python3
"""Compares ESP with `openssl speed`: rounds of both in turn on one machine, so that its moods hit both alike.

usage: esp_ratio.py path/to/esp_bench [rounds]

Exit code 0 when sealing with AES-256-GCM reaches the floor, 1 when it does not.
"""

import json
import statistics
import subprocess
import sys

FLOOR = 0.70
PACKET = 1400


def openssl_rate():
    """Bytes a second of CPU time (as in the benchmarks), from the machine-readable line "+F:25:AES-256-GCM:<rate>"."""
    command = ["openssl", "speed", "-mr", "-evp", "aes-256-gcm", "-bytes", str(PACKET), "-seconds", "1"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    line = next(line for line in output.splitlines() if line.startswith("+F:"))
    return float(line.split(":")[-1])


def bench_rates(program):
    """Bytes a second of every benchmark, by its name."""
    command = [program, "--benchmark_format=json", "--benchmark_min_time=0.4"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {one["name"]: one["bytes_per_second"] for one in json.loads(output)["benchmarks"]}


def compare(program, rounds, benchmark, what, floor):
    """Runs rounds of both, prints all medians, and says whether `benchmark` reaches its share of openssl speed."""
    rates, ratios = {}, {}
    for _ in range(rounds):
        base = openssl_rate()
        rates.setdefault("openssl speed aes-256-gcm", []).append(base)
        for name, rate in bench_rates(program).items():
            rates.setdefault(name, []).append(rate)
            ratios.setdefault(name, []).append(rate / base)
    print(f"median of {rounds} rounds, {PACKET}-byte packets   Gbit/s   us/packet   of openssl speed [range]")
    for name, values in rates.items():
        rate = statistics.median(values)
        against = ratios.get(name)
        share = f"{statistics.median(against):.0%} [{min(against):.0%}-{max(against):.0%}]" if against else ""
        print(f"{name:44} {rate * 8e-9:9.2f} {PACKET / rate * 1e6:11.2f}   {share}")
    reached = statistics.median(ratios[benchmark])
    print(f"{what}: {reached:.0%} of openssl speed, at least {floor:.0%} wanted")
    return reached >= floor


def main():
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    return 0 if compare(sys.argv[1], rounds, "seal/0", "seal AES-256-GCM", FLOOR) else 1


if __name__ == "__main__":
    sys.exit(main())
