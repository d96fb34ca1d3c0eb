#include "impl/tunnel/packet_stream.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace gatelab::tunnel {
namespace {

constexpr std::size_t kLengthSize = 2;

bool is_data_packet(ByteView packet) {
    const auto head = openvpn::head_of(packet);
    return head && openvpn::is_data(head->opcode);
}

}  // namespace

PacketStream::PacketStream(std::unique_ptr<TcpStream> stream, const Limits& limits, Callbacks callbacks)
    : stream_(std::move(stream)), limits_(limits), callbacks_(std::move(callbacks)), deframer_(limits.largest_packet) {
    stream_->set_callbacks({.connected =
                                [this] {
                                    if (callbacks_.connected) callbacks_.connected();
                                },
                            .received = [this](ByteView bytes) { handle_bytes(bytes); },
                            .writable = [this] { handle_writable(); },
                            .closed = [this](std::string why) { end(std::move(why)); }});
}

bool PacketStream::send(ByteView packet) {
    if (closing_ || ended_ || packet.empty() || packet.size() > std::numeric_limits<std::uint16_t>::max()) return false;
    if (waiting() > 2 * limits_.queue && !is_data_packet(packet)) return false;
    frame_.clear();
    frame_.push_back(static_cast<std::uint8_t>(packet.size() >> 8));
    frame_.push_back(static_cast<std::uint8_t>(packet.size()));
    frame_.insert(frame_.end(), packet.begin(), packet.end());
    return write(frame_);
}

// A frame goes out whole or waits whole: the stream would be broken otherwise.
bool PacketStream::write(ByteView frame) {
    const auto taken = waiting() > 0 ? 0 : stream_->write(frame);
    if (taken == frame.size()) return true;
    if (waiting() == 0) {
        waiting_.clear();
        sent_ = 0;
    }
    const auto rest = frame.subspan(taken);
    waiting_.insert(waiting_.end(), rest.begin(), rest.end());
    return true;
}

void PacketStream::handle_writable() {
    if (ended_) return;
    sent_ += stream_->write(ByteView{waiting_}.subspan(sent_));
    if (waiting() == 0) {
        waiting_.clear();
        sent_ = 0;
        if (closing_) stream_->close();
    } else if (sent_ > waiting_.size() / 2) {  // so that a queue that never empties does not grow for ever
        waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(sent_));
        sent_ = 0;
    }
}

void PacketStream::handle_bytes(ByteView bytes) {
    if (closing_ || ended_) return;
    const auto fed = deframer_.feed(bytes, [this](ByteSpan packet) {
        if (!closing_ && !ended_) callbacks_.received(packet);
    });
    if (fed || closing_ || ended_) return;
    end(fed.error().detail);
    stream_->close();
}

void PacketStream::close() {
    if (std::exchange(closing_, true) || ended_) return;
    if (waiting() == 0) stream_->close();
}

void PacketStream::end(std::string why) {
    if (std::exchange(ended_, true)) return;
    if (callbacks_.closed) callbacks_.closed(std::move(why));
}

}  // namespace gatelab::tunnel
