#include "sim/peers/machine_host.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "sim/peers/machine_sockets.h"

namespace gatelab::sim::peers {
namespace {

bool bind_to(int socket, Endpoint local) {
    const KernelAddress address{local};
    return ::bind(socket, reinterpret_cast<const sockaddr*>(address.octets), sizeof address.octets) == 0;
}

tl::unexpected<Error> refused(const std::string& name, Endpoint endpoint) {
    return fail(Fault::Refused, fmt::format("{}: {}: {}", name, to_string(endpoint), std::strerror(errno)));
}

}  // namespace

MachineHost::MachineHost(Network& network, Warden& warden, MachineId machine, SocketWatch& watch, Options options)
    : network_(network),
      warden_(warden),
      machine_(machine),
      watch_(watch),
      name_(std::move(options.name)),
      epoch_(options.epoch),
      random_(options.seed, "machine/" + name_),
      routes_(warden, machine) {}

MachineHost::~MachineHost() = default;

Result<FileDescriptor> MachineHost::open(int type, int protocol) {
    return warden_.open_socket(machine_, AF_INET, type, protocol);
}

Instant MachineHost::now() const { return epoch_ + network_.now(); }

Timer MachineHost::call_at(Instant at, std::function<void()> call) {
    return network_.call_at(at - epoch_, std::move(call));
}

Result<std::unique_ptr<UdpSocket>> MachineHost::open_udp(Endpoint local) {
    auto socket = open(SOCK_DGRAM);
    if (!socket) return pass(socket);
    if (!bind_to(socket->get(), local)) return refused(name_, local);
    return make_machine_udp(watch_, std::move(*socket));
}

Result<std::unique_ptr<TcpListener>> MachineHost::listen_tcp(Endpoint local) {
    auto socket = open(SOCK_STREAM);
    if (!socket) return pass(socket);
    if (!bind_to(socket->get(), local) || ::listen(socket->get(), SOMAXCONN) != 0) return refused(name_, local);
    return make_machine_listener(watch_, std::move(*socket));
}

Result<std::unique_ptr<TcpStream>> MachineHost::connect_tcp(Endpoint remote) {
    auto socket = open(SOCK_STREAM);
    if (!socket) return pass(socket);
    const KernelAddress address{remote};
    if (::connect(socket->get(), reinterpret_cast<const sockaddr*>(address.octets), sizeof address.octets) != 0 &&
        errno != EINPROGRESS)
        return refused(name_, remote);
    return make_machine_stream(watch_, std::move(*socket), true);
}

Result<std::unique_ptr<RawIp>> MachineHost::open_raw(IpProtocol protocol) {
    auto socket = open(SOCK_RAW, static_cast<int>(protocol));
    if (!socket) return pass(socket);
    return make_machine_raw(watch_, std::move(*socket));
}

Result<std::unique_ptr<TunDevice>> MachineHost::open_tun(const TunConfig&) {
    return fail(Fault::Unsupported, name_ + ": a real program's machine has no tunnel device of ours");
}

void MachineHost::emit(std::string_view component, Trace trace) { network_.emit(name_, component, std::move(trace)); }

Result<void> MachineHost::Routes::add(const Route&) {
    return fail(Fault::Unsupported, "the routes of a real program's machine are its own");
}

Result<Route> MachineHost::Routes::lookup(Ipv4Address) const {
    return fail(Fault::Unsupported, "the routes of a real program's machine are its own");
}

Result<Ipv4Address> MachineHost::Routes::source_for(Ipv4Address destination) const {
    // Connecting a datagram socket sends nothing, but makes the kernel choose.
    auto socket = warden_.open_socket(machine_, AF_INET, SOCK_DGRAM, 0);
    if (!socket) return pass(socket);
    const KernelAddress address{{destination, 9}};
    if (::connect(socket->get(), reinterpret_cast<const sockaddr*>(address.octets), sizeof address.octets) != 0)
        return fail(Fault::Io, fmt::format("{}: {}", to_string(destination), std::strerror(errno)));
    return local_endpoint_of(socket->get()).address;
}

}  // namespace gatelab::sim::peers
