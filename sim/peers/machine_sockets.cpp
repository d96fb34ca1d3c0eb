#include "sim/peers/machine_sockets.h"

#include <fmt/format.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace gatelab::sim::peers {
namespace {

using Ready = SocketWatch::Ready;

constexpr int kAtOnce = 64;  // packets taken before other events have their turn

sockaddr_in to_kernel(Endpoint endpoint) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    address.sin_addr.s_addr = htonl(endpoint.address.number());
    return address;
}

Endpoint from_kernel(const sockaddr_in& address) {
    return {Ipv4Address{ntohl(address.sin_addr.s_addr)}, ntohs(address.sin_port)};
}

Result<void> send_to(int socket, Endpoint remote, ByteView payload) {
    const auto address = to_kernel(remote);
    const auto sent = ::sendto(socket, payload.data(), payload.size(), MSG_NOSIGNAL,
                               reinterpret_cast<const sockaddr*>(&address), sizeof address);
    // A full queue loses the datagram, as on any host.
    if (sent < 0 && errno != EAGAIN && errno != ENOBUFS)
        return fail(Fault::Io, fmt::format("{}: {}", to_string(remote.address), std::strerror(errno)));
    return {};
}

// What UDP and raw sockets share: whole packets, each with its sender.
class PacketSocket {
public:
    using Receiver = std::function<void(Endpoint, ByteView)>;

    PacketSocket(SocketWatch& watch, FileDescriptor socket)
        : socket_(std::move(socket)), watch_(watch.add(socket_.get(), [this](Ready) { receive(); })) {
        watch_->arm();
    }
    int socket() const { return socket_.get(); }
    void on_packet(Receiver receiver) { receiver_ = std::make_shared<Receiver>(std::move(receiver)); }

private:
    void receive() {
        const auto buffer = buffer_;
        for (int i = 0; i < kAtOnce; ++i) {
            const auto receiver = receiver_;  // it may replace itself, or close the socket
            sockaddr_in from{};
            socklen_t size = sizeof from;
            const auto got =
                ::recvfrom(socket_.get(), buffer->data(), buffer->size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
            if (got < 0) break;
            if (*receiver) (*receiver)(from_kernel(from), ByteView{*buffer}.first(static_cast<std::size_t>(got)));
            if (buffer.use_count() == 1) return;  // the socket has been closed meanwhile
        }
        watch_->arm();
    }

    FileDescriptor socket_;
    std::shared_ptr<Receiver> receiver_ = std::make_shared<Receiver>([](Endpoint, ByteView) {});
    std::shared_ptr<Bytes> buffer_ = std::make_shared<Bytes>(65536);
    std::unique_ptr<SocketWatch::Handle> watch_;
};

class MachineUdp final : public UdpSocket {
public:
    MachineUdp(SocketWatch& watch, FileDescriptor socket) : packets_(watch, std::move(socket)) {}
    Endpoint local() const override { return local_endpoint_of(packets_.socket()); }
    Result<void> send(Endpoint remote, ByteView payload) override {
        return send_to(packets_.socket(), remote, payload);
    }
    void on_datagram(Receiver receiver) override { packets_.on_packet(std::move(receiver)); }

private:
    PacketSocket packets_;
};

class MachineRaw final : public RawIp {
public:
    MachineRaw(SocketWatch& watch, FileDescriptor socket) : packets_(watch, std::move(socket)) {}
    Result<void> send(Ipv4Address remote, ByteView payload) override {
        return send_to(packets_.socket(), {remote, 0}, payload);
    }
    void on_packet(Receiver receiver) override {
        packets_.on_packet([receiver = std::move(receiver)](Endpoint from, ByteView packet) {
            // Raw sockets receive the IPv4 header, too (raw(7)).
            const std::size_t header = packet.empty() ? 0 : (packet[0] & 0x0fu) * 4u;
            if (receiver && header >= 20 && header <= packet.size()) receiver(from.address, packet.subspan(header));
        });
    }

private:
    PacketSocket packets_;
};

class MachineStream final : public TcpStream {
public:
    MachineStream(SocketWatch& watch, FileDescriptor socket, bool connecting)
        : socket_(std::move(socket)),
          connecting_(connecting),
          watch_(watch.add(socket_.get(), [this](Ready ready) { handle(ready); })) {
        remember_endpoints();
        watch_->arm(connecting_);
    }

    Endpoint local() const override { return local_; }
    Endpoint remote() const override { return remote_; }
    void set_callbacks(Callbacks callbacks) override {
        callbacks_ = std::make_shared<const Callbacks>(std::move(callbacks));
    }

