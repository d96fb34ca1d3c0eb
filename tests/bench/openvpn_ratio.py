#!/usr/bin/env python3
"""Compares OpenVPN's data channel with `openssl speed`, as esp_ratio.py does for ESP.

usage: openvpn_ratio.py path/to/openvpn_bench [rounds]

Exit code 0 when sealing with AES-256-GCM reaches the floor, 1 when it does not.
"""

import sys

from esp_ratio import compare

FLOOR = 0.65


def main():
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    return 0 if compare(sys.argv[1], rounds, "seal/0", "seal AES-256-GCM", FLOOR) else 1


if __name__ == "__main__":
    sys.exit(main())
