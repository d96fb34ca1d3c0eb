#include "sim/network/translator.h"

#include <algorithm>
#include <bit>

namespace gatelab::sim {
namespace {

constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17, kEsp = 50;
constexpr std::uint8_t kFin = 1, kRst = 4;
constexpr Duration kFragmentLife = std::chrono::seconds(30);
constexpr Duration kIcmpLife = std::chrono::seconds(60);       // RFC 5508 REQ-2
constexpr Duration kTcpClosingLife = std::chrono::minutes(4);  // RFC 5382 REQ-5
constexpr std::uint16_t kFirstPort = 1024;
constexpr std::size_t kQuoted = kIpv4HeaderSize + 8;  // where an ICMP error's quoted packet begins

constexpr std::size_t kNone = 0;  // no checksum there

std::size_t transport_checksum(std::uint8_t protocol) { return protocol == kTcp ? 16 : protocol == kUdp ? 6 : kNone; }

// Replaces an address of the IP header at the start of `packet`, with its checksum and, if the transport header is
// there, the transport's, which covers the addresses.
void replace_address(ByteSpan packet, std::size_t at, Ipv4Address address, std::size_t transport_checksum_at) {
    if (transport_checksum_at != kNone && packet.size() >= transport_checksum_at + 2) {
        adjust_checksum(packet, transport_checksum_at, read_u32(packet, at), address.number());
    }
    rewrite_u32(packet, at, address.number(), 10);
}

// Replaces the source (`outbound`) or destination endpoint of a first or only part.
void replace_endpoint(ByteSpan packet, const PacketFields& fields, bool outbound, Endpoint endpoint) {
    const std::size_t relative = transport_checksum(fields.protocol);
    const std::size_t checksum = relative == kNone ? kNone : kIpv4HeaderSize + relative;
    replace_address(packet, outbound ? 12 : 16, endpoint.address, checksum);
    if (fields.echo) return rewrite_u16(packet, kIpv4HeaderSize + 4, endpoint.port, kIpv4HeaderSize + 2);
    if (!fields.ports) return;
    const std::size_t port_at = kIpv4HeaderSize + (outbound ? 0 : 2);
    if (packet.size() >= checksum + 2) return rewrite_u16(packet, port_at, endpoint.port, checksum);
    write_u16(packet, port_at, endpoint.port);  // quoted by an ICMP error, cut before the checksum
}

// The packet that an ICMP error quotes, with as many zeros as reading its fields needs.
std::optional<PacketFields> quoted_fields(ByteView packet) {
    if (packet.size() < kQuoted + kIpv4HeaderSize + 8 || packet[kQuoted] != 0x45) return std::nullopt;
    Bytes quoted = copy_of(packet.subspan(kQuoted));
    quoted.resize(std::max<std::size_t>(quoted.size(), kIpv4HeaderSize + 14));
    const auto fields = read_fields(quoted);
    return fields && fields->first ? fields : std::nullopt;
}

void refresh_icmp(ByteSpan packet) {
    const bool had = read_u16(packet, kIpv4HeaderSize + 2) != 0;
    write_u16(packet, kIpv4HeaderSize + 2, 0);
    if (had) write_u16(packet, kIpv4HeaderSize + 2, internet_checksum(packet.subspan(kIpv4HeaderSize)));
}

// A damaged error must not leave with a fresh checksum.
bool is_intact_icmp(ByteView packet) {
    return read_u16(packet, kIpv4HeaderSize + 2) == 0 || internet_checksum(packet.subspan(kIpv4HeaderSize)) == 0;
}

}  // namespace

Translator::Translator(topologies::Nat nat)
    : nat_(std::move(nat)), rebind_at_(nat_.rebind_every.value_or(Duration::zero())) {}

std::vector<Trace> Translator::drain() { return std::exchange(traces_, {}); }

Translator::Decision Translator::outbound(Duration now, std::size_t link, ByteSpan packet) {
    rebind(now);
    const auto fields = read_fields(packet);
    if (!fields) return drop(nullptr, "malformed");
    if (fields->destination == nat_.outside_address) return turn_back(now, *fields, link, packet);
    return leave(now, *fields, link, packet);
}

Translator::Decision Translator::inbound(Duration now, ByteSpan packet) {
    rebind(now);
    const auto fields = read_fields(packet);
    if (!fields) return drop(nullptr, "malformed");
    if (fields->destination != nat_.outside_address) return drop(&*fields, "not for the outside address");
    return enter(now, *fields, packet);
}

Translator::Decision Translator::leave(Duration now, const PacketFields& fields, std::size_t link, ByteSpan packet) {
    if (!fields.first) return later_fragment(now, fields, true, packet);
    if (fields.icmp_error) return outbound_error(now, fields, link, packet);
    if (fields.protocol == kEsp) return outbound_esp(now, fields, link, packet);
    if (!fields.ports && !fields.echo) return drop(&fields, "protocol cannot be translated");
    auto* mapping = mapping_for(now, fields, link);
    if (!mapping) return drop(&fields, "no outside port is free");
    mapping->closing = mapping->closing || (fields.tcp_flags & (kFin | kRst)) != 0;
    mapping->expires = now + life(fields.protocol, mapping->closing);
    mapping->link = link;
    remember_fragment(now, fields, link, nat_.outside_address);
    replace_endpoint(packet, fields, true, {nat_.outside_address, mapping->outside_port});
    return {.pass = true, .inside = link};
}

Translator::Decision Translator::enter(Duration now, const PacketFields& fields, ByteSpan packet) {
    if (!fields.first) return later_fragment(now, fields, false, packet);
    if (fields.icmp_error) return inbound_error(now, fields, packet);
    if (fields.protocol == kEsp) return inbound_esp(now, fields, packet);
    if (!fields.ports && !fields.echo) return drop(&fields, "protocol cannot be translated");
    return inbound_mapped(now, fields, packet);
}

// An echo request has one identifier and no port: who it is for cannot be told.
Translator::Decision Translator::turn_back(Duration now, const PacketFields& fields, std::size_t link,
                                           ByteSpan packet) {
    const bool translatable = fields.protocol == kUdp || fields.protocol == kTcp || fields.icmp_error;
    if (!nat_.hairpin || !translatable) return drop(&fields, "hairpin");
    if (const auto left = leave(now, fields, link, packet); !left.pass) return left;
    const auto outside = read_fields(packet);
    if (!outside) return drop(&fields, "malformed");
    auto decision = enter(now, *outside, packet);
    decision.hairpin = true;
    return decision;
}

// --- mappings ---

Translator::InsideKey Translator::key_of(const PacketFields& fields) const {
    InsideKey key{fields.protocol, {fields.source, fields.source_port}, {}};
    // An echo's identifier belongs to the sender: the remote has no port of its own.
    if (nat_.endpoint_dependent)
        key.remote = {fields.destination, fields.echo ? std::uint16_t{0} : fields.destination_port};
    return key;
}

Translator::Mapping* Translator::mapping_for(Duration now, const PacketFields& fields, std::size_t link) {
    const auto key = key_of(fields);
    const auto found = mappings_.find(key);
    if (found != mappings_.end() && found->second.expires > now) return &found->second;
    if (found != mappings_.end()) {
        outside_.erase({key.protocol, found->second.outside_port});
        mappings_.erase(found);
    }
    return create(now, key, fields, link);
}

Translator::Mapping* Translator::create(Duration now, const InsideKey& key, const PacketFields& fields,
                                        std::size_t link) {
    if (mappings_.size() >= kMaxMappings) sweep(now);
    if (mappings_.size() >= kMaxMappings) return nullptr;
    const auto port = free_port(now, key);
    if (!port) return nullptr;
    outside_[{key.protocol, *port}] = key;
    auto& mapping = mappings_[key] = {.outside_port = *port, .link = link, .expires = now + life(key.protocol, false)};
    Trace trace{"mapping-created",
                {{"protocol", std::string(fields.protocol == kTcp   ? "tcp"
                                          : fields.protocol == kUdp ? "udp"
                                                                    : "icmp")},
                 {"inside", to_string(key.inside)},
                 {"outside", to_string(Endpoint{nat_.outside_address, *port})}}};
    if (nat_.endpoint_dependent) trace.attributes.emplace_back("remote", to_string(key.remote));
    traces_.push_back(std::move(trace));
    return &mapping;
}

std::optional<std::uint16_t> Translator::free_port(Duration now, const InsideKey& key) {
    if (rebindings_ == 0 && take(now, {key.protocol, key.inside.port})) return key.inside.port;
    auto& next = next_port_.try_emplace(key.protocol, kFirstPort).first->second;
    for (int tries = 0; tries < 65536 - kFirstPort; ++tries) {
        const std::uint16_t port = next;
        next = port == 65535 ? kFirstPort : static_cast<std::uint16_t>(port + 1);
        if (take(now, {key.protocol, port})) return port;
    }
    return std::nullopt;
}

// Whether the port is free; an expired mapping gives its port back.
bool Translator::take(Duration now, const OutsideKey& port) {
    const auto holder = outside_.find(port);
    if (holder == outside_.end()) return true;
    const auto mapping = mappings_.find(holder->second);
    if (mapping->second.expires > now) return false;
    mappings_.erase(mapping);
    outside_.erase(holder);
    return true;
}

Translator::Mappings::iterator Translator::find_outside(Duration now, std::uint8_t protocol, std::uint16_t port) {
    const auto holder = outside_.find({protocol, port});
    if (holder == outside_.end()) return mappings_.end();
    const auto mapping = mappings_.find(holder->second);
    return mapping->second.expires > now ? mapping : mappings_.end();
}

Duration Translator::life(std::uint8_t protocol, bool closing) const {
    if (protocol == kUdp) return nat_.udp_timeout;
    if (protocol == kTcp) return closing ? std::min(kTcpClosingLife, nat_.tcp_timeout) : nat_.tcp_timeout;
    return kIcmpLife;
}

void Translator::sweep(Duration now) {
    std::erase_if(mappings_, [&](const auto& entry) {
        if (entry.second.expires > now) return false;
        outside_.erase({entry.first.protocol, entry.second.outside_port});
        return true;
    });
}

void Translator::rebind(Duration now) {
    if (!nat_.rebind_every || *nat_.rebind_every <= Duration::zero() || now < rebind_at_) return;
    while (rebind_at_ <= now) rebind_at_ += *nat_.rebind_every;
    ++rebindings_;
    traces_.push_back(
        {"rebound", {{"times", rebindings_}, {"mappings_forgotten", static_cast<std::int64_t>(mappings_.size())}}});
    mappings_.clear();
    outside_.clear();
    esp_.clear();
    fragments_.clear();
}

// --- packets ---

Translator::Decision Translator::inbound_mapped(Duration now, const PacketFields& fields, ByteSpan packet) {
    const auto found = find_outside(now, fields.protocol, fields.destination_port);
    if (found == mappings_.end()) return drop(&fields, "no mapping");
    const auto& [key, mapping] = *found;
    const Endpoint remote{fields.source, fields.echo ? std::uint16_t{0} : fields.source_port};
    if (nat_.endpoint_dependent && key.remote != remote) return drop(&fields, "mapping of another remote");
    if (fields.tcp_flags & (kFin | kRst)) found->second.closing = true;
    remember_fragment(now, fields, mapping.link, key.inside.address);
    replace_endpoint(packet, fields, false, key.inside);
    return {.pass = true, .inside = mapping.link};
}

Translator::Decision Translator::outbound_esp(Duration now, const PacketFields& fields, std::size_t link,
                                              ByteSpan packet) {
    auto found = esp_.find(fields.destination);
    if (found != esp_.end() && found->second.expires > now && found->second.inside != fields.source) {
        return drop(&fields, "esp to this remote belongs to another inside host");
    }
    if (found == esp_.end() && esp_.size() >= kMaxMappings) {
        std::erase_if(esp_, [now](const auto& entry) { return entry.second.expires <= now; });
        if (esp_.size() >= kMaxMappings) return drop(&fields, "esp table full");
    }
    esp_[fields.destination] = {fields.source, link, now + nat_.udp_timeout};
    remember_fragment(now, fields, link, nat_.outside_address);
    replace_address(packet, 12, nat_.outside_address, kNone);
    return {.pass = true, .inside = link};
}

Translator::Decision Translator::inbound_esp(Duration now, const PacketFields& fields, ByteSpan packet) {
    const auto found = esp_.find(fields.source);
    if (found == esp_.end() || found->second.expires <= now) return drop(&fields, "no mapping");
    remember_fragment(now, fields, found->second.link, found->second.inside);
    replace_address(packet, 16, found->second.inside, kNone);
    return {.pass = true, .inside = found->second.link};
}

// RFC 5508 REQ-4: the quoted packet went out under a mapping; both it and the destination turn back to the inside.
Translator::Decision Translator::inbound_error(Duration now, const PacketFields& fields, ByteSpan packet) {
    if (!is_intact_icmp(packet)) return drop(&fields, "damaged icmp error");
    const auto quoted = quoted_fields(packet);
    if (!quoted || quoted->source != nat_.outside_address) return drop(&fields, "icmp error for no mapping");
    Endpoint inside;
    std::size_t link = 0;
    if (quoted->protocol == kEsp) {
        const auto found = esp_.find(quoted->destination);
        if (found == esp_.end()) return drop(&fields, "icmp error for no mapping");
        inside.address = found->second.inside;
        link = found->second.link;
    } else {
        const auto found = find_outside(now, quoted->protocol, quoted->source_port);
        if (found == mappings_.end()) return drop(&fields, "icmp error for no mapping");
        inside = found->first.inside;
        link = found->second.link;
    }
    replace_endpoint(packet.subspan(kQuoted), *quoted, true, inside);
    replace_address(packet, 16, inside.address, kNone);
    refresh_icmp(packet);
    return {.pass = true, .inside = link};
}

// RFC 5508 REQ-5: the quoted packet came in under a mapping, to this inside endpoint.
Translator::Decision Translator::outbound_error(Duration now, const PacketFields& fields, std::size_t link,
                                                ByteSpan packet) {
    if (!is_intact_icmp(packet)) return drop(&fields, "damaged icmp error");
    const auto quoted = quoted_fields(packet);
    if (!quoted) return drop(&fields, "icmp error for no mapping");
    const Endpoint inside{quoted->destination, quoted->destination_port};
    const Endpoint remote{quoted->source, quoted->echo ? std::uint16_t{0} : quoted->source_port};
    Endpoint outside{nat_.outside_address, 0};
    if (quoted->protocol != kEsp) {
        const auto found = mappings_.find({quoted->protocol, inside, nat_.endpoint_dependent ? remote : Endpoint{}});
        if (found == mappings_.end() || found->second.expires <= now) return drop(&fields, "icmp error for no mapping");
        outside.port = found->second.outside_port;
    }
    replace_endpoint(packet.subspan(kQuoted), *quoted, false, outside);
    replace_address(packet, 12, nat_.outside_address, kNone);
    refresh_icmp(packet);
    return {.pass = true, .inside = link};
}

Translator::Decision Translator::later_fragment(Duration now, const PacketFields& fields, bool outbound,
                                                ByteSpan packet) {
    const auto found = fragments_.find({fields.source, fields.destination, fields.protocol, fields.identification});
    if (found == fragments_.end() || found->second.expires <= now) {
        return drop(&fields, "fragment without its first part");
    }
    replace_address(packet, outbound ? 12 : 16, found->second.translated, kNone);
    return {.pass = true, .inside = found->second.link};
}

void Translator::remember_fragment(Duration now, const PacketFields& fields, std::size_t link, Ipv4Address translated) {
    if (!fields.fragment) return;
    if (fragments_.size() >= kMaxFragments) {
        std::erase_if(fragments_, [now](const auto& entry) { return entry.second.expires <= now; });
        if (fragments_.size() >= kMaxFragments) return;
    }
    fragments_[{fields.source, fields.destination, fields.protocol, fields.identification}] = {now + kFragmentLife,
                                                                                               link, translated};
}

Translator::Decision Translator::drop(const PacketFields* fields, const std::string& why) {
    ++dropped_;
    const auto count = ++drops_[why];
    if (std::has_single_bit(count)) {
        traces_.push_back({"packet-dropped",
                           {{"reason", why},
                            {"packet", fields ? summary(*fields) : std::string("malformed")},
                            {"count", static_cast<std::int64_t>(count)}}});
    }
    return {};
}

}  // namespace gatelab::sim
