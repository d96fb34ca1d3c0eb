// A Host on a node of the simulated network.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "impl/base/random.h"
#include "sim/host/ip_stack.h"

namespace gatelab::sim {

class SimHost final : public Host {
public:
    SimHost(std::shared_ptr<World> world, const std::string& name, std::vector<Ipv4Address> addresses);
    ~SimHost() override;

    IpStack& stack() { return stack_; }
    // Of a tunnel device, open or not yet.
    void capture(const std::string& tun, std::shared_ptr<class Capture>);

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
        explicit Routes(IpStack& stack) : stack_(stack) {}
        Result<void> add(const Route& route) override { return stack_.add_route(route); }
        void remove(const Route& route) override { stack_.remove_route(route); }
        Result<Route> lookup(Ipv4Address address) const override { return stack_.lookup(address); }
        Result<Ipv4Address> source_for(Ipv4Address address) const override { return stack_.source_for(address); }

    private:
        IpStack& stack_;
    };
    struct Tunnels;

    std::shared_ptr<World> world_;
    IpStack stack_;
    Routes routes_;
    SeededRandom random_;
    std::unique_ptr<Tunnels> tunnels_;
};

// What a host opens; each keeps away from ns-3 once the world has ended.
Result<std::unique_ptr<UdpSocket>> open_udp_socket(std::shared_ptr<World>, IpStack&, Endpoint local);
Result<std::unique_ptr<RawIp>> open_raw_ip(std::shared_ptr<World>, IpStack&, std::uint8_t protocol);
Result<std::unique_ptr<TcpListener>> open_tcp_listener(std::shared_ptr<World>, IpStack&, Endpoint local);
Result<std::unique_ptr<TcpStream>> open_tcp_stream(std::shared_ptr<World>, IpStack&, Endpoint remote);

// One tunnel interface of a node, which ns-3 keeps once it has been there; open while a TunDevice holds it.
class TunInterface;
std::shared_ptr<TunInterface> make_tun_interface(std::shared_ptr<World>, IpStack&, const std::string& name);
void capture_tun(TunInterface&, std::shared_ptr<class Capture>);
Result<std::unique_ptr<TunDevice>> open_tun_device(std::shared_ptr<TunInterface>, const TunConfig&);

}  // namespace gatelab::sim
