#include "sim/peers/uml/guest_card.h"

namespace gatelab::sim::peers::uml {
namespace {

constexpr std::uint16_t kIpv4 = 0x0800;
constexpr std::size_t kHeader = 14, kLargestPacket = 1500;
constexpr std::size_t kWaiting = 1000;  // as a Linux card's own queue
constexpr Duration kRetry = std::chrono::microseconds(10);

Bytes header() {
    ByteWriter writer;
    writer.bytes(kNetworkMac).bytes(kNeighbourMac).u16(kIpv4);
    return writer.take();
}

}  // namespace

GuestCard::GuestCard(Port& port, Card& card, GuestClock clock)
    : port_(port), card_(card), clock_(std::move(clock)), frame_(header()) {
    port_.on_packet([this](ByteView packet) { deliver(packet); });
    card_.on_frame([this](ByteView frame) { handle(frame); });
}

GuestCard::~GuestCard() {
    port_.on_packet({});
    card_.on_frame({});
}

void GuestCard::deliver(ByteView packet) {
    if (!open_) return;
    if (packet.size() > kLargestPacket) return void(++counters_.oversized);
    frame_.resize(kHeader);
    append(frame_, packet);
    if (waiting_.empty() && card_.send(frame_)) return void(++counters_.in);
    if (waiting_.size() == kWaiting) return void(++counters_.overflowed);
    waiting_.push_back(frame_);
    if (!retry_) retry_ = clock_.call_at(clock_.now() + kRetry, [this] { retry(); });
}

void GuestCard::retry() {
    retry_.reset();
    for (; !waiting_.empty() && card_.send(waiting_.front()); ++counters_.in) waiting_.pop_front();
    if (!waiting_.empty()) retry_ = clock_.call_at(clock_.now() + kRetry, [this] { retry(); });
}

void GuestCard::handle(ByteView frame) {
    ByteReader reader{frame};
    reader.skip(12);
    if (reader.u16() != kIpv4 || !reader.ok()) return void(++counters_.foreign);
    ++counters_.out;
    port_.inject(reader.rest());
}

}  // namespace gatelab::sim::peers::uml
