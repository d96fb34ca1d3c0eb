#include "impl/gateway/packet_port.h"

#include <utility>

#include "impl/tunnel/packet_stream.h"

namespace gatelab::gateway {
namespace {

using openvpn::ConnectionId;

class UdpPort final : public PacketPort {
public:
    UdpPort(std::unique_ptr<UdpSocket> socket, Owner& owner) : socket_(std::move(socket)) {
        socket_->on_datagram([&owner](Endpoint from, ByteView packet) { owner.handle_packet(from, packet); });
    }
    void send(const Peer& to, ByteView packet) override {
        // No route, or no room: a datagram may be lost, and OpenVPN repeats what matters.
        if (const auto* endpoint = std::get_if<Endpoint>(&to)) (void)socket_->send(*endpoint, packet);
    }
    Endpoint endpoint_of(const Peer& peer) const override {
        const auto* endpoint = std::get_if<Endpoint>(&peer);
        return endpoint ? *endpoint : Endpoint{};
    }

private:
    std::unique_ptr<UdpSocket> socket_;
};

using Connections = TcpConnections<tunnel::PacketStream, ConnectionId>;

class TcpPort final : public PacketPort, private Connections::Owner {
public:
    TcpPort(Host& host, std::unique_ptr<TcpListener> listener, const TcpPortOptions& options, PacketPort::Owner& owner)
        : owner_(owner),
          connections_(host, std::move(listener), options.bounds, {.largest_packet = options.largest_packet}, *this) {}

    bool has_room(const Peer& peer) const override {
        const auto* stream = const_cast<TcpPort*>(this)->find(peer);
        return stream && stream->has_room();
    }
    void send(const Peer& to, ByteView packet) override {
        if (auto* stream = find(to)) stream->send(packet);
    }
    Endpoint endpoint_of(const Peer& peer) const override {
        const auto* id = std::get_if<ConnectionId>(&peer);
        return id ? connections_.endpoint_of(*id) : Endpoint{};
    }
    void close(ConnectionId id) override { connections_.close(id); }
    void trust(ConnectionId id) override {
        connections_.trust(id);
        connections_.settle(id);
    }
    std::uint64_t refused() const override { return connections_.refused(); }

private:
    tunnel::PacketStream* find(const Peer& peer) {
        const auto* id = std::get_if<ConnectionId>(&peer);
        return id ? connections_.find(*id) : nullptr;
    }
    void handle_received(ConnectionId id, ByteView packet) override { owner_.handle_packet(id, packet); }
    void handle_disconnect(ConnectionId id, const std::string&) override { owner_.handle_disconnect(id); }

    PacketPort::Owner& owner_;
    Connections connections_;
};

}  // namespace

Result<std::unique_ptr<PacketPort>> open_udp_port(Host& host, Endpoint local, PacketPort::Owner& owner) {
    auto socket = host.open_udp(local);
    if (!socket) return pass(socket);
    return std::make_unique<UdpPort>(std::move(*socket), owner);
}

Result<std::unique_ptr<PacketPort>> open_tcp_port(Host& host, Endpoint local, const TcpPortOptions& options,
                                                  PacketPort::Owner& owner) {
    auto listener = host.listen_tcp(local);
    if (!listener) return pass(listener);
    return std::make_unique<TcpPort>(host, std::move(*listener), options, owner);
}

}  // namespace gatelab::gateway
