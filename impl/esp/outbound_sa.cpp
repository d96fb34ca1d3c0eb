#include <algorithm>
#include <cstring>

#include "impl/esp/inner_packet.h"
#include "impl/esp/require.h"
#include "impl/esp/security_association.h"
#include "impl/esp/trailer.h"
#include "impl/esp/transform.h"

namespace gatelab::esp {

struct OutboundSa::State {
    explicit State(Parameters given)
        : parameters(std::move(given)),
          transform(Direction::Seal, parameters.suite, parameters.encryption_key, parameters.integrity_key),
          last_number(parameters.suite.extended_sequence_numbers ? ~std::uint64_t{0} : 0xffffffff) {}

    std::size_t size_for(std::size_t inner_size) const {
        const std::size_t text = inner_size + kTrailerSize;
        const std::size_t padded = (text + transform.alignment() - 1) / transform.alignment() * transform.alignment();
        return kHeaderSize + transform.iv_size() + padded + transform.icv_size();
    }

    tl::unexpected<Drop> drop(Drop why) {
        ++counter_of(counters, why);
        return tl::unexpected<Drop>(why);
    }

    Parameters parameters;
    Transform transform;
    std::uint64_t last_number;  // that can be used
    std::uint64_t sequence_number = 0;
    Counters counters;
};

OutboundSa::OutboundSa(Parameters parameters) : state_(std::make_unique<State>(std::move(parameters))) {}
OutboundSa::~OutboundSa() = default;
OutboundSa::OutboundSa(OutboundSa&&) noexcept = default;
OutboundSa& OutboundSa::operator=(OutboundSa&&) noexcept = default;

std::size_t OutboundSa::sealed_size(std::size_t inner_size) const { return state_->size_for(inner_size); }

tl::expected<std::size_t, Drop> OutboundSa::seal(ByteView inner, ByteSpan out) {
    auto& state = *state_;
    const auto packet = parse_inner(inner);
    if (!packet) return state.drop(Drop::Malformed);
    if (!permits(state.parameters.local, state.parameters.remote, *packet)) return state.drop(Drop::OutsideSelectors);
    if (state.sequence_number >= state.last_number) return state.drop(Drop::Exhausted);

    const std::size_t inner_size = packet->bytes.size();
    const std::size_t size = state.size_for(inner_size);
    require(out.size() >= size, "too little room for a sealed packet");
    // The inner packet moves first: it may lie where the header goes.
    const auto text = out.first(size - state.transform.icv_size()).subspan(kHeaderSize + state.transform.iv_size());
    std::memmove(text.data(), packet->bytes.data(), inner_size);
    write_trailer(text.subspan(inner_size), NextHeader::Ipv4);

    const std::uint64_t number = ++state.sequence_number;
    write_header(out, state.parameters.spi, static_cast<std::uint32_t>(number));
    state.transform.seal(out.first(size), number);
    ++state.counters.packets;
    state.counters.bytes += inner_size;
    return size;
}

const Parameters& OutboundSa::parameters() const { return state_->parameters; }
const Counters& OutboundSa::counters() const { return state_->counters; }
std::uint64_t OutboundSa::last_sequence_number() const { return state_->sequence_number; }

void OutboundSa::advance_to(std::uint64_t last_sequence_number) {
    state_->sequence_number = std::max(state_->sequence_number, std::min(last_sequence_number, state_->last_number));
}

}  // namespace gatelab::esp
