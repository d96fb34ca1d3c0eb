#include "impl/openvpn/fragment.h"

#include <algorithm>
#include <array>

namespace gatelab::openvpn {
namespace {

constexpr std::size_t kHeader = 4, kUnit = 4;
constexpr std::size_t kParts = 32;                        // of one packet, at most
constexpr int kJoining = 25;                              // packets at once
constexpr std::size_t kLargestPacket = 65535;             // an IPv4 packet's size
constexpr Duration kLifetime = std::chrono::seconds(10);  // since a packet's newest part

enum class Kind : std::uint32_t { Whole = 0, Part = 1, Last = 2 };

struct Header {
    Kind kind{};
    std::uint8_t packet = 0, part = 0;
    std::size_t size = 0;  // of all parts but the last
};

std::uint32_t encode(const Header& header) {
    const auto units = header.kind == Kind::Last ? static_cast<std::uint32_t>(header.size / kUnit) : 0;
    return static_cast<std::uint32_t>(header.kind) | header.packet << 2u | header.part << 10u | units << 15u;
}

Result<Header> parse_header(std::uint32_t bits, std::size_t octets) {
    const Header header{static_cast<Kind>(bits & 3), static_cast<std::uint8_t>(bits >> 2),
                        static_cast<std::uint8_t>(bits >> 10 & 31),
                        (bits & 3) == static_cast<std::uint32_t>(Kind::Last) ? (bits >> 15 & 0x3fff) * kUnit : octets};
    switch (header.kind) {
        case Kind::Whole:
            if (header.packet != 0 || header.part != 0) return fail(Fault::Malformed, "a whole packet with a number");
            return header;
        case Kind::Part:
        case Kind::Last:
            if (header.size == 0 || header.size % kUnit != 0 || octets > header.size)
                return fail(Fault::Malformed, "a part of a size that no packet is cut into");
            if (header.part * header.size + octets > kLargestPacket)
                return fail(Fault::Malformed, "a part behind the end of the largest packet");
            return header;
    }
    return fail(Fault::Malformed, "a fragment header of an unknown kind");
}

std::size_t rounded_up(std::size_t size) { return (size + kUnit - 1) / kUnit * kUnit; }

// A packet of which parts have come.
struct Joining {
    bool started = false;
    std::size_t size = 0;    // of all parts but the last
    std::uint32_t seen = 0;  // a bit for each part
    std::optional<std::uint8_t> last;
    std::size_t end = 0;  // octets in all, once the last part is there
    Instant newest{};
    Bytes octets;  // keeps its room from packet to packet

    void start(std::size_t part_size) {
        started = true;
        size = part_size;
        seen = 0;
        last.reset();
    }
    bool complete() const { return last && seen == (*last == 31 ? ~0u : (1u << (*last + 1)) - 1); }
};

}  // namespace

struct Fragmenter::State {
    // The place for a packet's parts. A ring over the numbers of the newest packets, modulo 256.
    Joining& place_for(std::uint8_t packet);

    std::size_t largest_part = 0;  // without header
    std::uint8_t next_packet = 0;
    Bytes out;
    std::array<Joining, kJoining> joining;
    int newest_at = 0;
    std::uint8_t newest = 0;
};

Joining& Fragmenter::State::place_for(std::uint8_t packet) {
    int ahead = static_cast<std::int8_t>(packet - newest);
    if (ahead >= kJoining || ahead <= -kJoining) {
        for (auto& one : joining) one.started = false;
        newest_at = 0;
        newest = packet;
        ahead = 0;
    }
    for (; ahead > 0; --ahead) {
        newest_at = (newest_at + 1) % kJoining;
        joining[static_cast<std::size_t>(newest_at)].started = false;
        ++newest;
    }
    return joining[static_cast<std::size_t>((newest_at + ahead + kJoining) % kJoining)];
}

Fragmenter::Fragmenter(std::uint16_t largest) : state_(std::make_unique<State>()) {
    state_->largest_part = std::max<std::size_t>(largest, kHeader + 2 * kUnit) - kHeader;
    state_->out.reserve(largest);
}
Fragmenter::~Fragmenter() = default;
Fragmenter::Fragmenter(Fragmenter&&) noexcept = default;
Fragmenter& Fragmenter::operator=(Fragmenter&&) noexcept = default;

bool Fragmenter::cut(ByteView inner, FunctionRef<void(ByteView part)> each) {
    auto& state = *state_;
    const auto tell = [&](const Header& header, ByteView octets) {
        const std::uint32_t bits = encode(header);
        state.out.clear();
        for (const int shift : {24, 16, 8, 0}) state.out.push_back(static_cast<std::uint8_t>(bits >> shift));
        append(state.out, octets);
        each(state.out);
    };
    if (inner.empty()) return false;
    if (inner.size() <= state.largest_part) {
        tell({}, inner);
        return true;
    }
    const std::size_t aligned = state.largest_part / kUnit * kUnit;
    const std::size_t parts = (inner.size() + aligned - 1) / aligned;
    if (parts > kParts) return false;
    const std::size_t size = rounded_up((inner.size() + parts - 1) / parts);  // parts of about one size
    ++state.next_packet;
    std::uint8_t part = 0;
    for (; inner.size() > size; inner = inner.subspan(size))
        tell({Kind::Part, state.next_packet, part++, size}, inner.first(size));
    tell({Kind::Last, state.next_packet, part, size}, inner);
    return true;
}

Result<std::optional<ByteView>> Fragmenter::join(Instant now, ByteView part) {
    ByteReader reader{part};
    const std::uint32_t bits = reader.u32();
    const ByteView octets = reader.rest();
    if (!reader.ok() || octets.empty()) return fail(Fault::Malformed, "a packet shorter than its fragment header");
    const auto header = parse_header(bits, octets.size());
    if (!header) return pass(header);
    if (header->kind == Kind::Whole) return octets;

    auto& joining = state_->place_for(header->packet);
    if (!joining.started || joining.size != header->size || now - joining.newest >= kLifetime)
        joining.start(header->size);
    const bool is_last = header->kind == Kind::Last;
    const bool behind_last =
        joining.last && (header->part > *joining.last || is_last != (header->part == *joining.last));
    if (behind_last || (is_last && joining.seen >> header->part > 1)) {
        joining.started = false;
        return fail(Fault::Malformed, "parts that are not of one packet");
    }
    const std::size_t at = header->part * header->size, end = at + octets.size();
    if (joining.octets.size() < end) joining.octets.resize(end);
    std::copy(octets.begin(), octets.end(), joining.octets.begin() + static_cast<std::ptrdiff_t>(at));
    joining.seen |= 1u << header->part;
    joining.newest = now;
    if (is_last) joining.last = header->part, joining.end = end;
    if (!joining.complete()) return std::nullopt;
    joining.started = false;
    return ByteView{joining.octets}.first(joining.end);
}

}  // namespace gatelab::openvpn
