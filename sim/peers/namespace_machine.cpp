#include "sim/peers/namespace_machine.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace gatelab::sim::peers {

Result<std::unique_ptr<NamespaceMachine>> NamespaceMachine::attach(Warden& warden, Port& port, const MachineSpec& spec) {
    auto card = warden.add_machine(spec);
    if (!card) return pass(card);
    FileDescriptor ending{::eventfd(0, EFD_CLOEXEC)};
    if (!ending) return fail(Fault::Unavailable, fmt::format("eventfd: {}", std::strerror(errno)));
    return std::unique_ptr<NamespaceMachine>{new NamespaceMachine{warden, port, std::move(*card), std::move(ending)}};
}

NamespaceMachine::NamespaceMachine(Warden& warden, Port& port, AttachedMachine card, FileDescriptor ending)
    : warden_(warden), port_(port), card_(std::move(card)), ending_(std::move(ending)) {
    // A card whose queue is full drops, as a card does.
    port_.on_packet(
        [descriptor = card_.card.get()](ByteView packet) { (void)!::write(descriptor, packet.data(), packet.size()); });
    reader_ = std::thread{[this] { carry(); }};
}

NamespaceMachine::~NamespaceMachine() {
    port_.on_packet({});
    (void)::eventfd_write(ending_.get(), 1);
    reader_.join();
}

void NamespaceMachine::carry() {
    std::array<std::uint8_t, 65536> packet;
    for (;;) {
        pollfd waits[] = {{card_.card.get(), POLLIN, 0}, {ending_.get(), POLLIN, 0}};
        if (::poll(waits, 2, -1) < 0 && errno != EINTR) return;
        if (waits[1].revents) return;
        ssize_t size = 0;
        while ((size = ::read(card_.card.get(), packet.data(), packet.size())) > 0)
            port_.inject(ByteView{packet}.first(static_cast<std::size_t>(size)));
        if (size < 0 && errno != EAGAIN && errno != EINTR) return;  // the machine is gone
    }
}

}  // namespace gatelab::sim::peers
