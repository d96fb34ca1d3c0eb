#include "impl/openvpn/data_path.h"

#include <algorithm>

#include "impl/openvpn/mss.h"

namespace gatelab::openvpn {
namespace {

constexpr std::size_t kFragmentHeader = 4;
constexpr std::size_t kOccMagic = 16;  // of the inner packets with which the ends talk about their options

void add(DataCounters& sum, const DataCounters& more) {
    sum.packets_in += more.packets_in;
    sum.bytes_in += more.bytes_in;
    sum.packets_out += more.packets_out;
    sum.bytes_out += more.bytes_out;
    sum.malformed += more.malformed;
    sum.unauthentic += more.unauthentic;
    sum.replayed += more.replayed;
    sum.exhausted += more.exhausted;
    sum.no_key += more.no_key;
}

void grow(Bytes& buffer, std::size_t size) {
    if (buffer.size() < size) buffer.resize(std::max<std::size_t>(size, 2048));
}

// Only the first packet of a connection, and its answer, carry an MSS.
bool may_carry_mss(ByteView inner) {
    constexpr std::size_t kIpv4Header = 20, kTcpFlags = 13, kProtocol = 9;
    if (inner.size() < 2 * kIpv4Header || inner[0] >> 4 != 4) return false;
    if (inner[kProtocol] != static_cast<std::uint8_t>(IpProtocol::Tcp)) return false;
    const std::size_t header = 4u * (inner[0] & 0x0fu);
    return inner.size() > header + kTcpFlags && (inner[header + kTcpFlags] & 0x02) != 0;
}

}  // namespace

void DataPath::install(Instant now, std::uint8_t key_id, const DataKeys& keys, Instant send_from) {
    retire(key_id);
    DataParameters parameters;
    parameters.keys = keys;
    parameters.role = settings_.role;
    parameters.cipher = settings_.cipher;
    parameters.auth = settings_.auth;
    parameters.key_id = key_id;
    parameters.peer_id = settings_.peer_id;
    parameters.transport = settings_.transport;
    parameters.replay_window = settings_.replay_window;
    parameters.replay_time = settings_.replay_time;
    auto& key = keys_[key_id].emplace(Key{DataChannel{parameters, random_}, send_from});
    const std::size_t overhead = key.channel.overhead();
    if (settings_.fragment > overhead + kFragmentHeader && !fragmenter_)
        fragmenter_.emplace(static_cast<std::uint16_t>(settings_.fragment - overhead));
    if (settings_.mssfix > 0)
        mss_ = mss_for(settings_.mssfix, overhead + (fragmenter_ ? kFragmentHeader : 0), settings_.transport);
    // A key that was still waiting has been complete at both ends for as long as this one took to negotiate.
    if (newest_) sending_ = newest_;
    newest_ = key_id;
    if (!sending_) sending_ = newest_;
    switch_keys(now);
}

void DataPath::retire(std::uint8_t key_id) {
    auto& key = keys_[key_id];
    if (!key) return;
    add(retired_, key->channel.counters());
    key.reset();
    if (newest_ == key_id) newest_.reset();
    if (sending_ == key_id) sending_ = newest_;
}

std::optional<Instant> DataPath::next_switch() const {
    if (!newest_ || sending_ == newest_) return {};
    return keys_[*newest_]->send_from;
}

void DataPath::switch_keys(Instant now) {
    const auto at = next_switch();
    if (at && *at <= now) sending_ = newest_;
}

bool DataPath::seal(Instant now, ByteView inner, FunctionRef<void(ByteView packet)> each) {
    switch_keys(now);
    if (!sending_) {
        ++retired_.no_key;
        return false;
    }
    const ByteView packet = clamped(inner);
    if (!fragmenter_) return send_sealed(*keys_[*sending_], packet, each);
    bool sent = true;
    fragmenter_->cut(packet, [&](ByteView part) { sent = send_sealed(*keys_[*sending_], part, each) && sent; });
    return sent;
}

bool DataPath::send_sealed(Key& key, ByteView inner, FunctionRef<void(ByteView packet)> each) {
    grow(sealed_, inner.size() + key.channel.overhead());
    const auto size = key.channel.seal(inner, sealed_);
    if (!size) {
        if (sending_ == newest_) return false;
        sending_ = newest_;  // rather early than never
        return send_sealed(*keys_[*sending_], inner, each);
    }
    ++key.packets;
    key.bytes += *size;
    each(ByteView{sealed_}.first(*size));
    return true;
}

ByteView DataPath::clamped(ByteView inner) {
    if (mss_ == 0 || !may_carry_mss(inner)) return inner;
    grow(clamped_, inner.size());
    std::copy(inner.begin(), inner.end(), clamped_.begin());
    const auto copy = ByteSpan{clamped_}.first(inner.size());
    clamp_mss(copy, mss_);
    return copy;
}

DataPath::Key* DataPath::key_of(ByteView packet) {
    const auto head = head_of(packet);
    if (!head || !is_data(head->opcode) || !keys_[head->key_id]) return nullptr;
    return &*keys_[head->key_id];
}

DataPath::Opened DataPath::drop(DataDrop why) { return {Kind::Dropped, {}, why}; }

DataPath::Opened DataPath::open(Instant now, ByteView packet) {
    auto* key = key_of(packet);
    if (!key) {
        ++retired_.no_key;
        return drop(DataDrop::NoKey);
    }
    grow(opened_, packet.size());
    const auto inner = key->channel.open(now, packet, opened_);
    if (!inner) return drop(inner.error());
    ++key->packets;
    key->bytes += packet.size();
    if (newest_ && key == &*keys_[*newest_]) sending_ = newest_;
    const auto at = static_cast<std::size_t>(inner->data() - opened_.data());
    return classify(now, inner->empty() ? ByteSpan{} : ByteSpan{opened_}.subspan(at, inner->size()));
}

DataPath::Opened DataPath::classify(Instant now, ByteSpan inner) {
    if (fragmenter_) {
        const auto joined = fragmenter_->join(now, inner);
        if (!joined) {
            ++retired_.malformed;
            return drop(DataDrop::Malformed);
        }
        if (!*joined) return {};
        // What was in parts comes out of the fragmenter's own buffer; it is copied so that its MSS may be clamped.
        grow(clamped_, (*joined)->size());
        std::copy((*joined)->begin(), (*joined)->end(), clamped_.begin());
        inner = ByteSpan{clamped_}.first((*joined)->size());
    }
    if (inner.empty()) return {};
    if (std::equal(inner.begin(), inner.end(), kPingPacket.begin(), kPingPacket.end())) return {Kind::Ping, {}, {}};
    if (std::equal(inner.begin(), inner.end(), kExitPacket.begin(), kExitPacket.end())) return {Kind::Exit, {}, {}};
    if (inner.size() >= kOccMagic && std::equal(inner.begin(), inner.begin() + kOccMagic, kExitPacket.begin()))
        return {};
    if (mss_ > 0 && may_carry_mss(inner)) clamp_mss(inner, mss_);
    return {Kind::Inner, inner, {}};
}

bool DataPath::is_genuine(ByteView packet) const {
    const auto head = head_of(packet);
    if (!head || !is_data(head->opcode)) return false;
    const auto& key = keys_[head->key_id];
    return key && key->channel.is_genuine(packet);
}

DataPath::Usage DataPath::usage_of_newest() const {
    if (!newest_) return {};
    const auto& key = *keys_[*newest_];
    return {key.packets, key.bytes, key.channel.last_packet_id()};
}

void DataPath::advance_packet_ids(std::uint32_t last) {
    if (newest_) keys_[*newest_]->channel.advance_to(last);
}

DataCounters DataPath::counters() const {
    auto sum = retired_;
    for (const auto& key : keys_)
        if (key) add(sum, key->channel.counters());
    return sum;
}

}  // namespace gatelab::openvpn
