#include <fmt/format.h>
#include <ns3/ipv4-route.h>
#include <ns3/packet.h>
#include <ns3/simulator.h>

#include "sim/host/sim_host.h"

namespace gatelab::sim {
namespace {

constexpr std::size_t kMaxPayload = 65535 - 20;

class RawCore final : public ProtocolUser, public std::enable_shared_from_this<RawCore> {
public:
    RawCore(std::shared_ptr<World> world, IpStack& stack, std::uint8_t protocol)
        : world_(std::move(world)), stack_(stack), protocol_(protocol) {
        stack_.set_user(protocol_, this);
    }

    void on_packet(RawIp::Receiver receiver) { receiver_ = std::make_shared<RawIp::Receiver>(std::move(receiver)); }

    Result<void> send(Ipv4Address remote, ByteView payload) {
        if (!world_->alive()) return fail(Fault::Io, "the simulated network has ended");
        if (payload.size() > kMaxPayload) return fail(Fault::Io, "an IP packet holds at most 65515 octets");
        auto* route = stack_.route_to(remote);
        if (!route) return fail(Fault::Io, stack_.name() + " has no route to " + to_string(remote));
        const World::Calling calling{*world_};
        stack_.send(Ipv4Address{route->GetSource().Get()}, remote, protocol_, packet_of(payload), *route);
        return {};
    }

    void receive(Ipv4Address source, const ns3::Ptr<ns3::Packet>& payload) override {
        if (!world_->calling()) return deliver(source, payload);
        ns3::Simulator::ScheduleNow([self = weak_from_this(), source, payload] {
            if (const auto core = self.lock()) core->deliver(source, payload);
        });
    }

    void close() {
        open_ = false;
        if (world_->alive()) stack_.set_user(protocol_, nullptr);
    }

private:
    void deliver(Ipv4Address source, const ns3::Ptr<ns3::Packet>& payload) {
        const auto self = shared_from_this();
        const auto receiver = receiver_;
        if (open_ && receiver && *receiver) (*receiver)(source, bytes_of(payload, buffer_));
    }

    std::shared_ptr<World> world_;
    IpStack& stack_;
    std::uint8_t protocol_;
    bool open_ = true;
    std::shared_ptr<RawIp::Receiver> receiver_;
    Bytes buffer_;
};

class SimRawIp final : public RawIp {
public:
    explicit SimRawIp(std::shared_ptr<RawCore> core) : core_(std::move(core)) {}
    ~SimRawIp() override { core_->close(); }
    Result<void> send(Ipv4Address remote, ByteView payload) override { return core_->send(remote, payload); }
    void on_packet(Receiver receiver) override { core_->on_packet(std::move(receiver)); }

private:
    std::shared_ptr<RawCore> core_;
};

}  // namespace

Result<std::unique_ptr<RawIp>> open_raw_ip(std::shared_ptr<World> world, IpStack& stack, std::uint8_t protocol) {
    if (protocol == static_cast<std::uint8_t>(IpProtocol::Udp) ||
        protocol == static_cast<std::uint8_t>(IpProtocol::Tcp)) {
        return fail(Fault::Refused, "UDP and TCP have sockets of their own: use open_udp, listen_tcp or connect_tcp");
    }
    if (stack.has_user(protocol)) {
        return fail(Fault::Refused, fmt::format("IP protocol {} is taken on {}", protocol, stack.name()));
    }
    return std::make_unique<SimRawIp>(std::make_shared<RawCore>(std::move(world), stack, protocol));
}

}  // namespace gatelab::sim
