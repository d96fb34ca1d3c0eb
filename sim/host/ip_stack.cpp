#include "sim/host/ip_stack.h"

#include <ns3/icmpv4-l4-protocol.h>
#include <ns3/ipv4-interface.h>
#include <ns3/ipv4-l3-protocol.h>
#include <ns3/ipv4-route.h>
#include <ns3/ipv4-routing-protocol.h>
#include <ns3/loopback-net-device.h>
#include <ns3/node.h>
#include <ns3/tcp-l4-protocol.h>
#include <ns3/traffic-control-layer.h>

#include <array>
#include <unordered_set>

#include "sim/host/routing.h"
#include "sim/network/device.h"
#include "sim/network/ipv4_packet.h"

namespace gatelab::sim {
namespace {

constexpr Ipv4Address kDummySource{192, 0, 0, 8};  // RFC 7600 section 4.8: for nodes without an address
constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17;

ns3::Ipv4Address to_ns3(Ipv4Address address) { return ns3::Ipv4Address(address.number()); }

// Whether ns-3 can parse the packet without reading past its end (its release build does not check).
bool deliverable(const ns3::Packet& packet, const ns3::Ipv4Header& header) {
    if (header.GetFragmentOffset() + packet.GetSize() > 65515) return false;
    if (header.GetFragmentOffset() > 0) return true;
    if (header.GetProtocol() == kUdp) return packet.GetSize() >= 8;
    if (header.GetProtocol() != kTcp && header.GetProtocol() != kIcmp) return true;
    std::array<std::uint8_t, 60> head;
    const auto size = packet.CopyData(head.data(), head.size());
    return is_sound_transport(header.GetProtocol(), ByteView{head}.first(size));
}

}  // namespace

// ns-3's ICMP, with a copy of each message for a user.
class IpStack::TeeIcmp final : public ns3::Icmpv4L4Protocol {
public:
    static ns3::TypeId GetTypeId() {
        static const ns3::TypeId id =
            ns3::TypeId("gatelab::TeeIcmp").SetParent<ns3::Icmpv4L4Protocol>().AddConstructor<TeeIcmp>();
        return id;
    }
    ns3::TypeId GetInstanceTypeId() const override { return GetTypeId(); }
    ProtocolUser* user = nullptr;

    RxStatus Receive(ns3::Ptr<ns3::Packet> packet, const ns3::Ipv4Header& header,
                     ns3::Ptr<ns3::Ipv4Interface> interface) override {
        if (packet->GetSize() < 8 || is_damaged(packet)) return RX_OK;
        if (user) user->receive(Ipv4Address{header.GetSource().Get()}, packet->Copy());
        return Icmpv4L4Protocol::Receive(packet, header, interface);
    }
    RxStatus Receive(ns3::Ptr<ns3::Packet>, const ns3::Ipv6Header&, ns3::Ptr<ns3::Ipv6Interface>) override {
        return RX_ENDPOINT_UNREACH;
    }

private:
    // RFC 1122 section 3.2.2; ns-3 does not look.
    bool is_damaged(const ns3::Ptr<ns3::Packet>& packet) {
        return ns3::Node::ChecksumEnabled() && internet_checksum(bytes_of(packet, buffer_)) != 0;
    }
    Bytes buffer_;
};

// A protocol that ns-3 does not know.
class IpStack::UserProtocol final : public ns3::IpL4Protocol {
public:
    explicit UserProtocol(int number) : number_(number) {}
    ProtocolUser* user = nullptr;

    int GetProtocolNumber() const override { return number_; }
    RxStatus Receive(ns3::Ptr<ns3::Packet> packet, const ns3::Ipv4Header& header,
                     ns3::Ptr<ns3::Ipv4Interface>) override {
        if (user) user->receive(Ipv4Address{header.GetSource().Get()}, packet);
        return RX_OK;
    }
    RxStatus Receive(ns3::Ptr<ns3::Packet>, const ns3::Ipv6Header&, ns3::Ptr<ns3::Ipv6Interface>) override {
        return RX_ENDPOINT_UNREACH;
    }
    void SetDownTarget(DownTargetCallback) override {}
    void SetDownTarget6(DownTargetCallback6) override {}
    DownTargetCallback GetDownTarget() const override { return {}; }
    DownTargetCallback6 GetDownTarget6() const override { return {}; }

private:
    int number_;
};

class IpStack::Routing final : public ns3::Ipv4RoutingProtocol {
public:
    struct Interface {
        ns3::NetDevice* device;
        std::uint32_t index;
        Ipv4Address source;
        bool up = true;
    };

