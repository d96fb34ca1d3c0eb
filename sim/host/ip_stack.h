// A node's IP stack: ns-3's IPv4 with our routes, ICMP, and UDP and TCP for hosts.
//
// The node owns its addresses, not its interfaces; routes say which interface, and interfaces may say which address.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/host/udp_layer.h"
#include "sim/network/device.h"
#include "sim/network/world.h"

namespace ns3 {
class Ipv4L3Protocol;
class Ipv4Route;
class NetDevice;
class Node;
class TcpL4Protocol;
}  // namespace ns3

namespace gatelab::sim {

// Gets what arrives for the node under one IP protocol, reassembled and without the IP header.
class ProtocolUser {
public:
    virtual ~ProtocolUser() = default;
    virtual void receive(Ipv4Address source, const ns3::Ptr<ns3::Packet>& payload) = 0;
};

class IpStack {
public:
    enum class Transport { None, UdpAndTcp };
    IpStack(World& world, std::string name, std::vector<Ipv4Address> addresses, Transport);
    ~IpStack();

    World& world() { return world_; }
    const std::string& name() const { return name_; }
    ns3::Node& node();
    UdpLayer& udp();
    ns3::TcpL4Protocol& tcp();

    // `source` is the address that the node prefers on this interface; unspecified: its first.
    void add_interface(const std::string& interface, ns3::NetDevice&, Ipv4Address source = {});
    void set_source(const std::string& interface, Ipv4Address);
    // For tunnel devices: an interface that comes and goes; its routes go with it.
    void set_up(const std::string& interface, bool up);
    bool has_interface(const std::string& interface) const;  // and it is up
    void add_address(Ipv4Address);
    void remove_address(Ipv4Address);
    bool has_address(Ipv4Address) const;

    Result<void> add_route(const Route&);
    void remove_route(const Route&);
    Result<Route> lookup(Ipv4Address) const;
    Result<Ipv4Address> source_for(Ipv4Address destination) const;
    // ns-3's form of the same, for the sending path; null when there is none. Valid until the routes change.
    ns3::Ipv4Route* route_to(Ipv4Address destination);
    std::uint16_t mtu_towards(Ipv4Address destination) const;

    // At most one user a protocol; nullptr removes it. ICMP users get a copy beside ns-3's own handling.
    bool has_user(std::uint8_t protocol) const;
    void set_user(std::uint8_t protocol, ProtocolUser*);
    void send(Ipv4Address source, Ipv4Address destination, std::uint8_t protocol, const ns3::Ptr<ns3::Packet>& payload,
              ns3::Ipv4Route& route);

    std::uint64_t malformed() const;  // packets for the node that were too short for their protocol

private:
    class Routing;
    class TeeIcmp;
    class UserProtocol;

    World& world_;
    std::string name_;
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace gatelab::sim
