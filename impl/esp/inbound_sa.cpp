#include "impl/esp/inner_packet.h"
#include "impl/esp/replay_window.h"
#include "impl/esp/require.h"
#include "impl/esp/security_association.h"
#include "impl/esp/trailer.h"
#include "impl/esp/transform.h"

namespace gatelab::esp {

struct InboundSa::State {
    State(Parameters given, std::size_t window_size)
        : parameters(std::move(given)),
          transform(Direction::Open, parameters.suite, parameters.encryption_key, parameters.integrity_key),
          window(window_size) {}

    tl::unexpected<Drop> drop(Drop why) {
        ++counter_of(counters, why);
        return tl::unexpected<Drop>(why);
    }

    // All that RFC 4303 section 3.4 checks, in its order, up to the decrypted text.
    tl::expected<ByteView, Drop> decrypt(ByteView packet, ByteSpan out);
    // And the rest: what the text is, and whether it may come in.
    tl::expected<ByteView, Drop> accept(ByteView text);

    Parameters parameters;
    Transform transform;
    ReplayWindow window;
    Counters counters;
};

tl::expected<ByteView, Drop> InboundSa::State::decrypt(ByteView packet, ByteSpan out) {
    const auto text_size = transform.plaintext_size(packet);
    if (!text_size) return drop(Drop::Malformed);
    require(out.size() >= *text_size, "too little room for an opened packet");
    ByteReader reader{packet};
    if (Spi{reader.u32()} != parameters.spi) return drop(Drop::UnknownSpi);
    const std::uint32_t sent = reader.u32();
    const auto number = parameters.suite.extended_sequence_numbers ? window.extend(sent) : std::uint64_t{sent};
    if (!number || !window.is_fresh(*number)) return drop(Drop::Replayed);
    if (!transform.open(packet, *number, out.first(*text_size))) return drop(Drop::Unauthentic);
    window.mark(*number);  // only now: RFC 4303 section 3.4.3
    return ByteView{out.first(*text_size)};
}

tl::expected<ByteView, Drop> InboundSa::State::accept(ByteView text) {
    const auto opened = read_trailer(text);
    if (!opened) return drop(Drop::Malformed);
    if (opened->next_header == NextHeader::None) return ByteView{};
    const auto inner = parse_inner(opened->inner);
    if (!inner) return drop(Drop::Malformed);
    // Seen from the sender, the peer's addresses are the local ones.
    if (!permits(parameters.remote, parameters.local, *inner)) return drop(Drop::OutsideSelectors);
    ++counters.packets;
    counters.bytes += inner->bytes.size();
    return inner->bytes;
}

InboundSa::InboundSa(Parameters parameters, std::size_t replay_window)
    : state_(std::make_unique<State>(std::move(parameters), replay_window)) {}
InboundSa::~InboundSa() = default;
InboundSa::InboundSa(InboundSa&&) noexcept = default;
InboundSa& InboundSa::operator=(InboundSa&&) noexcept = default;

tl::expected<ByteView, Drop> InboundSa::open(ByteView packet, ByteSpan out) {
    const auto text = state_->decrypt(packet, out);
    return text ? state_->accept(*text) : text;
}

const Parameters& InboundSa::parameters() const { return state_->parameters; }
const Counters& InboundSa::counters() const { return state_->counters; }
void InboundSa::advance_to(std::uint64_t number) { state_->window.mark_all_up_to(number); }

}  // namespace gatelab::esp
