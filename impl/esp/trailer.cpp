#include "impl/esp/trailer.h"

namespace gatelab::esp {

void write_header(ByteSpan packet, Spi spi, std::uint32_t sequence_number) {
    for (std::size_t i = 0; i < 4; ++i) {
        packet[i] = static_cast<std::uint8_t>(spi.value() >> (24 - 8 * i));
        packet[4 + i] = static_cast<std::uint8_t>(sequence_number >> (24 - 8 * i));
    }
}

void write_trailer(ByteSpan room, NextHeader next_header) {
    const std::size_t padding = room.size() - kTrailerSize;
    for (std::size_t i = 0; i < padding; ++i) room[i] = static_cast<std::uint8_t>(i + 1);
    room[padding] = static_cast<std::uint8_t>(padding);
    room[padding + 1] = static_cast<std::uint8_t>(next_header);
}

std::optional<Opened> read_trailer(ByteView text) {
    if (text.size() < kTrailerSize) return std::nullopt;
    const auto next_header = static_cast<NextHeader>(text.back());
    const std::size_t padding = text[text.size() - 2];
    if (next_header != NextHeader::Ipv4 && next_header != NextHeader::None) return std::nullopt;
    if (text.size() < padding + kTrailerSize) return std::nullopt;
    const auto inner = text.first(text.size() - padding - kTrailerSize);
    for (std::size_t i = 0; i < padding; ++i)
        if (text[inner.size() + i] != i + 1) return std::nullopt;
    return Opened{inner, next_header};
}

}  // namespace gatelab::esp
