#include "sim/peers/uml/agent/server.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "sim/peers/uml/agent/kernel_calls.h"

namespace gatelab::sim::peers::uml::agent {
namespace {

constexpr std::size_t kCongested = 256 * 1024;  // backlog at which sockets have to wait

template <class... Case>
struct Cases : Case... {
    using Case::operator()...;
};
template <class... Case>
Cases(Case...) -> Cases<Case...>;

FileDescriptor open_children() {
    sigset_t wanted;
    ::sigemptyset(&wanted);
    ::sigaddset(&wanted, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
    return FileDescriptor{::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK)};
}

void watch(int epoll, int descriptor, std::uint32_t events, std::uint32_t& before) {
    if (events == before) return;
    epoll_event event{events, {.fd = descriptor}};
    const int operation = before == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    ::epoll_ctl(epoll, operation, descriptor, &event);
    before = events;
}

}  // namespace

Server::Server(FileDescriptor wire, Configurer configure)
    : wire_(std::move(wire)),
      children_(open_children()),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      configure_(std::move(configure)),
      programs_([this](const Message& message) { tell(message); }),
      sockets_([this](const Message& message) { tell(message); }) {
    std::uint32_t none = 0;
    watch(epoll_.get(), children_.get(), EPOLLIN, none);
}

std::string Server::serve(const Hello& hello) {
    tell(hello);
    for (;;) {
        send();
        if (!broken_.empty()) return broken_;
        watch_what_matters();
        std::array<epoll_event, 3> events;
        const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), -1);
        for (int i = 0; i < count; ++i) {
            const int ready = events[i].data.fd;
            if (ready == wire_.get() && events[i].events != EPOLLOUT) receive();
            if (ready == sockets_.descriptor()) sockets_.handle_news();
            if (ready == children_.get()) {
                signalfd_siginfo news;
                (void)!::read(children_.get(), &news, sizeof news);
                programs_.reap();
            }
        }
    }
}

void Server::tell(const Message& message) { link_.queue(encode(message)); }

void Server::receive() {
    std::array<std::uint8_t, 2048> frame;
    do {
        const auto got = ::recv(wire_.get(), frame.data(), frame.size(), MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (got <= 0) {
            broken_ = got == 0 ? "the harness is gone" : std::strerror(errno);
            return;
        }
        const auto handled = link_.handle_frame(ByteView{frame}.first(static_cast<std::size_t>(got)));
        if (!handled) broken_ = handled.error().detail;
        while (const auto bytes = link_.next_message()) {
            const auto message = parse(*bytes);
            if (!message) broken_ = message.error().detail;
            if (!broken_.empty()) return;
            handle(*message);
        }
    } while (has_more(wire_.get()));
}

void Server::handle(const Message& message) {
    std::visit(
        Cases{[&](const Configure& one) { tell(Configured{configure_(one)}); },
              [&](const RunProgram& one) { programs_.run(one); },
              [&](const SignalProgram& one) { programs_.signal(one); },
              [&](const ConnectUnix& one) { sockets_.open(one); }, [&](const ConnectTcp& one) { sockets_.open(one); },
              [&](const ListenTcp& one) { sockets_.open(one); }, [&](const OpenUdp& one) { sockets_.open(one); },
              [&](const OpenRaw& one) { sockets_.open(one); }, [&](const Finish& one) { sockets_.handle(one); },
              [&](const Data& one) { sockets_.handle(one); }, [&](const Datagram& one) { sockets_.handle(one); },
              [&](const AskSource& one) {
                  tell(Source{one.channel, source_for(one.destination)});
              },
              [&](const Close& one) {
                  if (!programs_.close(one.channel)) sockets_.close(one.channel);
              },
              [&](const auto&) { broken_ = "the harness sent a message that is not its own"; }},
        message);
}

void Server::send() {
    for (;;) {
        if (unsent_.empty()) {
            const auto frame = link_.next_frame();
            if (!frame) return;
            unsent_.assign(frame->begin(), frame->end());
        }
        const auto sent = ::send(wire_.get(), unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)) return;
        if (sent < 0) {
            broken_ = std::strerror(errno);
            return;
        }
        unsent_.clear();
    }
}

// What the sockets tell must not pile up here: they wait while the harness is behind.
void Server::watch_what_matters() {
    watch(epoll_.get(), wire_.get(), unsent_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT, wire_interest_);
    watch(epoll_.get(), sockets_.descriptor(), link_.backlog() > kCongested ? 0u : EPOLLIN, sockets_interest_);
}

}  // namespace gatelab::sim::peers::uml::agent
