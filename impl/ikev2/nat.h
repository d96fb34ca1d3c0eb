// NAT detection (RFC 7296 section 2.23).
#pragma once

#include "impl/ikev2/engine.h"
#include "impl/ikev2/payloads.h"

namespace gatelab::ikev2 {

// SHA-1 over both SPIs, the address and the port, as the notifications carry it.
Bytes nat_detection_hash(std::uint64_t spi_i, std::uint64_t spi_r, const Endpoint&);

// Both notifications, for a message that goes out over `path`.
OutgoingPayloads nat_detection_payloads(std::uint64_t spi_i, std::uint64_t spi_r, const Path& path);

struct NatFinding {
    bool here = false, there = false;
};
// What the peer's notifications say about a message that came over `path`; no NAT when it sent none.
NatFinding find_nat(const Message&, std::uint64_t spi_i, std::uint64_t spi_r, const Path& path);

}  // namespace gatelab::ikev2
