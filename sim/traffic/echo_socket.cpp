#include "sim/traffic/echo_socket.h"

namespace gatelab::sim {

bool EchoSocket::send(Ipv4Address target, ByteView message) {
    if (!socket_) {
        auto opened = host_.open_raw(IpProtocol::Icmp);
        if (!opened) return false;
        socket_ = std::move(*opened);
        socket_->on_packet([this](Ipv4Address, ByteView received) { handle(received); });
    }
    return socket_->send(target, message).has_value();
}

void EchoSocket::listen(std::uint16_t identifier, Receiver receiver) { receivers_[identifier] = std::move(receiver); }

void EchoSocket::handle(ByteView message) const {
    constexpr std::uint8_t kEchoReply = 0;  // RFC 792
    ByteReader reader{message};
    const auto type = reader.u8();
    reader.skip(3);
    const auto receiver = receivers_.find(reader.u16());
    if (reader.ok() && type == kEchoReply && receiver != receivers_.end()) receiver->second(message);
}

}  // namespace gatelab::sim
