#include "impl/openvpn/reliable.h"

#include <algorithm>
#include <cassert>

namespace gatelab::openvpn {
namespace {

// A packet that three later ones have overtaken is taken for lost before its time is up.
constexpr int kOvertakenMeansLost = 3;

}  // namespace

bool ReliableSender::has_room() const { return waiting_.empty() || next_id_ - waiting_.front().id < kSendWindow; }

std::uint32_t ReliableSender::push(Opcode opcode, Bytes payload) {
    assert(has_room());
    waiting_.push_back({next_id_, opcode, std::move(payload), Instant{}, first_});
    return next_id_++;
}

void ReliableSender::acknowledge(std::span<const std::uint32_t> ids) {
    for (const auto id : ids) {
        const auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const Entry& e) { return e.id == id; });
        if (found == waiting_.end() || found->sent == 0) continue;  // repeated, or never said by us
        for (auto earlier = waiting_.begin(); earlier != found; ++earlier) ++earlier->overtaken;
        waiting_.erase(found);
    }
}

bool ReliableSender::is_due(const Entry& entry, Instant now) {
    return entry.sent == 0 || entry.next_try <= now || entry.overtaken >= kOvertakenMeansLost;
}

std::optional<ReliableSender::Due> ReliableSender::next_due(Instant now) {
    const auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const Entry& e) { return is_due(e, now); });
    if (found == waiting_.end()) return {};
    const bool repeated = found->sent > 0;
    if (repeated) ++repetitions_;
    ++found->sent;
    found->overtaken = 0;
    found->next_try = now + found->wait;
    found->wait = std::min(2 * found->wait, std::max(kLongestRepeat, first_));
    return Due{found->id, found->opcode, found->payload, repeated};
}

std::optional<Instant> ReliableSender::next_timeout() const {
    std::optional<Instant> next;
    for (const auto& entry : waiting_) next = earlier(next, entry.next_try);
    return next;
}

bool ReliableSender::has_sent(Opcode opcode) const {
    return std::any_of(waiting_.begin(), waiting_.end(), [&](const Entry& e) { return e.opcode == opcode; });
}

ReliableReceiver::Verdict ReliableReceiver::accept(std::uint32_t id, Opcode opcode, ByteView payload) {
    if (id >= next_id_ && id - next_id_ >= kReceiveWindow) return Verdict::TooFarAhead;
    owe(id);
    if (id < next_id_ || early_.contains(id)) return Verdict::Repeated;
    early_.emplace(id, Packet{opcode, copy_of(payload)});
    return Verdict::Accepted;
}

const ReliableReceiver::Packet* ReliableReceiver::next() const {
    const auto found = early_.find(next_id_);
    return found == early_.end() ? nullptr : &found->second;
}

std::optional<ReliableReceiver::Packet> ReliableReceiver::take() {
    const auto next = early_.find(next_id_);
    if (next == early_.end()) return {};
    Packet packet = std::move(next->second);
    early_.erase(next);
    ++next_id_;
    return packet;
}

void ReliableReceiver::owe(std::uint32_t id) {
    // What finds no room is not acknowledged now: the peer repeats it.
    if (owed_.size() < kMaxAcks && std::find(owed_.begin(), owed_.end(), id) == owed_.end()) owed_.push_back(id);
}

std::vector<std::uint32_t> ReliableReceiver::take_acks(std::size_t most) {
    const auto count = static_cast<std::ptrdiff_t>(std::min(most, owed_.size()));
    std::vector<std::uint32_t> acks{owed_.begin(), owed_.begin() + count};
    owed_.erase(owed_.begin(), owed_.begin() + count);
    for (const auto id : recent_)
        if (std::find(acks.begin(), acks.end(), id) == acks.end()) acks.push_back(id);
    if (acks.size() > kMaxAcks) acks.resize(kMaxAcks);
    recent_ = acks;
    if (acks.size() > most) acks.resize(most);
    return acks;
}

}  // namespace gatelab::openvpn
