// A Host on a FakeNetwork: it answers pings, forwards between its interfaces, and remembers what it was told.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "impl/host/host.h"
#include "tests/support/fake_network.h"
#include "tests/support/ip_packet.h"

namespace gatelab::testing {

class FakeHost final : public Host, public Station {
public:
    // Has `address` on "eth0" and a default route there: on link, or over `router`.
    FakeHost(FakeNetwork&, std::string name, Ipv4Address address, Ipv4Address router = {});
    ~FakeHost() override;

    // What the host sends of its own: an echo request, from our address towards the destination or from the one given.
    void ping(Ipv4Address destination, std::uint16_t sequence, std::size_t size = 56);
    void send(Bytes packet);                                         // by the routes
    std::vector<std::uint16_t> replies() const { return replies_; }  // sequence numbers, in order of arrival
    std::vector<Event> events_named(std::string_view event) const;
    std::vector<Event> events;
    void move_to(Ipv4Address address);  // a new address on "eth0"; the old one is gone
    bool mute = false;                  // what sockets are given to send vanishes at once, without a copy
    // As if an ESP packet had arrived, without any work of ours around it.
    void feed_esp(Ipv4Address remote, ByteView payload);
    void feed_udp(ByteView packet);  // the same of a whole UDP packet

    // --- Host -------------------------------------------------------------------------------------------------------
    Instant now() const override { return network_.now(); }
    Timer call_at(Instant at, std::function<void()> call) override { return network_.call_at(at, std::move(call)); }
    Random& random() override { return random_; }
    Result<std::unique_ptr<UdpSocket>> open_udp(Endpoint local) override;
    Result<std::unique_ptr<TcpListener>> listen_tcp(Endpoint) override;
    Result<std::unique_ptr<TcpStream>> connect_tcp(Endpoint) override;
    Result<std::unique_ptr<RawIp>> open_raw(IpProtocol) override;
    Result<std::unique_ptr<TunDevice>> open_tun(const TunConfig&) override;
    RouteTable& routes() override;
    void emit(std::string_view component, Trace) override;

    // --- Station ----------------------------------------------------------------------------------------------------
    void receive(Bytes packet) override;

private:
    class Routes;
    class Udp;
    class Raw;
    class Tun;
    void deliver(const IpHeader&, ByteView packet);  // a packet for one of our addresses

    FakeNetwork& network_;
    std::string name_;
    SeededRandom random_;
    std::unique_ptr<Routes> routes_;
    std::map<std::string, Ipv4Address> interfaces_;
    std::map<std::uint16_t, Udp*> udp_;
    std::map<IpProtocol, Raw*> raw_;
    std::map<std::string, Tun*> tuns_;
    std::vector<std::uint16_t> replies_;
    std::uint16_t next_port_ = 49152;
    // Outlives us in calls that are still under way.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace gatelab::testing
