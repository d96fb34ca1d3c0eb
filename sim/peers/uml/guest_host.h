// A Host on the sockets of a guest, so that flows can start and end there: its ICMP, UDP and TCP go through the guest's
// kernel, with its routes and its tunnels.
//
// Opening a socket takes a moment of simulated time, and the kernel may refuse then: a UDP socket or a listener that
// clashes with one of the guest's own programs says so by an event, and its sends by an error.
// No tunnel devices and no routes of ours: those are the programs' business (Unsupported).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "impl/base/random.h"
#include "impl/host/host.h"
#include "sim/network/network.h"
#include "sim/peers/uml/control_channel.h"

namespace gatelab::sim::peers::uml {

// The local endpoints that sockets of one protocol hold.
class PortBook {
public:
    // Chooses a port for port 0. Refused when it is taken.
    Result<Endpoint> take(Endpoint wanted);
    void give_back(Endpoint);

private:
    bool clashes(Endpoint) const;
    std::vector<Endpoint> taken_;
    std::uint16_t next_ = kFirst;
    static constexpr std::uint16_t kFirst = 49152;  // the guest's kernel itself picks lower ones
};

class GuestHost final : public Host {
public:
    // `name` is the node's; network and channel outlive the host.
    GuestHost(Network&, ControlChannel&, std::string name, Instant epoch, std::uint64_t seed);

    Instant now() const override { return epoch_ + network_.now(); }
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
    // source_for() answers from what the guest's kernel said last, and asks it again: Unavailable until it has.
    class Routes final : public RouteTable {
    public:
        explicit Routes(ControlChannel& control) : control_(control) {}
        Result<void> add(const Route&) override;
        void remove(const Route&) override {}
        Result<Route> lookup(Ipv4Address) const override;
        Result<Ipv4Address> source_for(Ipv4Address destination) const override;

    private:
        struct Answer {
            std::unique_ptr<ControlChannel::Line> line;
            std::optional<Ipv4Address> address;
        };
        ControlChannel& control_;
        mutable std::map<Ipv4Address, Answer> answers_;
    };

    std::function<void(const std::string&)> reporter(const std::string& socket);

    Network& network_;
    ControlChannel& control_;
    const std::string name_;
    const Instant epoch_;
    SeededRandom random_;
    Routes routes_;
    std::shared_ptr<PortBook> udp_ports_ = std::make_shared<PortBook>(), tcp_ports_ = std::make_shared<PortBook>();
};

}  // namespace gatelab::sim::peers::uml
