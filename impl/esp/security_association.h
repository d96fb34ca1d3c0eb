// ESP in tunnel mode (RFC 4303), one security association in one direction.
//
// The bytes here are those after the IP header (native ESP, protocol 50) or after the UDP header (RFC 3948): the same.
// Nothing is allocated per packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "impl/base/bytes.h"
#include "impl/base/result.h"
#include "impl/esp/suite.h"
#include "impl/esp/traffic_selector.h"

namespace gatelab::esp {

struct Parameters {
    Spi spi;
    Suite suite;
    Bytes encryption_key;     // encryption_key_size(suite) octets, salt last
    Bytes integrity_key;      // integrity_key_size(suite) octets
    TrafficSelectors local;   // our side's inner addresses
    TrafficSelectors remote;  // the peer's
};

// Why a packet was not passed on. One counter each in Counters.
enum class Drop { Malformed, UnknownSpi, Replayed, Unauthentic, OutsideSelectors, Exhausted };

struct Counters {
    std::uint64_t packets = 0;  // passed on; dummies do not count
    std::uint64_t bytes = 0;    // of inner packets
    std::uint64_t malformed = 0, unknown_spi = 0, replayed = 0, unauthentic = 0, outside_selectors = 0, exhausted = 0;
};

class OutboundSa {
public:
    explicit OutboundSa(Parameters);
    ~OutboundSa();
    OutboundSa(OutboundSa&&) noexcept;
    OutboundSa& operator=(OutboundSa&&) noexcept;

    // Room that `out` needs for an inner packet of that size, at most.
    std::size_t sealed_size(std::size_t inner_size) const;
    // Writes the ESP packet and returns its size, or why the inner packet may not leave. Exhausted when the sequence
    // number would wrap (RFC 4303 section 3.3.3). `inner` may lie anywhere in `out`; bytes after its IP length are cut.
    tl::expected<std::size_t, Drop> seal(ByteView inner, ByteSpan out);

    const Parameters& parameters() const;
    const Counters& counters() const;
    std::uint64_t last_sequence_number() const;

    // Leaves numbers out, as who takes a security association over must (RFC 6311 section 5.1). Never goes back: a
    // number used twice with AES-GCM gives the key away.
    void advance_to(std::uint64_t last_sequence_number);

private:
    struct State;
    std::unique_ptr<State> state_;
};

class InboundSa {
public:
    // `replay_window` in packets, 32 to 4096 (RFC 4303 section 3.4.3).
    explicit InboundSa(Parameters, std::size_t replay_window = 128);
    ~InboundSa();
    InboundSa(InboundSa&&) noexcept;
    InboundSa& operator=(InboundSa&&) noexcept;

    // Writes the inner packet into `out` (as large as `packet`, apart from it) and returns it, or why it was dropped.
    // A packet for "no next header" (dummy, RFC 4303 section 2.6) comes out empty.
    tl::expected<ByteView, Drop> open(ByteView packet, ByteSpan out);

    const Parameters& parameters() const;
    const Counters& counters() const;

    // Takes the numbers up to this one for received (RFC 6311 section 5.1). Never goes back.
    void advance_to(std::uint64_t last_sequence_number);

private:
    struct State;
    std::unique_ptr<State> state_;
};

// The SPI of an ESP packet, or nothing when it is too short to have one.
std::optional<Spi> spi_of(ByteView packet);

std::string_view name_of(Drop);  // "replayed"

}  // namespace gatelab::esp
