#include <ns3/ipv4-route.h>
#include <ns3/packet.h>
#include <ns3/simulator.h>

#include "sim/host/sim_host.h"

namespace gatelab::sim {
namespace {

constexpr std::size_t kMaxPayload = 65535 - 20 - 8;

constexpr std::size_t kHeaderSize = 8;

class UdpCore final : public UdpUser, public std::enable_shared_from_this<UdpCore> {
public:
    UdpCore(std::shared_ptr<World> world, IpStack& stack) : world_(std::move(world)), stack_(stack) {}

    bool bind(Endpoint local) {
        local_ = local;
        return open_ = stack_.udp().bind(local_, *this);
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
        const Ipv4Address source =
            local_.address.is_unspecified() ? Ipv4Address{route->GetSource().Get()} : local_.address;
        stack_.udp().send({source, local_.port}, remote, payload, *route);
        return {};
    }

    void receive(Endpoint remote, const ns3::Ptr<ns3::Packet>& datagram, Bytes& bytes) override {
        if (!world_->calling()) {
            std::swap(buffer_, bytes);  // the layer's may be needed again while our receiver runs
            return deliver(remote, ByteView{buffer_}.first(datagram->GetSize()));
        }
        ns3::Simulator::ScheduleNow([self = weak_from_this(), remote, datagram] {
            if (const auto core = self.lock()) core->deliver(remote, bytes_of(datagram, core->buffer_));
        });
    }

    void close() {
        if (open_ && world_->alive()) stack_.udp().release(local_);
        open_ = false;
    }

private:
    void deliver(Endpoint remote, ByteView datagram) {
        const auto self = shared_from_this();  // the receiver may close the socket
        const auto receiver = receiver_;
        if (open_ && receiver && *receiver) (*receiver)(remote, datagram.subspan(kHeaderSize));
    }

    std::shared_ptr<World> world_;
    IpStack& stack_;
    Endpoint local_;
    bool open_ = false;
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
    auto core = std::make_shared<UdpCore>(std::move(world), stack);
    if (!core->bind(local)) return fail(Fault::Refused, "UDP " + to_string(local) + " is taken on " + stack.name());
    return std::make_unique<SimUdpSocket>(std::move(core));
}

}  // namespace gatelab::sim
