#include "sim/peers/socket_watch.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>

namespace gatelab::sim::peers {

SocketWatch::SocketWatch(Network& network)
    : network_(network), poll_(::epoll_create1(EPOLL_CLOEXEC)), ending_(::eventfd(0, EFD_CLOEXEC)) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = 0;
    ::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, ending_.get(), &event);
    thread_ = std::thread{[this] { wait(); }};
}

SocketWatch::~SocketWatch() {
    (void)::eventfd_write(ending_.get(), 1);
    thread_.join();
}

std::unique_ptr<SocketWatch::Handle> SocketWatch::add(int descriptor, Callback callback) {
    const auto id = next_++;
    table_->callbacks.emplace(id, std::make_shared<Callback>(std::move(callback)));
    epoll_event event{};
    event.events = EPOLLONESHOT;
    event.data.u64 = id;
    ::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, descriptor, &event);
    ::epoll_ctl(poll_.get(), EPOLL_CTL_MOD, descriptor, &event);
    return std::make_unique<Handle>(*this, id, descriptor);
}

void SocketWatch::Handle::arm(bool for_writing) {
    epoll_event event{};
    event.events = EPOLLONESHOT | EPOLLIN | (for_writing ? EPOLLOUT : 0u);
    event.data.u64 = id_;
    ::epoll_ctl(watch_.poll_.get(), EPOLL_CTL_MOD, descriptor_, &event);
}

SocketWatch::Handle::~Handle() {
    ::epoll_ctl(watch_.poll_.get(), EPOLL_CTL_DEL, descriptor_, nullptr);
    watch_.table_->callbacks.erase(id_);
}

void SocketWatch::wait() {
    std::array<epoll_event, 16> events;
    for (;;) {
        const int count = ::epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), -1);
        if (count < 0 && errno != EINTR) return;
        for (int i = 0; i < count; ++i) {
            const auto& event = events[static_cast<std::size_t>(i)];
            if (event.data.u64 == 0) return;
            const bool broken = event.events & (EPOLLERR | EPOLLHUP);
            const Ready ready{broken || (event.events & EPOLLIN), broken || (event.events & EPOLLOUT)};
            network_.post([table = std::weak_ptr{table_}, id = event.data.u64, ready] {
                const auto alive = table.lock();
                if (!alive) return;
                const auto found = alive->callbacks.find(id);
                if (found == alive->callbacks.end()) return;
                const auto callback = found->second;  // it may remove itself
                (*callback)(ready);
            });
        }
    }
}

}  // namespace gatelab::sim::peers
