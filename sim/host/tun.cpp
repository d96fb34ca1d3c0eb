#include <ns3/net-device.h>
#include <ns3/node.h>
#include <ns3/packet.h>
#include <ns3/simulator.h>

#include "sim/host/sim_host.h"
#include "sim/network/capture.h"
#include "sim/network/ipv4_packet.h"

namespace gatelab::sim {

class TunInterface final : public DeviceUser, public std::enable_shared_from_this<TunInterface> {
public:
    TunInterface(std::shared_ptr<World> world, IpStack& stack, std::string name)
        : world_(std::move(world)), stack_(stack), name_(std::move(name)) {
        device_ = &add_device(stack_.node(), 1500, this);
        stack_.add_interface(name_, *device_);
        stack_.set_up(name_, false);
    }

    const TunConfig& config() const { return config_; }
    const std::string& name() const { return name_; }
    bool is_open() const { return open_; }
    void capture(std::shared_ptr<Capture> capture) { capture_ = std::move(capture); }
    void on_packet(TunDevice::Receiver receiver) {
        receiver_ = std::make_shared<TunDevice::Receiver>(std::move(receiver));
    }

    void open(const TunConfig& config) {
        config_ = config;
        open_ = true;
        device_->SetMtu(config.mtu);
        stack_.add_address(config.address);
        stack_.set_up(name_, true);
        stack_.set_source(name_, config.address);
    }

    void close() {
        open_ = false;
        receiver_.reset();
        if (!world_->alive()) return;
        stack_.set_up(name_, false);
        stack_.remove_address(config_.address);
    }

    void write(ByteView bytes) {
        const auto packet = whole_ipv4(bytes);
        if (!packet || !open_ || !world_->alive()) return;  // as a kernel does: what is no packet goes nowhere
        if (capture_) capture_->record(world_->instant(), *packet);
        const World::Calling calling{*world_};
        arrive(*device_, packet_of(*packet));
    }

    void transmit(const ns3::Ptr<ns3::Packet>& packet) override {
        if (!open_) return;
        if (capture_) capture_->record(world_->instant(), bytes_of(packet, buffer_));
        if (!world_->calling()) return deliver(packet);
        ns3::Simulator::ScheduleNow([self = weak_from_this(), packet] {
            if (const auto interface = self.lock()) interface->deliver(packet);
        });
    }

private:
    void deliver(const ns3::Ptr<ns3::Packet>& packet) {
        const auto self = shared_from_this();
        const auto receiver = receiver_;
        if (open_ && receiver && *receiver) (*receiver)(bytes_of(packet, buffer_));
    }

    std::shared_ptr<World> world_;
    IpStack& stack_;
    std::string name_;
    TunConfig config_;
    bool open_ = false;
    ns3::NetDevice* device_ = nullptr;
    std::shared_ptr<Capture> capture_;
    std::shared_ptr<TunDevice::Receiver> receiver_;
    Bytes buffer_;
};

namespace {

class SimTunDevice final : public TunDevice {
public:
    explicit SimTunDevice(std::shared_ptr<TunInterface> interface) : interface_(std::move(interface)) {}
    ~SimTunDevice() override { interface_->close(); }
    const TunConfig& config() const override { return interface_->config(); }
    void write(ByteView packet) override { interface_->write(packet); }
    void on_packet(Receiver receiver) override { interface_->on_packet(std::move(receiver)); }

private:
    std::shared_ptr<TunInterface> interface_;
};

}  // namespace

std::shared_ptr<TunInterface> make_tun_interface(std::shared_ptr<World> world, IpStack& stack,
                                                 const std::string& name) {
    return std::make_shared<TunInterface>(std::move(world), stack, name);
}

void capture_tun(TunInterface& interface, std::shared_ptr<Capture> capture) { interface.capture(std::move(capture)); }

Result<std::unique_ptr<TunDevice>> open_tun_device(std::shared_ptr<TunInterface> interface, const TunConfig& config) {
    if (interface->is_open()) return fail(Fault::Refused, "the tunnel device " + config.name + " is open already");
    if (config.mtu < 68) return fail(Fault::Refused, "a tunnel device's MTU is at least 68 octets (RFC 791)");
    interface->open(config);
    return std::make_unique<SimTunDevice>(std::move(interface));
}

}  // namespace gatelab::sim
