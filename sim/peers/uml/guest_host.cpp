#include "sim/peers/uml/guest_host.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/peers/uml/guest_sockets.h"
#include "sim/peers/uml/guest_stream.h"

namespace gatelab::sim::peers::uml {
namespace {

std::function<void()> giving_back(const std::shared_ptr<PortBook>& book, Endpoint local) {
    return [book, local] { book->give_back(local); };
}

}  // namespace

bool PortBook::clashes(Endpoint wanted) const {
    return std::any_of(taken_.begin(), taken_.end(), [&](const Endpoint& one) {
        return one.port == wanted.port &&
               (one.address == wanted.address || one.address.is_unspecified() || wanted.address.is_unspecified());
    });
}

Result<Endpoint> PortBook::take(Endpoint wanted) {
    if (wanted.port == 0) {
        for (int tries = 0; tries < 0x10000 - kFirst; ++tries) {
            wanted.port = next_;
            next_ = next_ == 0xffff ? kFirst : static_cast<std::uint16_t>(next_ + 1);
            if (!clashes(wanted)) break;
        }
    }
    if (clashes(wanted)) return fail(Fault::Refused, to_string(wanted) + ": the port is taken");
    taken_.push_back(wanted);
    return wanted;
}

void PortBook::give_back(Endpoint endpoint) {
    const auto found = std::find(taken_.begin(), taken_.end(), endpoint);
    if (found != taken_.end()) taken_.erase(found);
}

GuestHost::GuestHost(Network& network, ControlChannel& control, std::string name, Instant epoch, std::uint64_t seed)
    : network_(network),
      control_(control),
      name_(std::move(name)),
      epoch_(epoch),
      random_(seed, "machine/" + name_),
      routes_(control) {}

Timer GuestHost::call_at(Instant at, std::function<void()> call) {
    return network_.call_at(at - epoch_, std::move(call));
}

std::function<void(const std::string&)> GuestHost::reporter(const std::string& socket) {
    return [&network = network_, name = name_, socket](const std::string& why) {
        network.emit(name, "guest", {"socket-refused", {{"socket", socket}, {"reason", why}}});
    };
}

Result<std::unique_ptr<UdpSocket>> GuestHost::open_udp(Endpoint wanted) {
    const auto local = udp_ports_->take(wanted);
    if (!local) return fail(local.error().fault, name_ + ": " + local.error().detail);
    return open_guest_udp(control_, {*local, giving_back(udp_ports_, *local), reporter("udp " + to_string(*local))});
}

Result<std::unique_ptr<TcpListener>> GuestHost::listen_tcp(Endpoint wanted) {
    const auto local = tcp_ports_->take(wanted);
    if (!local) return fail(local.error().fault, name_ + ": " + local.error().detail);
    return open_guest_listener(control_,
                               {*local, giving_back(tcp_ports_, *local), reporter("tcp " + to_string(*local))});
}

Result<std::unique_ptr<TcpStream>> GuestHost::connect_tcp(Endpoint remote) {
    return connect_from_guest(control_, remote);
}

Result<std::unique_ptr<RawIp>> GuestHost::open_raw(IpProtocol protocol) {
    const auto number = static_cast<int>(protocol);
    return open_guest_raw(control_, protocol, {{}, {}, reporter(fmt::format("raw {}", number))});
}

Result<std::unique_ptr<TunDevice>> GuestHost::open_tun(const TunConfig&) {
    return fail(Fault::Unsupported, name_ + ": a real program's machine has no tunnel device of ours");
}

void GuestHost::emit(std::string_view component, Trace trace) { network_.emit(name_, component, std::move(trace)); }

Result<void> GuestHost::Routes::add(const Route&) {
    return fail(Fault::Unsupported, "the routes of a real program's machine are its own");
}

Result<Route> GuestHost::Routes::lookup(Ipv4Address) const {
    return fail(Fault::Unsupported, "the routes of a real program's machine are its own");
}

Result<Ipv4Address> GuestHost::Routes::source_for(Ipv4Address destination) const {
    auto& answer = answers_[destination];
    if (!answer.line)
        answer.line = control_.open({.received =
                                         [&answer](const agent::Message& message) {
                                             if (const auto* said = std::get_if<agent::Source>(&message))
                                                 answer.address = said->address;
                                         },
                                     .broken = [](const Error&) {}});
    if (auto asked = answer.line->send(agent::AskSource{answer.line->channel(), destination}); !asked)
        return pass(asked);
    if (!answer.address) return fail(Fault::Unavailable, "the guest's kernel has been asked; ask again");
    if (answer.address->is_unspecified())
        return fail(Fault::Io, to_string(destination) + ": the guest has no route there");
    return *answer.address;
}

}  // namespace gatelab::sim::peers::uml
