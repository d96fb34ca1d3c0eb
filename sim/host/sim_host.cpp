#include "sim/host/sim_host.h"

namespace gatelab::sim {

struct SimHost::Tunnels {
    std::map<std::string, std::shared_ptr<TunInterface>> interfaces;

    TunInterface& at(const std::shared_ptr<World>& world, IpStack& stack, const std::string& name) {
        auto& interface = interfaces[name];
        if (!interface) interface = make_tun_interface(world, stack, name);
        return *interface;
    }
};

SimHost::SimHost(std::shared_ptr<World> world, const std::string& name, std::vector<Ipv4Address> addresses)
    : world_(std::move(world)),
      stack_(*world_, name, std::move(addresses), IpStack::Transport::UdpAndTcp),
      routes_(stack_),
      random_(world_->options().seed, "node/" + name),
      tunnels_(std::make_unique<Tunnels>()) {}

SimHost::~SimHost() = default;

void SimHost::capture(const std::string& tun, std::shared_ptr<Capture> capture) {
    capture_tun(tunnels_->at(world_, stack_, tun), std::move(capture));
}

Instant SimHost::now() const { return world_->instant(); }

Timer SimHost::call_at(Instant at, std::function<void()> call) {
    return world_->call_at(at - world_->options().epoch, std::move(call));
}

Result<std::unique_ptr<UdpSocket>> SimHost::open_udp(Endpoint local) { return open_udp_socket(world_, stack_, local); }

Result<std::unique_ptr<TcpListener>> SimHost::listen_tcp(Endpoint local) {
    return open_tcp_listener(world_, stack_, local);
}

Result<std::unique_ptr<TcpStream>> SimHost::connect_tcp(Endpoint remote) {
    return open_tcp_stream(world_, stack_, remote);
}

Result<std::unique_ptr<RawIp>> SimHost::open_raw(IpProtocol protocol) {
    return open_raw_ip(world_, stack_, static_cast<std::uint8_t>(protocol));
}

Result<std::unique_ptr<TunDevice>> SimHost::open_tun(const TunConfig& config) {
    tunnels_->at(world_, stack_, config.name);
    return open_tun_device(tunnels_->interfaces.at(config.name), config);
}

void SimHost::emit(std::string_view component, Trace trace) {
    world_->emit(stack_.name(), component, std::move(trace));
}

}  // namespace gatelab::sim
