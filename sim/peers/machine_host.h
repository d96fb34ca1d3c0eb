// A Host on the sockets of a real program's machine, so that flows can start and end there: its ICMP, UDP and TCP go
// through the machine's own kernel, with its routes and its tunnel.
//
// No tunnel devices and no routes of ours: those are the program's business (Unsupported).
#pragma once

#include <memory>
#include <string>

#include "impl/base/random.h"
#include "impl/host/host.h"
#include "sim/network/network.h"
#include "sim/peers/namespace_machine.h"
#include "sim/peers/socket_watch.h"

namespace gatelab::sim::peers {

class MachineHost final : public Host {
public:
    // `name` is the node's; the network and the machine outlive the host, the host what it opened.
    MachineHost(Network& network, NamespaceMachine& machine, std::string name, Instant epoch, std::uint64_t seed);
    ~MachineHost() override;

    Instant now() const override;
    [[nodiscard]] Timer call_at(Instant at, std::function<void()> call) override;
    Random& random() override { return random_; }
    Result<std::unique_ptr<UdpSocket>> open_udp(Endpoint local) override;
    Result<std::unique_ptr<TcpListener>> listen_tcp(Endpoint local) override;
    Result<std::unique_ptr<TcpStream>> connect_tcp(Endpoint remote) override;
    Result<std::unique_ptr<RawIp>> open_raw(IpProtocol) override;
    Result<std::unique_ptr<TunDevice>> open_tun(const TunConfig&) override;
    RouteTable& routes() override { return routes_; }
    void emit(std::string_view component, Trace) override;

private:
    class Routes final : public RouteTable {
    public:
        explicit Routes(NamespaceMachine& machine) : machine_(machine) {}
        Result<void> add(const Route&) override;
        void remove(const Route&) override {}
        Result<Route> lookup(Ipv4Address) const override;
        Result<Ipv4Address> source_for(Ipv4Address destination) const override;

    private:
        NamespaceMachine& machine_;
    };

    Network& network_;
    NamespaceMachine& machine_;
    const std::string name_;
    const Instant epoch_;
    SeededRandom random_;
    Routes routes_;
    SocketWatch watch_;
};

}  // namespace gatelab::sim::peers
