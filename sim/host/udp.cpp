#include <ns3/ipv4-end-point.h>
#include <ns3/ipv4-interface.h>
#include <ns3/ipv4-route.h>
#include <ns3/packet.h>
#include <ns3/simulator.h>
#include <ns3/udp-l4-protocol.h>

#include "sim/host/sim_host.h"

namespace gatelab::sim {
namespace {

constexpr std::size_t kMaxPayload = 65535 - 20 - 8;

// Sits straight on ns-3's UDP, below its sockets: no receive queue, no tags, one copy each way.
class UdpCore final : public std::enable_shared_from_this<UdpCore> {
public:
    UdpCore(std::shared_ptr<World> world, IpStack& stack, ns3::Ipv4EndPoint& end_point, Endpoint local)
        : world_(std::move(world)), stack_(stack), end_point_(&end_point), local_(local) {
        end_point.SetRxCallback(ns3::MakeCallback(&UdpCore::receive, this));
    }

    Endpoint local() const { return local_; }
    void on_datagram(UdpSocket::Receiver receiver) {
        receiver_ = std::make_shared<UdpSocket::Receiver>(std::move(receiver));
    }

    Result<void> send(Endpoint remote, ByteView payload) {
        if (!world_->alive()) return fail(Fault::Io, "the simulated network has ended");
        if (payload.size() > kMaxPayload) return fail(Fault::Io, "a datagram holds at most 65507 octets");
        auto* route = stack_.route_to(remote.address);
        if (!route) return fail(Fault::Io, stack_.name() + " has no route to " + to_string(remote.address));
        const World::Calling calling{*world_};
        const auto source =
            local_.address.is_unspecified() ? route->GetSource() : ns3::Ipv4Address(local_.address.number());
        stack_.udp().Send(packet_of(payload), source, ns3::Ipv4Address(remote.address.number()), local_.port,
                          remote.port, route);
        return {};
    }

    void close() {
        if (!end_point_) return;
        if (world_->alive()) stack_.udp().DeAllocate(end_point_);
        end_point_ = nullptr;
    }

private:
    void receive(ns3::Ptr<ns3::Packet> packet, ns3::Ipv4Header header, std::uint16_t port,
                 ns3::Ptr<ns3::Ipv4Interface>) {
        const Endpoint remote{Ipv4Address{header.GetSource().Get()}, port};
        if (!world_->calling()) return deliver(remote, packet);
        ns3::Simulator::ScheduleNow([self = weak_from_this(), remote, packet] {
            if (const auto core = self.lock()) core->deliver(remote, packet);
        });
    }

    void deliver(Endpoint remote, const ns3::Ptr<ns3::Packet>& packet) {
        const auto self = shared_from_this();  // the receiver may close the socket
        const auto receiver = receiver_;
        if (end_point_ && receiver && *receiver) (*receiver)(remote, bytes_of(packet, buffer_));
    }

    std::shared_ptr<World> world_;
    IpStack& stack_;
    ns3::Ipv4EndPoint* end_point_;
    Endpoint local_;
    std::shared_ptr<UdpSocket::Receiver> receiver_;
    Bytes buffer_;
};

class SimUdpSocket final : public UdpSocket {
public:
    explicit SimUdpSocket(std::shared_ptr<UdpCore> core) : core_(std::move(core)) {}
    ~SimUdpSocket() override { core_->close(); }
    Endpoint local() const override { return core_->local(); }
    Result<void> send(Endpoint remote, ByteView payload) override { return core_->send(remote, payload); }
    void on_datagram(Receiver receiver) override { core_->on_datagram(std::move(receiver)); }

private:
    std::shared_ptr<UdpCore> core_;
};

}  // namespace

Result<std::unique_ptr<UdpSocket>> open_udp_socket(std::shared_ptr<World> world, IpStack& stack, Endpoint local) {
    if (!local.address.is_unspecified() && !stack.has_address(local.address)) {
        return fail(Fault::Refused, stack.name() + " does not own " + to_string(local.address));
    }
    const auto address = ns3::Ipv4Address(local.address.number());
    auto& udp = stack.udp();
    ns3::Ipv4EndPoint* end_point = local.port == 0 ? udp.Allocate(address) : udp.Allocate(nullptr, address, local.port);
    if (!end_point) return fail(Fault::Refused, "UDP " + to_string(local) + " is taken on " + stack.name());
    local.port = end_point->GetLocalPort();
    return std::make_unique<SimUdpSocket>(std::make_shared<UdpCore>(std::move(world), stack, *end_point, local));
}

}  // namespace gatelab::sim
