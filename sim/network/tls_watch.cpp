#include "sim/network/tls_watch.h"

#include <algorithm>

namespace gatelab::sim {
namespace {

constexpr std::uint8_t kAlertRecord = 21, kHandshakeRecord = 22;
constexpr std::uint8_t kClientHello = 1, kServerHello = 2;
constexpr std::uint8_t kMajorVersion = 3;   // of SSL 3.0 and of every TLS
constexpr std::uint8_t kMostLength = 0x40;  // high octet of a record's length: at most 2^14
constexpr std::uint8_t kMostMinorOfRecord = 4;

}  // namespace

TlsWatch::TlsWatch(const TcpSegment& opening) { opener_.first = opening.sequence + 1; }

std::size_t TlsWatch::wanted(const Side& side) {
    return is_known(side, 0) && side.octets[0] == kAlertRecord ? kAlert : kHello;
}

bool TlsWatch::complete(const Side& side) {
    const auto all = static_cast<std::uint16_t>((1u << wanted(side)) - 1);
    return (side.known & all) == all;
}

bool TlsWatch::satisfied() const { return complete(opener_) && complete(answerer_); }

std::uint32_t TlsWatch::next_from(bool opener) const {
    const auto& side = opener ? opener_ : answerer_;
    std::uint32_t next = side.first.value_or(0);
    for (std::size_t at = 0; at < kHello && is_known(side, at); ++at) ++next;
    return next;
}

// Whether the octet at `at` may stand there. The kind of record decides about those after its header; it is judged with
// them when it comes last.
bool TlsWatch::fits(const Side& side, bool opener, std::size_t at) {
    const auto octet = side.octets[at];
    const bool alert = is_known(side, 0) && side.octets[0] == kAlertRecord;
    switch (at) {
        case 0: return octet == kHandshakeRecord || (!opener && octet == kAlertRecord);
        case 1: return octet == kMajorVersion;
        case 2: return octet <= kMostMinorOfRecord;
        case 3: return octet <= kMostLength;
        case 4: return true;
        case 5:
            if (!is_known(side, 0)) return true;
            return alert ? octet == 1 || octet == 2 : octet == (opener ? kClientHello : kServerHello);
        case 6: return alert || octet == 0 || !is_known(side, 0);  // of a hello's length, at most 2^16 octets
        case 9: return alert || octet == kMajorVersion || !is_known(side, 0);
        default: return true;
    }
}

std::string_view TlsWatch::see(bool opener, const TcpSegment& segment) {
    auto& side = opener ? opener_ : answerer_;
    if (segment.has(TcpSegment::kSyn) && !complete(side) && side.first != segment.sequence + 1) {
        side = Side{.first = segment.sequence + 1};  // the answerer's, or the opener begins anew
    }
    if (segment.payload.empty() || complete(side)) return {};
    if (!side.first) return "data before the connection was open";
    Side seen = side;
    for (std::size_t i = 0; i < segment.payload.size(); ++i) {
        const std::uint32_t at = segment.first_octet() + static_cast<std::uint32_t>(i) - *seen.first;
        if (at >= kHello) continue;
        if (is_known(seen, at) && seen.octets[at] != segment.payload[i]) return "an octet was sent again as another";
        seen.octets[at] = segment.payload[i];
        seen.known = static_cast<std::uint16_t>(seen.known | 1u << at);
    }
    for (std::size_t at = 0; at < wanted(seen); ++at) {
        if (!is_known(seen, at) || fits(seen, opener, at)) continue;
        return opener ? "its first octets are no ClientHello" : "its first octets are no ServerHello and no alert";
    }
    side = seen;
    return {};
}

}  // namespace gatelab::sim
