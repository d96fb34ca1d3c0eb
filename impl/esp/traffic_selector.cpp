#include "impl/esp/traffic_selector.h"

#include <algorithm>
#include <bit>

#include "impl/esp/inner_packet.h"

namespace gatelab::esp {
namespace {

bool has_any_port(const TrafficSelector& selector) { return selector.first_port == 0 && selector.last_port == 65535; }

// "Ports that cannot be seen" (RFC 7296 section 3.13.1): start above end.
bool is_opaque(const TrafficSelector& selector) { return selector.first_port > selector.last_port; }

std::string text_of_addresses(const TrafficSelector& selector) {
    const std::uint32_t span = selector.last.number() - selector.first.number();
    const bool is_block = (span & (span + 1)) == 0 && (selector.first.number() & span) == 0;
    if (!is_block) return to_string(selector.first) + "-" + to_string(selector.last);
    return to_string(Prefix{selector.first, static_cast<std::uint8_t>(32 - std::popcount(span))});
}

std::string text_of_protocol(std::uint8_t protocol) {
    switch (protocol) {
        case 0: return "any";
        case 1: return "icmp";
        case 6: return "tcp";
        case 17: return "udp";
        default: return std::to_string(protocol);
    }
}

bool any_matches(const TrafficSelectors& selectors, Ipv4Address address, std::uint8_t protocol,
                 std::optional<std::uint16_t> port) {
    return std::any_of(selectors.begin(), selectors.end(),
                       [&](const TrafficSelector& one) { return one.matches(address, protocol, port); });
}

// Keeps a list free of selectors that another one of it covers.
void add(TrafficSelectors& list, const TrafficSelector& selector) {
    const auto covers = [&](const TrafficSelector& present) { return present.contains(selector); };
    if (std::any_of(list.begin(), list.end(), covers)) return;
    std::erase_if(list, [&](const TrafficSelector& present) { return selector.contains(present); });
    list.push_back(selector);
}

}  // namespace

bool TrafficSelector::contains(const TrafficSelector& inner) const { return intersection(*this, inner) == inner; }

bool TrafficSelector::matches(Ipv4Address address, std::uint8_t packet_protocol,
                              std::optional<std::uint16_t> port) const {
    if (address < first || address > last) return false;
    if (protocol != 0 && protocol != packet_protocol) return false;
    if (!port) return has_any_port(*this) || is_opaque(*this);
    return first_port <= *port && *port <= last_port;
}

std::string to_string(const TrafficSelector& selector) {
    std::string text = text_of_addresses(selector);
    if (selector.protocol == 0 && has_any_port(selector)) return text;
    text.append("[").append(text_of_protocol(selector.protocol));
    if (is_opaque(selector)) {
        text.append("/opaque");
    } else if (!has_any_port(selector)) {
        text.append("/").append(std::to_string(selector.first_port));
        if (selector.last_port != selector.first_port) text.append("-").append(std::to_string(selector.last_port));
    }
    return text.append("]");
}

std::string to_string(const TrafficSelectors& selectors) {
    std::string text;
    for (const auto& one : selectors) text.append(text.empty() ? "" : ", ").append(to_string(one));
    return text;
}

std::optional<TrafficSelector> intersection(const TrafficSelector& a, const TrafficSelector& b) {
    TrafficSelector common{std::max(a.first, b.first), std::min(a.last, b.last), std::max(a.protocol, b.protocol),
                           std::max(a.first_port, b.first_port), std::min(a.last_port, b.last_port)};
    if (common.first > common.last) return std::nullopt;
    if (a.protocol != b.protocol && a.protocol != 0 && b.protocol != 0) return std::nullopt;
    // An opaque range meets itself and "any port" only; both leave it as it is.
    const bool opaque_fits = (is_opaque(a) && (is_opaque(b) || has_any_port(b))) || (is_opaque(b) && has_any_port(a));
    if ((is_opaque(a) || is_opaque(b)) ? !opaque_fits : common.first_port > common.last_port) return std::nullopt;
    return common;
}

TrafficSelectors intersection(const TrafficSelectors& offered, const TrafficSelectors& ours) {
    TrafficSelectors result;
    for (const auto& theirs : offered)
        for (const auto& mine : ours)
            if (const auto common = intersection(theirs, mine)) add(result, *common);
    return result;
}

bool permits(const TrafficSelectors& local, const TrafficSelectors& remote, const InnerPacket& packet) {
    return any_matches(local, packet.source, packet.protocol, packet.source_port) &&
           any_matches(remote, packet.destination, packet.protocol, packet.destination_port);
}

bool permits(const TrafficSelectors& local, const TrafficSelectors& remote, ByteView outbound_packet) {
    const auto packet = parse_inner(outbound_packet);
    return packet && permits(local, remote, *packet);
}

}  // namespace gatelab::esp
