#include "sim/peers/namespace_card.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace gatelab::sim::peers {

NamespaceCard::NamespaceCard(Port& port, FileDescriptor card)
    : port_(port), card_(std::move(card)), ending_(::eventfd(0, EFD_CLOEXEC)) {
    // A card whose queue is full drops, as a card does.
    port_.on_packet(
        [descriptor = card_.get()](ByteView packet) { (void)!::write(descriptor, packet.data(), packet.size()); });
    reader_ = std::thread{[this] { carry(); }};
}

NamespaceCard::~NamespaceCard() {
    port_.on_packet({});
    (void)::eventfd_write(ending_.get(), 1);
    reader_.join();
}

void NamespaceCard::carry() {
    std::array<std::uint8_t, 65536> packet;
    for (;;) {
        pollfd waits[] = {{card_.get(), POLLIN, 0}, {ending_.get(), POLLIN, 0}};
        if (::poll(waits, 2, -1) < 0 && errno != EINTR) return;
        if (waits[1].revents) return;
        ssize_t size = 0;
        while ((size = ::read(card_.get(), packet.data(), packet.size())) > 0)
            port_.inject(ByteView{packet}.first(static_cast<std::size_t>(size)));
        if (size < 0 && errno != EAGAIN && errno != EINTR) return;  // the machine is gone
    }
}

}  // namespace gatelab::sim::peers