    std::vector<Ipv4Address> addresses;
    std::unordered_set<std::uint32_t> own;  // the same
    std::map<std::string, Interface> interfaces;
    RoutingTable<ns3::Ptr<ns3::Ipv4Route>> table;
    ns3::Ptr<ns3::Ipv4L3Protocol> ipv4;
    std::uint64_t malformed = 0;

    bool is_own(Ipv4Address address) const { return own.contains(address.number()) || address.number() >> 24 == 127; }

    Ipv4Address source_of(const Interface& interface) const {
        if (!interface.source.is_unspecified()) return interface.source;
        return addresses.empty() ? kDummySource : addresses.front();
    }

    ns3::Ipv4Route* find(Ipv4Address destination) {
        if (is_own(destination)) return loopback(destination);
        const auto* entry = table.find(destination);
        return entry ? ns3::PeekPointer(entry->way) : nullptr;
    }

    ns3::Ptr<ns3::Ipv4Route> RouteOutput(ns3::Ptr<ns3::Packet>, const ns3::Ipv4Header& header, ns3::Ptr<ns3::NetDevice>,
                                         ns3::Socket::SocketErrno& error) override {
        auto* route = find(Ipv4Address{header.GetDestination().Get()});
        error = route ? ns3::Socket::ERROR_NOTERROR : ns3::Socket::ERROR_NOROUTETOHOST;
        return route;
    }

    bool RouteInput(ns3::Ptr<const ns3::Packet> packet, const ns3::Ipv4Header& header,
                    ns3::Ptr<const ns3::NetDevice> device, UnicastForwardCallback forward, MulticastForwardCallback,
                    LocalDeliverCallback deliver, ErrorCallback) override {
        const Ipv4Address destination{header.GetDestination().Get()};
        if (is_own(destination)) {
            if (deliverable(*packet, header)) {
                deliver(packet, header, ipv4->GetInterfaceForDevice(device));
            } else {
                ++malformed;
            }
            return true;
        }
        const auto* entry = table.find(destination);
        if (!entry || header.GetTtl() == 0) return false;  // ns-3 drops it
        const auto mtu = entry->way->GetOutputDevice()->GetMtu();
        if (header.IsDontFragment() && packet->GetSize() + kIpv4HeaderSize > mtu) {
            refuse_oversized(packet, header, mtu);
        } else {
            forward(entry->way, packet, header);
        }
        return true;
    }

    void NotifyInterfaceUp(std::uint32_t) override {}
    void NotifyInterfaceDown(std::uint32_t) override {}
    void NotifyAddAddress(std::uint32_t, ns3::Ipv4InterfaceAddress) override {}
    void NotifyRemoveAddress(std::uint32_t, ns3::Ipv4InterfaceAddress) override {}
    void SetIpv4(ns3::Ptr<ns3::Ipv4>) override {}
    void PrintRoutingTable(ns3::Ptr<ns3::OutputStreamWrapper>, ns3::Time::Unit) const override {}

protected:
    void DoDispose() override {
        table = {};
        loopback_ = nullptr;
        ipv4 = nullptr;
        Ipv4RoutingProtocol::DoDispose();
    }

private:
    // RFC 1191; ns-3 itself would fragment a packet that forbids it.
    void refuse_oversized(const ns3::Ptr<const ns3::Packet>& packet, const ns3::Ipv4Header& header, std::uint16_t mtu) {
        std::uint8_t type = 0;
        packet->CopyData(&type, 1);
        if (header.GetProtocol() == kIcmp && type != 8 && type != 0) return;  // RFC 1122 section 3.2.2
        ipv4->GetObject<ns3::Icmpv4L4Protocol>()->SendDestUnreachFragNeeded(header, packet, mtu);
    }

