#include "impl/esp/security_association.h"

#include "impl/esp/trailer.h"

namespace gatelab::esp {

std::optional<Spi> spi_of(ByteView packet) {
    ByteReader reader{packet};
    const Spi spi{reader.u32()};
    if (!reader.ok()) return std::nullopt;
    return spi;
}

std::string_view name_of(Drop drop) {
    switch (drop) {
        case Drop::Malformed: return "malformed";
        case Drop::UnknownSpi: return "unknown-spi";
        case Drop::Replayed: return "replayed";
        case Drop::Unauthentic: return "unauthentic";
        case Drop::OutsideSelectors: return "outside-selectors";
        case Drop::Exhausted: return "exhausted";
    }
    return "?";
}

std::uint64_t& counter_of(Counters& counters, Drop drop) {
    switch (drop) {
        case Drop::Malformed: return counters.malformed;
        case Drop::UnknownSpi: return counters.unknown_spi;
        case Drop::Replayed: return counters.replayed;
        case Drop::Unauthentic: return counters.unauthentic;
        case Drop::OutsideSelectors: return counters.outside_selectors;
        case Drop::Exhausted: break;
    }
    return counters.exhausted;
}

}  // namespace gatelab::esp
