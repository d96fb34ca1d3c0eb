// The fields of an ESP packet that are the same for all algorithms (RFC 4303 section 2):
//
//   | SPI (4) | sequence number (4) | IV | inner packet | padding | pad length (1) | next header (1) | ICV |
//                                        '--------------------- encrypted ----------------------'
#pragma once

#include <cstdint>
#include <optional>

#include "impl/base/bytes.h"
#include "impl/esp/security_association.h"

namespace gatelab::esp {

constexpr std::size_t kTrailerSize = 2;  // pad length and next header

enum class NextHeader : std::uint8_t { Ipv4 = 4, None = 59 };

void write_header(ByteSpan packet, Spi, std::uint32_t sequence_number);

// Fills `room`, the encrypted octets behind the inner packet.
void write_trailer(ByteSpan room, NextHeader);

struct Opened {
    ByteView inner;  // padding for traffic flow confidentiality may follow the packet in it
    NextHeader next_header;
};

// Nothing when the padding is not 1, 2, 3... or longer than the text (RFC 4303 section 2.4), or the next header is
// neither of ours.
std::optional<Opened> read_trailer(ByteView text);

// The counter that a drop goes to.
std::uint64_t& counter_of(Counters&, Drop);

}  // namespace gatelab::esp