    std::size_t write(ByteView bytes) override {
        if (ended_ || closing_) return 0;
        std::size_t taken = 0;
        if (!connecting_) {
            const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent > 0) taken = static_cast<std::size_t>(sent);
        }
        if (taken < bytes.size()) {
            full_ = true;
            watch_->arm(true);
        }
        return taken;
    }

    void close() override {
        closing_ = true;
        if (!connecting_) ::shutdown(socket_.get(), SHUT_WR);
    }

    std::uint64_t retransmissions() const override {
        tcp_info info{};
        socklen_t size = sizeof info;
        return ::getsockopt(socket_.get(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_total_retrans : 0;
    }

private:
    void remember_endpoints() {
        local_ = local_endpoint_of(socket_.get());
        sockaddr_in address{};
        socklen_t size = sizeof address;
        if (::getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0)
            remote_ = from_kernel(address);
    }

    void handle(Ready ready) {
        const std::weak_ptr<int> alive = alive_;
        if (connecting_ && ready.writable && !finish_connecting()) return;
        if (alive.expired()) return;
        if (!connecting_ && ready.readable) read();
        if (alive.expired() || ended_) return;
        if (full_ && ready.writable) {
            full_ = false;
            if (const auto told = callbacks_; told->writable) told->writable();
        }
        if (!alive.expired() && !ended_) watch_->arm(full_ || connecting_);
    }

    bool finish_connecting() {
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) return end(std::strerror(error)), false;
        connecting_ = false;
        remember_endpoints();
        if (closing_) ::shutdown(socket_.get(), SHUT_WR);
        if (const auto told = callbacks_; told->connected) told->connected();
        return true;
    }

    void read() {
        const std::weak_ptr<int> alive = alive_;
        const auto buffer = buffer_;
        for (int i = 0; i < kAtOnce && !alive.expired() && !ended_; ++i) {
            const auto got = ::recv(socket_.get(), buffer->data(), buffer->size(), 0);
            if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
            if (got <= 0) return end(got == 0 ? "" : std::strerror(errno));
            if (const auto told = callbacks_; told->received)
                told->received(ByteView{*buffer}.first(static_cast<std::size_t>(got)));
        }
    }

    void end(const std::string& why) {
        ended_ = true;
        if (const auto told = callbacks_; told->closed) told->closed(why);
    }

    FileDescriptor socket_;
    Endpoint local_, remote_;
    // Shared with the calls under way: a callback may replace the callbacks, or abort the stream.
    std::shared_ptr<const Callbacks> callbacks_ = std::make_shared<const Callbacks>();
    std::shared_ptr<Bytes> buffer_ = std::make_shared<Bytes>(65536);
    bool connecting_, full_ = false, closing_ = false, ended_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>();
    std::unique_ptr<SocketWatch::Handle> watch_;
};

class MachineListener final : public TcpListener {
public:
    MachineListener(SocketWatch& watch, FileDescriptor socket)
        : socket_(std::move(socket)), sockets_(watch), watch_(watch.add(socket_.get(), [this](Ready) { accept(); })) {
        watch_->arm();
    }
    void on_accept(Acceptor acceptor) override { acceptor_ = std::move(acceptor); }

private:
    void accept() {
        FileDescriptor socket{::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
        watch_->arm();
        if (socket && acceptor_) acceptor_(make_machine_stream(sockets_, std::move(socket), false));
    }
    FileDescriptor socket_;
    SocketWatch& sockets_;
    Acceptor acceptor_;
    std::unique_ptr<SocketWatch::Handle> watch_;
};

}  // namespace

KernelAddress::KernelAddress(Endpoint endpoint) {
    const auto address = to_kernel(endpoint);
    static_assert(sizeof address == sizeof octets);
    std::memcpy(octets, &address, sizeof address);
}

Endpoint local_endpoint_of(int socket) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
    return from_kernel(address);
}

std::unique_ptr<UdpSocket> make_machine_udp(SocketWatch& watch, FileDescriptor socket) {
    return std::make_unique<MachineUdp>(watch, std::move(socket));
}
std::unique_ptr<RawIp> make_machine_raw(SocketWatch& watch, FileDescriptor socket) {
    return std::make_unique<MachineRaw>(watch, std::move(socket));
}
std::unique_ptr<TcpStream> make_machine_stream(SocketWatch& watch, FileDescriptor socket, bool connecting) {
    return std::make_unique<MachineStream>(watch, std::move(socket), connecting);
}
std::unique_ptr<TcpListener> make_machine_listener(SocketWatch& watch, FileDescriptor socket) {
    return std::make_unique<MachineListener>(watch, std::move(socket));
}

}  // namespace gatelab::sim::peers
