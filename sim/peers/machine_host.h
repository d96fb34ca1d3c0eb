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
#include "sim/peers/socket_watch.h"
#include "sim/peers/warden.h"

namespace gatelab::sim::peers {

class MachineHost final : public Host {
public:
    struct Options {
        std::string name;  // of the node
        Instant epoch;     // what its clock shows at the start
        std::uint64_t seed;
    };
    // All that is referred to outlives the host, and the host what it opened.
    MachineHost(Network&, Warden&, MachineId, SocketWatch&, Options);
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
        Routes(Warden& warden, MachineId machine) : warden_(warden), machine_(machine) {}
        Result<void> add(const Route&) override;
        void remove(const Route&) override {}
        Result<Route> lookup(Ipv4Address) const override;
        Result<Ipv4Address> source_for(Ipv4Address destination) const override;

    private:
        Warden& warden_;
        const MachineId machine_;
    };
    Result<FileDescriptor> open(int type, int protocol = 0);

    Network& network_;
    Warden& warden_;
    const MachineId machine_;
    SocketWatch& watch_;
    const std::string name_;
    const Instant epoch_;
    SeededRandom random_;
    Routes routes_;
};

}  // namespace gatelab::sim::peers
