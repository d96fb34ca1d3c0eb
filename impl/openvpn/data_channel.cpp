#include "impl/openvpn/data_channel.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "impl/openvpn/data_suite.h"
#include "impl/openvpn/packet.h"
#include "impl/openvpn/replay_window.h"

namespace gatelab::openvpn {
namespace {

constexpr std::uint32_t kLastPacketId = 0xffffffff;
constexpr std::size_t kBlock = crypto::AesCbc::kBlockSize;

// What only a bug of ours can break.
void require(bool held, const char* what) {
    if (held) return;
    std::fprintf(stderr, "gatelab: OpenVPN's data channel was called with %s\n", what);
    std::abort();
}

std::size_t head_size(Opcode opcode) { return opcode == Opcode::DataV2 ? 4 : 1; }

std::uint64_t& counter_of(DataCounters& counters, DataDrop why) {
    switch (why) {
        case DataDrop::Malformed: return counters.malformed;
        case DataDrop::Unauthentic: return counters.unauthentic;
        case DataDrop::Replayed: return counters.replayed;
        case DataDrop::Exhausted: return counters.exhausted;
        case DataDrop::NoKey: break;
    }
    return counters.no_key;
}

Role other(Role role) { return role == Role::Client ? Role::Server : Role::Client; }

}  // namespace

std::string_view name_of(DataDrop why) {
    switch (why) {
        case DataDrop::Malformed: return "malformed";
        case DataDrop::Unauthentic: return "unauthentic";
        case DataDrop::Replayed: return "replayed";
        case DataDrop::Exhausted: return "exhausted";
        case DataDrop::NoKey: break;
    }
    return "no key";
}

struct DataChannel::State {
    State(const DataParameters& given, Random& random_source)
        : parameters(given),
          random(random_source),
          sealing(make_data_suite(DataDirection::Seal, given.cipher, given.auth, given.keys, given.role)),
          opening(make_data_suite(DataDirection::Open, given.cipher, given.auth, given.keys, other(given.role))),
          window(given.transport == Transport::Udp ? given.replay_window : 0, given.replay_time) {
        const Opcode opcode = given.peer_id ? Opcode::DataV2 : Opcode::DataV1;
        head_octets = head_size(opcode);
        head[0] = encode(Head{opcode, given.key_id});
        for (std::size_t i = 1; i < head.size(); ++i)
            head[i] = static_cast<std::uint8_t>(given.peer_id.value_or(0) >> (24 - 8 * i));
    }

    std::size_t sealed_size(std::size_t inner) const {
        return head_octets + std::visit([&](const auto& suite) { return suite.sealed_size(inner); }, sealing);
    }
    // All but the replay window.
    tl::expected<OpenedBody, DataDrop> decrypt(ByteView packet, ByteSpan out);

    DataParameters parameters;
    Random& random;
    DataSuite sealing, opening;
    ReplayWindow window;
    std::array<std::uint8_t, 4> head;
    std::size_t head_octets;
    std::uint32_t last_id = 0;
    DataCounters counters;
    Bytes scratch;  // for is_genuine(), as large as its largest packet
};

tl::expected<OpenedBody, DataDrop> DataChannel::State::decrypt(ByteView packet, ByteSpan out) {
    const auto drop = [](DataDrop why) { return tl::unexpected<DataDrop>(why); };
    const auto its_head = head_of(packet);
    if (!its_head || !is_data(its_head->opcode)) return drop(DataDrop::Malformed);
    if (its_head->key_id != parameters.key_id) return drop(DataDrop::NoKey);
    const std::size_t before = head_size(its_head->opcode);
    const auto may_be_whole = [&](const auto& suite) { return suite.may_be_whole(packet.size() - before); };
    if (packet.size() < before || !std::visit(may_be_whole, opening)) return drop(DataDrop::Malformed);
    require(out.size() >= packet.size(), "too little room for an opened packet");
    const auto opened = std::visit([&](auto& suite) { return suite.open(packet, before, out); }, opening);
    if (!opened) return drop(DataDrop::Unauthentic);
    if (opened->inner.empty()) return drop(DataDrop::Malformed);
    return *opened;
}

DataChannel::DataChannel(const DataParameters& parameters, Random& random)
    : state_(std::make_unique<State>(parameters, random)) {}
DataChannel::~DataChannel() = default;
DataChannel::DataChannel(DataChannel&&) noexcept = default;
DataChannel& DataChannel::operator=(DataChannel&&) noexcept = default;

// CBC adds most to what fills its last block: a whole block of padding.
std::size_t DataChannel::overhead() const {
    const std::size_t full = kBlock - kPacketIdSize;
    return state_->sealed_size(full) - full;
}

tl::expected<std::size_t, DataDrop> DataChannel::seal(ByteView inner, ByteSpan out) {
    auto& state = *state_;
    const auto refusal = inner.empty()                    ? std::optional{DataDrop::Malformed}
                         : state.last_id == kLastPacketId ? std::optional{DataDrop::Exhausted}
                                                          : std::nullopt;
    if (refusal) {
        ++counter_of(state.counters, *refusal);
        return tl::unexpected<DataDrop>(*refusal);
    }
    const std::size_t size = state.sealed_size(inner.size());
    require(out.size() >= size, "too little room for a sealed packet");
    std::copy_n(state.head.begin(), state.head_octets, out.begin());
    ++state.last_id;
    std::visit([&](auto& suite) { suite.seal(out.first(size), state.head_octets, state.last_id, inner, state.random); },
               state.sealing);
    ++state.counters.packets_out;
    state.counters.bytes_out += inner.size();
    return size;
}

tl::expected<ByteView, DataDrop> DataChannel::open(Instant now, ByteView packet, ByteSpan out) {
    auto& state = *state_;
    auto opened = state.decrypt(packet, out);
    if (opened && !state.window.is_fresh(now, opened->packet_id)) opened = tl::unexpected<DataDrop>(DataDrop::Replayed);
    if (!opened) {
        ++counter_of(state.counters, opened.error());
        return tl::unexpected<DataDrop>(opened.error());
    }
    state.window.mark(now, opened->packet_id);
    ++state.counters.packets_in;
    state.counters.bytes_in += opened->inner.size();
    return opened->inner;
}

bool DataChannel::is_genuine(ByteView packet) const {
    if (state_->scratch.size() < packet.size()) state_->scratch.resize(packet.size());
    const auto opened = state_->decrypt(packet, state_->scratch);
    return opened && state_->window.is_unseen(opened->packet_id);
}

std::uint32_t DataChannel::last_packet_id() const { return state_->last_id; }
void DataChannel::advance_to(std::uint32_t last) { state_->last_id = std::max(state_->last_id, last); }
const DataCounters& DataChannel::counters() const { return state_->counters; }

const std::array<std::uint8_t, 16> kPingPacket{0x2a, 0x18, 0x7b, 0xf3, 0x64, 0x1e, 0xb4, 0xcb,
                                               0x07, 0xed, 0x2d, 0x0a, 0x98, 0x1f, 0xc7, 0x48};
// The 16 octets that mark a message of options control (OCC), then its number for "exit".
const std::array<std::uint8_t, 17> kExitPacket{0x28, 0x7f, 0x34, 0x6b, 0xd4, 0xef, 0x7a, 0x81, 0x2d,
                                               0x56, 0xb8, 0xd3, 0xaf, 0xc5, 0x45, 0x9c, 6};

}  // namespace gatelab::openvpn
