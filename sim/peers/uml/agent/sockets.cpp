#include "sim/peers/uml/agent/sockets.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "sim/peers/uml/agent/kernel_calls.h"
#include "sim/peers/uml/agent/stream_socket.h"

namespace gatelab::sim::peers::uml::agent {
namespace {

using State = StreamSocket::State;

constexpr int kAtOnce = 64;  // packets that one socket may tell of before others have their turn

FileDescriptor open_socket(int family, int type, int protocol = 0) {
    return FileDescriptor{::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol)};
}

bool bind_to(const FileDescriptor& socket, Endpoint local) {
    KernelAddress address{local};
    return ::bind(socket.get(), address.get(), address.size) == 0;
}

// UDP and raw IP: whole packets, each with its sender.
class PacketSocket final : public Socket {
public:
    PacketSocket(Channel channel, FileDescriptor socket, bool raw, Readiness& readiness, const Tell& tell)
        : channel_(channel), socket_(std::move(socket)), raw_(raw), tell_(tell) {
        readiness.want(socket_.get(), channel_, EPOLLIN, 0);
    }

    void take_datagram(const Datagram& datagram) override {
        KernelAddress to{datagram.remote};
        // No route, a full queue: a datagram may get lost on any host.
        (void)!::sendto(socket_.get(), datagram.bytes.data(), datagram.bytes.size(), MSG_NOSIGNAL, to.get(), to.size);
    }

    void handle(std::uint32_t) override {
        static std::array<std::uint8_t, 65536> buffer;
        int count = 0;
        do {
            KernelAddress from;
            const auto got = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), 0, from.get(), &from.size);
            if (got < 0) return;  // an ICMP error about a datagram sent before
            auto packet = ByteView{buffer}.first(static_cast<std::size_t>(got));
            // Raw sockets receive the IPv4 header, too (raw(7)).
            const std::size_t header = !raw_ ? 0 : packet.empty() ? 1 : (packet[0] & 0x0fu) * 4u;
            if (header > packet.size()) continue;
            const Endpoint remote{from.endpoint().address, raw_ ? std::uint16_t{0} : from.endpoint().port};
            tell_(Datagram{channel_, remote, packet.subspan(header)});
        } while (++count < kAtOnce && has_more(socket_.get()));
    }

private:
    const Channel channel_;
    const FileDescriptor socket_;
    const bool raw_;
    const Tell& tell_;
};

class ListeningSocket final : public Socket {
public:
    ListeningSocket(Channel channel, FileDescriptor socket, Readiness& readiness, const Tell& tell,
                    std::function<Channel(FileDescriptor)> accept)
        : channel_(channel), socket_(std::move(socket)), tell_(tell), accept_(std::move(accept)) {
        readiness.want(socket_.get(), channel_, EPOLLIN, 0);
    }
    void handle(std::uint32_t) override {
        KernelAddress local, remote;
        FileDescriptor one{::accept4(socket_.get(), remote.get(), &remote.size, SOCK_CLOEXEC | SOCK_NONBLOCK)};
        if (!one) return;
        ::getsockname(one.get(), local.get(), &local.size);
        const auto stream = accept_(std::move(one));
        tell_(Accepted{channel_, stream, local.endpoint(), remote.endpoint()});
    }

private:
    const Channel channel_;
    const FileDescriptor socket_;
    const Tell& tell_;
    const std::function<Channel(FileDescriptor)> accept_;
};

}  // namespace

Readiness::Readiness() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

void Readiness::want(int socket, Channel channel, std::uint32_t events, std::uint32_t before) {
    if (events == before) return;
    epoll_event event{events, {.u64 = channel}};
    const int operation = before == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    ::epoll_ctl(epoll_.get(), operation, socket, &event);
}

std::vector<Readiness::News> Readiness::news() const {
    std::array<epoll_event, 32> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), 0);
    std::vector<News> all;
    for (int i = 0; i < count; ++i) all.push_back({static_cast<Channel>(events[i].data.u64), events[i].events});
    return all;
}

void Sockets::handle_news() {
    for (const auto& news : readiness_.news())
        if (auto* socket = find(news.channel)) socket->handle(news.events);
}

Socket* Sockets::find(Channel channel) {
    const auto found = open_.find(channel);
    return found == open_.end() ? nullptr : found->second.get();
}

void Sockets::refuse(Channel channel) { tell_(Closed{channel, std::strerror(errno), 0}); }

void Sockets::open(const ConnectUnix& order) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    errno = ENAMETOOLONG;
    if (order.path.size() >= sizeof address.sun_path) return refuse(order.channel);
    order.path.copy(address.sun_path, sizeof address.sun_path - 1);
    auto socket = open_socket(AF_UNIX, SOCK_STREAM);
    if (!socket || ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        return refuse(order.channel);
    tell_(Connected{order.channel, {}, {}});
    add(order.channel,
        std::make_unique<StreamSocket>(order.channel, std::move(socket), State::Open, readiness_, tell_));
}

void Sockets::open(const ConnectTcp& order) {
    auto socket = open_socket(AF_INET, SOCK_STREAM);
    KernelAddress remote{order.remote};
    if (!socket || (::connect(socket.get(), remote.get(), remote.size) != 0 && errno != EINPROGRESS))
        return refuse(order.channel);
    add(order.channel,
        std::make_unique<StreamSocket>(order.channel, std::move(socket), State::Connecting, readiness_, tell_));
}

void Sockets::open(const ListenTcp& order) {
    auto socket = open_socket(AF_INET, SOCK_STREAM);
    if (!socket || !bind_to(socket, order.local) || ::listen(socket.get(), SOMAXCONN) != 0)
        return refuse(order.channel);
    add(order.channel,
        std::make_unique<ListeningSocket>(order.channel, std::move(socket), readiness_, tell_,
                                          [this](FileDescriptor one) { return accept(std::move(one)); }));
}

Channel Sockets::accept(FileDescriptor socket) {
    const auto channel = next_accepted_;
    next_accepted_ += 2;
    add(channel, std::make_unique<StreamSocket>(channel, std::move(socket), State::Open, readiness_, tell_));
    return channel;
}

void Sockets::open(const OpenUdp& order) {
    auto socket = open_socket(AF_INET, SOCK_DGRAM);
    if (!socket || !bind_to(socket, order.local)) return refuse(order.channel);
    add(order.channel, std::make_unique<PacketSocket>(order.channel, std::move(socket), false, readiness_, tell_));
}

void Sockets::open(const OpenRaw& order) {
    auto socket = open_socket(AF_INET, SOCK_RAW, order.protocol);
    if (!socket) return refuse(order.channel);
    add(order.channel, std::make_unique<PacketSocket>(order.channel, std::move(socket), true, readiness_, tell_));
}

void Sockets::handle(const Data& data) {
    if (auto* socket = find(data.channel)) socket->take_data(data);
}

void Sockets::handle(const Datagram& datagram) {
    if (auto* socket = find(datagram.channel)) socket->take_datagram(datagram);
}

void Sockets::handle(const Finish& order) {
    if (auto* socket = find(order.channel)) socket->finish();
}

Ipv4Address source_for(Ipv4Address destination) {
    // Connecting a datagram socket sends nothing, but makes the kernel choose.
    const auto socket = open_socket(AF_INET, SOCK_DGRAM);
    KernelAddress remote{{destination, 9}}, local;
    if (!socket || ::connect(socket.get(), remote.get(), remote.size) != 0) return {};
    ::getsockname(socket.get(), local.get(), &local.size);
    return local.endpoint().address;
}

}  // namespace gatelab::sim::peers::uml::agent
