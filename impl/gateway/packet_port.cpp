#include "impl/gateway/packet_port.h"

#include <map>
#include <set>
#include <utility>

#include "impl/tunnel/packet_stream.h"

namespace gatelab::gateway {
namespace {

using openvpn::ConnectionId;

constexpr Duration kLinger = std::chrono::seconds(10);  // for the peer to close its side, too

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

class TcpPort final : public PacketPort {
public:
    TcpPort(Host& host, std::unique_ptr<TcpListener> listener, const TcpPortOptions& options, Owner& owner)
        : host_(host), options_(options), owner_(owner), listener_(std::move(listener)) {
        listener_->on_accept([this](std::unique_ptr<TcpStream> stream) { accept(std::move(stream)); });
    }

    bool has_room(const Peer& peer) const override {
        const auto* connection = const_cast<TcpPort*>(this)->find(peer);
        return connection && connection->stream->has_room();
    }
    void send(const Peer& to, ByteView packet) override {
        if (auto* connection = find(to)) connection->stream->send(packet);
    }
    Endpoint endpoint_of(const Peer& peer) const override {
        const auto* connection = const_cast<TcpPort*>(this)->find(peer);
        return connection ? connection->remote : Endpoint{};
    }
    void close(ConnectionId id) override {
        untrusted_.erase(id);
        auto* connection = find(id);
        if (!connection || connection->linger) return;
        connection->stream->close();
        connection->linger = host_.call_at(host_.now() + kLinger, [this, id] { handle_closed(id); });
    }
    void trust(ConnectionId id) override { untrusted_.erase(id); }
    std::uint64_t refused() const override { return refused_; }

private:
    struct Connection {
        std::unique_ptr<tunnel::PacketStream> stream;
        Endpoint remote;
        Instant since;
        Timer linger;  // once it is being closed
    };

    Connection* find(const Peer& peer) {
        const auto* id = std::get_if<ConnectionId>(&peer);
        const auto at = id ? connections_.find(*id) : connections_.end();
        return at == connections_.end() ? nullptr : &at->second;
    }
    void accept(std::unique_ptr<TcpStream>);
    void handle_closed(ConnectionId);
    void drop(ConnectionId);
    void drop_the_silent();
    void watch_the_silent();

    Host& host_;
    const TcpPortOptions options_;
    Owner& owner_;
    std::uint64_t last_ = 0, refused_ = 0;
    std::map<ConnectionId, Connection> connections_;
    std::set<ConnectionId> untrusted_;  // ids ascend with time: the oldest first
    std::set<ConnectionId> gone_;       // to be destroyed outside of their own callbacks
    Timer silence_, burial_;
    std::unique_ptr<TcpListener> listener_;
};

void TcpPort::accept(std::unique_ptr<TcpStream> stream) {
    if (connections_.size() - gone_.size() >= options_.connections) {
        ++refused_;
        return;  // destroyed, and thereby reset
    }
    if (untrusted_.size() >= options_.untrusted) {
        ++refused_;
        drop(*untrusted_.begin());
    }
    const ConnectionId id{++last_};
    auto& connection = connections_[id];
    connection.remote = stream->remote();
    connection.since = host_.now();
    connection.stream = std::make_unique<tunnel::PacketStream>(
        std::move(stream), tunnel::PacketStream::Limits{.largest_packet = options_.largest_packet},
        tunnel::PacketStream::Callbacks{.connected = {},
                                        .received = [this, id](ByteView packet) { owner_.handle_packet(id, packet); },
                                        .closed = [this, id](const std::string&) { handle_closed(id); }});
    untrusted_.insert(id);
    watch_the_silent();
}

void TcpPort::handle_closed(ConnectionId id) {
    untrusted_.erase(id);
    if (!gone_.insert(id).second) return;
    burial_ = host_.call_at(host_.now(), [this] {
        for (const auto dead : std::exchange(gone_, {})) connections_.erase(dead);
    });
    owner_.handle_disconnect(id);
}

void TcpPort::drop(ConnectionId id) {
    if (auto* connection = find(id)) connection->stream->close();
    handle_closed(id);
}

void TcpPort::watch_the_silent() {
    if (silence_ || untrusted_.empty()) return;
    const auto& oldest = connections_.at(*untrusted_.begin());
    silence_ = host_.call_at(oldest.since + options_.patience, [this] { drop_the_silent(); });
}

void TcpPort::drop_the_silent() {
    while (!untrusted_.empty()) {
        const auto oldest = *untrusted_.begin();
        if (connections_.at(oldest).since + options_.patience > host_.now()) break;
        ++refused_;
        drop(oldest);
    }
    silence_.reset();
    watch_the_silent();
}

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