    ns3::Ipv4Route* loopback(Ipv4Address destination) {
        loopback_ = ns3::Create<ns3::Ipv4Route>();
        loopback_->SetDestination(to_ns3(destination));
        loopback_->SetSource(to_ns3(destination));
        loopback_->SetGateway(ns3::Ipv4Address::GetAny());
        loopback_->SetOutputDevice(ipv4->GetNetDevice(0));
        return ns3::PeekPointer(loopback_);
    }

    ns3::Ptr<ns3::Ipv4Route> loopback_;
};

struct IpStack::Parts {
    ns3::Node* node = nullptr;  // ns-3's list of nodes holds it until the end of the simulator
    ns3::Ipv4L3Protocol* ipv4 = nullptr;
    UdpLayer* udp = nullptr;
    ns3::TcpL4Protocol* tcp = nullptr;
    TeeIcmp* icmp = nullptr;
    Routing* routing = nullptr;
    std::map<std::uint8_t, UserProtocol*> protocols;
};

IpStack::IpStack(World& world, std::string name, std::vector<Ipv4Address> addresses, Transport transport)
    : world_(world), name_(std::move(name)), parts_(std::make_unique<Parts>()) {
    const auto node = ns3::CreateObject<ns3::Node>();
    const auto ipv4 = ns3::CreateObject<ns3::Ipv4L3Protocol>();
    const auto icmp = ns3::CreateObject<TeeIcmp>();
    const auto routing = ns3::CreateObject<Routing>();
    node->AggregateObject(ns3::CreateObject<ns3::TrafficControlLayer>());
    node->AggregateObject(ipv4);
    node->AggregateObject(icmp);
    ipv4->SetRoutingProtocol(routing);
    parts_->node = ns3::PeekPointer(node);
    parts_->ipv4 = ns3::PeekPointer(ipv4);
    parts_->icmp = ns3::PeekPointer(icmp);
    parts_->routing = ns3::PeekPointer(routing);
    routing->ipv4 = ipv4;
    if (transport == Transport::UdpAndTcp) {
        const auto tcp = ns3::CreateObject<ns3::TcpL4Protocol>();
        node->AggregateObject(tcp);
        parts_->udp = &UdpLayer::install(*ipv4);
        parts_->tcp = ns3::PeekPointer(tcp);
    }
    for (const auto address : addresses) add_address(address);
}

IpStack::~IpStack() = default;

ns3::Node& IpStack::node() { return *parts_->node; }
UdpLayer& IpStack::udp() { return *parts_->udp; }
ns3::TcpL4Protocol& IpStack::tcp() { return *parts_->tcp; }

void IpStack::add_interface(const std::string& interface, ns3::NetDevice& device, Ipv4Address source) {
    const auto index = parts_->ipv4->AddInterface(&device);
    // Past the node's list of protocol handlers: it may not grow while it hands out a packet, and the arrival of one
    // may be what opens a tunnel interface.
    device.SetReceiveCallback(ns3::NetDevice::ReceiveCallback(
        [ipv4 = parts_->ipv4](ns3::Ptr<ns3::NetDevice> from, ns3::Ptr<const ns3::Packet> packet, std::uint16_t protocol,
                              const ns3::Address& sender) {
            ipv4->Receive(from, packet, protocol, sender, sender, ns3::NetDevice::PACKET_HOST);
            return true;
        }));
    parts_->ipv4->SetUp(index);
    const bool added =
        parts_->routing->interfaces.emplace(interface, Routing::Interface{&device, index, source}).second;
    require(added, name_ + " has two interfaces called " + interface);
}

void IpStack::set_source(const std::string& interface, Ipv4Address source) {
    auto& routing = *parts_->routing;
    const auto found = routing.interfaces.find(interface);
    require(found != routing.interfaces.end(), name_ + " has no interface " + interface);
    require(source.is_unspecified() || has_address(source), name_ + " does not own " + to_string(source));
    found->second.source = source;
    routing.table.for_each([&](auto& entry) {
        if (entry.route.interface == interface) entry.way->SetSource(to_ns3(routing.source_of(found->second)));
    });
}

void IpStack::set_up(const std::string& interface, bool up) {
    auto& routing = *parts_->routing;
    auto& state = routing.interfaces.at(interface);
    state.up = up;
    if (up) return parts_->ipv4->SetUp(state.index);
    parts_->ipv4->SetDown(state.index);
    routing.table.remove_if([&](const auto& entry) { return entry.route.interface == interface; });
}

bool IpStack::has_interface(const std::string& interface) const {
    const auto found = parts_->routing->interfaces.find(interface);
    return found != parts_->routing->interfaces.end() && found->second.up;
}

void IpStack::add_address(Ipv4Address address) {
    parts_->routing->addresses.push_back(address);
    parts_->routing->own.insert(address.number());
}

void IpStack::remove_address(Ipv4Address address) {
    auto& addresses = parts_->routing->addresses;
    const auto last = std::find(addresses.rbegin(), addresses.rend(), address);  // a tunnel's may repeat the node's own
    if (last == addresses.rend()) return;
    addresses.erase(std::next(last).base());
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
        parts_->routing->own.erase(address.number());
    }
}

