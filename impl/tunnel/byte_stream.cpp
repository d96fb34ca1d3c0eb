#include "impl/tunnel/byte_stream.h"

#include <utility>

namespace gatelab::tunnel {

ByteStream::ByteStream(std::unique_ptr<TcpStream> stream, const Limits& limits, Callbacks callbacks)
    : stream_(std::move(stream)), limits_(limits), callbacks_(std::move(callbacks)) {
    stream_->set_callbacks({.connected =
                                [this] {
                                    if (callbacks_.connected) callbacks_.connected();
                                },
                            .received =
                                [this](ByteView bytes) {
                                    if (is_open()) callbacks_.received(bytes);
                                },
                            .writable = [this] { handle_writable(); },
                            .closed = [this](std::string why) { end(std::move(why)); }});
}

bool ByteStream::send(ByteView bytes) {
    if (!is_open() || waiting() > 2 * limits_.queue) return false;
    const auto taken = waiting() > 0 ? 0 : stream_->write(bytes);
    const auto rest = bytes.subspan(taken);
    waiting_.insert(waiting_.end(), rest.begin(), rest.end());
    was_full_ = was_full_ || !has_room();
    return true;
}

void ByteStream::handle_writable() {
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
    if (was_full_ && waiting() <= limits_.queue / 2) {
        was_full_ = false;
        if (room_) room_();
    }
}

void ByteStream::close() {
    if (std::exchange(closing_, true) || ended_) return;
    stream_->set_reading(true);  // to notice the peer's end
    if (waiting() == 0) stream_->close();
}

void ByteStream::fail(std::string why) {
    end(std::move(why));
    stream_->close();
}

void ByteStream::end(std::string why) {
    if (std::exchange(ended_, true)) return;
    if (callbacks_.closed) callbacks_.closed(std::move(why));
}

}  // namespace gatelab::tunnel
