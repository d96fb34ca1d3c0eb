#include "sim/peers/uml/agent/stream_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "sim/peers/uml/agent/kernel_calls.h"

namespace gatelab::sim::peers::uml::agent {
namespace {

constexpr int kAtOnce = 4;  // chunks that one stream may tell of before others have their turn

bool would_wait() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

StreamSocket::StreamSocket(Channel channel, FileDescriptor socket, State state, Readiness& readiness, const Tell& tell)
    : channel_(channel),
      socket_(std::move(socket)),
      readiness_(readiness),
      tell_(tell),
      connecting_(state == State::Connecting) {
    update_interest();
}

StreamSocket::~StreamSocket() {
    // A reset instead of an orderly end (tcp(7), SO_LINGER). UNIX sockets ignore it.
    const linger abort{1, 0};
    if (!(ended_ && finished_)) ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
}

void StreamSocket::handle(std::uint32_t ready) {
    if (connecting_) {
        if (ready & (EPOLLOUT | EPOLLERR | EPOLLHUP)) finish_connecting();
    } else {
        if (ready & (EPOLLIN | EPOLLERR | EPOLLHUP)) read();
        if (ready & EPOLLOUT) write();
    }
    update_interest();
}

void StreamSocket::take_data(const Data& data) {
    if (finishing_ || ended_) return;
    // The harness keeps to the credit that it has.
    if (waiting_.size() + data.bytes.size() > kStreamWindow) return end("more data than there is room for");
    append(waiting_, data.bytes);
    if (!connecting_) write();
    update_interest();
}

void StreamSocket::finish() {
    finishing_ = true;
    if (!connecting_) shut_down_when_written();
}

void StreamSocket::finish_connecting() {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return end(std::strerror(error));
    connecting_ = false;
    KernelAddress local, remote;
    ::getsockname(socket_.get(), local.get(), &local.size);
    ::getpeername(socket_.get(), remote.get(), &remote.size);
    const bool inet = local.address.sin_family == AF_INET;
    tell_(Connected{channel_, inet ? local.endpoint() : Endpoint{}, inet ? remote.endpoint() : Endpoint{}});
    write();
}

void StreamSocket::read() {
    std::array<std::uint8_t, kChunk> buffer;
    for (int i = 0; i < kAtOnce && !ended_; ++i) {
        const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got < 0 && would_wait()) return;
        if (got <= 0) return end(got == 0 ? "" : std::strerror(errno));
        tell_(Data{channel_, ByteView{buffer}.first(static_cast<std::size_t>(got))});
        if (static_cast<std::size_t>(got) < buffer.size()) return;
    }
}

void StreamSocket::write() {
    std::size_t written = 0;
    while (written < waiting_.size()) {
        const auto rest = ByteView{waiting_}.subspan(written);
        const auto sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && !would_wait()) return waiting_.clear(), end(std::strerror(errno));
        if (sent <= 0) break;
        written += static_cast<std::size_t>(sent);
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(written));
    if (written > 0) tell_(Credit{channel_, static_cast<std::uint32_t>(written), retransmissions()});
    shut_down_when_written();
}

void StreamSocket::shut_down_when_written() {
    if (!finishing_ || finished_ || !waiting_.empty()) return;
    finished_ = true;
    ::shutdown(socket_.get(), SHUT_WR);
}

void StreamSocket::end(const std::string& reason) {
    if (!std::exchange(ended_, true)) tell_(Closed{channel_, reason, retransmissions()});
}

void StreamSocket::update_interest() {
    std::uint32_t wanted = 0;
    if (connecting_ && !ended_) wanted = EPOLLOUT;
    if (!connecting_ && !ended_) wanted |= EPOLLIN;
    if (!connecting_ && !waiting_.empty()) wanted |= EPOLLOUT;
    readiness_.want(socket_.get(), channel_, wanted, interest_);
    interest_ = wanted;
}

std::uint32_t StreamSocket::retransmissions() const {
    tcp_info info{};
    socklen_t size = sizeof info;
    return ::getsockopt(socket_.get(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_total_retrans : 0;
}

}  // namespace gatelab::sim::peers::uml::agent