bool IpStack::has_address(Ipv4Address address) const { return parts_->routing->own.contains(address.number()); }

Result<void> IpStack::add_route(const Route& route) {
    auto& routing = *parts_->routing;
    if (!has_interface(route.interface)) {
        return fail(Fault::NotFound, name_ + " has no interface \"" + route.interface + "\" for a route to " +
                                         to_string(route.destination));
    }
    const auto& interface = routing.interfaces.at(route.interface);
    auto way = ns3::Create<ns3::Ipv4Route>();
    way->SetDestination(to_ns3(route.destination.network()));
    way->SetSource(to_ns3(routing.source_of(interface)));
    way->SetGateway(to_ns3(route.via));
    way->SetOutputDevice(interface.device);
    routing.table.add({route, std::move(way)});
    return {};
}

void IpStack::remove_route(const Route& route) {
    parts_->routing->table.remove_if([&](const auto& entry) {
        return entry.route.destination == route.destination && entry.route.interface == route.interface &&
               entry.route.via == route.via;
    });
}

Result<Route> IpStack::lookup(Ipv4Address address) const {
    if (parts_->routing->is_own(address)) return Route{Prefix{address, 32}, "lo", {}};
    if (const auto* entry = parts_->routing->table.find(address)) return entry->route;
    return fail(Fault::NotFound, name_ + " has no route to " + to_string(address));
}

Result<Ipv4Address> IpStack::source_for(Ipv4Address destination) const {
    if (const auto* route = parts_->routing->find(destination)) return Ipv4Address{route->GetSource().Get()};
    return fail(Fault::NotFound, name_ + " has no route to " + to_string(destination));
}

ns3::Ipv4Route* IpStack::route_to(Ipv4Address destination) { return parts_->routing->find(destination); }

std::uint16_t IpStack::mtu_towards(Ipv4Address destination) const {
    const auto* route = parts_->routing->find(destination);
    return route ? route->GetOutputDevice()->GetMtu() : 1500;
}

bool IpStack::has_user(std::uint8_t protocol) const {
    if (protocol == kIcmp) return parts_->icmp->user;
    const auto found = parts_->protocols.find(protocol);
    return found != parts_->protocols.end() && found->second->user;
}

void IpStack::set_user(std::uint8_t protocol, ProtocolUser* user) {
    if (protocol == kIcmp) {
        parts_->icmp->user = user;
        return;
    }
    auto& slot = parts_->protocols[protocol];
    if (!slot) {
        const auto handler = ns3::Create<UserProtocol>(protocol);
        parts_->ipv4->Insert(handler);
        slot = ns3::PeekPointer(handler);
    }
    slot->user = user;
}

void IpStack::send(Ipv4Address source, Ipv4Address destination, std::uint8_t protocol,
                   const ns3::Ptr<ns3::Packet>& payload, ns3::Ipv4Route& route) {
    parts_->ipv4->Send(payload, to_ns3(source), to_ns3(destination), protocol, &route);
}

std::uint64_t IpStack::malformed() const { return parts_->routing->malformed; }

}  // namespace gatelab::sim
