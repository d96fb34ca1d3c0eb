#include "impl/ipsec/transport.h"

#include <algorithm>

namespace gatelab::ipsec {
namespace {

constexpr std::size_t kMarkerSize = 4;
constexpr std::size_t kEspHeaderSize = 8;
constexpr std::uint8_t kKeepalive = 0xff;

}  // namespace

Datagram classify(ByteView payload) {
    // RFC 3948 section 2.3: one octet of 0xFF, to be ignored.
    if (payload.size() == 1 && payload[0] == kKeepalive) return Datagram::Keepalive;
    if (payload.size() <= kMarkerSize) return Datagram::Junk;
    // Section 2.2: where ESP has its SPI, which is never zero, IKE has four zero octets.
    const auto marker = payload.first(kMarkerSize);
    if (std::all_of(marker.begin(), marker.end(), [](auto octet) { return octet == 0; })) return Datagram::Ike;
    return payload.size() < kEspHeaderSize ? Datagram::Junk : Datagram::Esp;
}

Result<std::unique_ptr<Transport>> Transport::open(Host& host, Ipv4Address local, Receiver& receiver) {
    auto ike = host.open_udp({local, kIkePort});
    if (!ike) return pass(ike);
    auto nat = host.open_udp({local, kNatPort});
    if (!nat) return pass(nat);
    auto esp = host.open_raw(IpProtocol::Esp);
    if (!esp) return pass(esp);

    auto transport = std::unique_ptr<Transport>(new Transport(local, receiver));
    auto* self = transport.get();
    self->ike_ = std::move(*ike);
    self->nat_ = std::move(*nat);
    self->esp_ = std::move(*esp);
    self->ike_->on_datagram([self](Endpoint remote, ByteView payload) {
        self->receiver_.receive_ike({{self->local_, kIkePort}, remote}, payload);
    });
    self->nat_->on_datagram([self](Endpoint remote, ByteView payload) { self->receive_on_nat_port(remote, payload); });
    self->esp_->on_packet([self](Ipv4Address remote, ByteView packet) {
        self->receiver_.receive_esp({{self->local_, 0}, {remote, 0}}, false, packet);
    });
    return transport;
}

void Transport::receive_on_nat_port(Endpoint remote, ByteView payload) {
    const ikev2::Path path{{local_, kNatPort}, remote};
    switch (classify(payload)) {
        case Datagram::Ike: return receiver_.receive_ike(path, payload);
        case Datagram::Esp: return receiver_.receive_esp(path, true, payload);
        case Datagram::Keepalive: return;
        case Datagram::Junk: return receiver_.receive_junk(path);
    }
}

Result<void> Transport::send_ike(const ikev2::Path& path, ByteView datagram) {
    auto& socket = path.local.port == kNatPort ? *nat_ : *ike_;
    return socket.send(path.remote, datagram);
}

Result<void> Transport::send_esp(const ikev2::Path& path, bool in_udp, ByteView packet) {
    return in_udp ? nat_->send(path.remote, packet) : esp_->send(path.remote.address, packet);
}

}  // namespace gatelab::ipsec
