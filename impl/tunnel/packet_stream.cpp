#include "impl/tunnel/packet_stream.h"

#include <limits>
#include <utility>

namespace gatelab::tunnel {
namespace {

bool is_data_packet(ByteView packet) {
    const auto head = openvpn::head_of(packet);
    return head && openvpn::is_data(head->opcode);
}

}  // namespace

PacketStream::PacketStream(std::unique_ptr<TcpStream> stream, const Limits& limits, Callbacks callbacks)
    : received_(std::move(callbacks.received)),
      deframer_(limits.largest_packet),
      stream_(std::move(stream), {.queue = limits.queue},
              {.connected = std::move(callbacks.connected),
               .received = [this](ByteView bytes) { handle_bytes(bytes); },
               .closed = std::move(callbacks.closed)}) {}

bool PacketStream::send(ByteView packet) {
    if (packet.empty() || packet.size() > std::numeric_limits<std::uint16_t>::max()) return false;
    frame_.clear();
    frame_.push_back(static_cast<std::uint8_t>(packet.size() >> 8));
    frame_.push_back(static_cast<std::uint8_t>(packet.size()));
    frame_.insert(frame_.end(), packet.begin(), packet.end());
    if (stream_.send(frame_)) return true;
    if (is_data_packet(packet)) stream_.close();  // a gap in the packet ids: nothing after it would be taken
    return false;
}

void PacketStream::handle_bytes(ByteView bytes) {
    const auto fed = deframer_.feed(bytes, [this](ByteSpan packet) {
        if (stream_.is_open()) received_(packet);
    });
    if (!fed && stream_.is_open()) stream_.fail(fed.error().detail);
}

}  // namespace gatelab::tunnel
