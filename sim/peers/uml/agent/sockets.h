// The sockets that the agent opens for the harness, by channel.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "sim/peers/file_descriptor.h"
#include "sim/peers/uml/agent/protocol.h"

namespace gatelab::sim::peers::uml::agent {

using Tell = std::function<void(const Message&)>;

// One open socket.
class Socket {
public:
    virtual ~Socket() = default;
    virtual void handle(std::uint32_t ready) = 0;  // EPOLLIN, EPOLLOUT and the like
    virtual void take_data(const Data&) {}
    virtual void take_datagram(const Datagram&) {}
    virtual void finish() {}
};

// Which sockets have something to do. A channel is never used twice, so old news cannot reach a new socket.
class Readiness {
public:
    Readiness();
    int descriptor() const { return epoll_.get(); }                              // readable when there is news
    void want(int socket, Channel, std::uint32_t events, std::uint32_t before);  // 0: nothing (any more)
    struct News {
        Channel channel;
        std::uint32_t events;
    };
    std::vector<News> news() const;

private:
    FileDescriptor epoll_;
};

class Sockets {
public:
    explicit Sockets(Tell tell) : tell_(std::move(tell)) {}

    int descriptor() const { return readiness_.descriptor(); }  // readable: call handle_news()
    void handle_news();

    void open(const ConnectUnix&);
    void open(const ConnectTcp&);
    void open(const ListenTcp&);
    void open(const OpenUdp&);
    void open(const OpenRaw&);
    void handle(const Data&);
    void handle(const Datagram&);
    void handle(const Finish&);
    void close(Channel channel) { open_.erase(channel); }

private:
    void add(Channel channel, std::unique_ptr<Socket> socket) { open_[channel] = std::move(socket); }
    void refuse(Channel);  // with errno
    Socket* find(Channel);
    Channel accept(FileDescriptor);

    Tell tell_;
    Readiness readiness_;
    std::map<Channel, std::unique_ptr<Socket>> open_;
    Channel next_accepted_ = 1;
};

// "Which address would packets to `destination` come from?" Unspecified when there is no route.
Ipv4Address source_for(Ipv4Address destination);

}  // namespace gatelab::sim::peers::uml::agent
