#include "sim/network/device.h"

#include <ns3/channel.h>
#include <ns3/mac48-address.h>
#include <ns3/net-device.h>
#include <ns3/node.h>
#include <ns3/packet.h>

#include <algorithm>

namespace gatelab::sim {
namespace {

constexpr std::uint16_t kIpv4 = 0x0800;  // EtherType

class Device final : public ns3::NetDevice {
public:
    DeviceUser* user = nullptr;

    void receive(const ns3::Ptr<ns3::Packet>& packet) { receive_(this, packet, kIpv4, kAddress); }

    bool Send(ns3::Ptr<ns3::Packet> packet, const ns3::Address&, std::uint16_t protocol) override {
        if (!user || protocol != kIpv4) return false;
        user->transmit(packet);
        return true;
    }
    bool SendFrom(ns3::Ptr<ns3::Packet> packet, const ns3::Address&, const ns3::Address& to,
                  std::uint16_t protocol) override {
        return Send(packet, to, protocol);
    }
    bool SupportsSendFrom() const override { return false; }
    void SetReceiveCallback(ReceiveCallback callback) override { receive_ = callback; }
    void SetPromiscReceiveCallback(PromiscReceiveCallback) override {}

    void SetIfIndex(std::uint32_t index) override { index_ = index; }
    std::uint32_t GetIfIndex() const override { return index_; }
    bool SetMtu(std::uint16_t mtu) override { return mtu_ = mtu, true; }
    std::uint16_t GetMtu() const override { return mtu_; }
    void SetNode(ns3::Ptr<ns3::Node> node) override { node_ = node; }
    ns3::Ptr<ns3::Node> GetNode() const override { return node_; }
    ns3::Ptr<ns3::Channel> GetChannel() const override { return nullptr; }
    void SetAddress(ns3::Address) override {}
    ns3::Address GetAddress() const override { return kAddress; }
    bool IsLinkUp() const override { return true; }
    void AddLinkChangeCallback(ns3::Callback<void>) override {}
    bool IsBroadcast() const override { return false; }
    ns3::Address GetBroadcast() const override { return kAddress; }
    bool IsMulticast() const override { return false; }
    ns3::Address GetMulticast(ns3::Ipv4Address) const override { return kAddress; }
    ns3::Address GetMulticast(ns3::Ipv6Address) const override { return kAddress; }
    bool IsBridge() const override { return false; }
    bool IsPointToPoint() const override { return true; }
    bool NeedsArp() const override { return false; }

protected:
    void DoDispose() override {
        user = nullptr;
        node_ = nullptr;
        receive_ = ReceiveCallback();
        NetDevice::DoDispose();
    }

private:
    inline static const ns3::Address kAddress = ns3::Mac48Address("00:00:00:00:00:00");
    std::uint16_t mtu_ = 1500;
    std::uint32_t index_ = 0;
    ns3::Ptr<ns3::Node> node_;
    ReceiveCallback receive_;
};

}  // namespace

ns3::NetDevice& add_device(ns3::Node& node, std::uint16_t mtu, DeviceUser* user) {
    const auto device = ns3::CreateObject<Device>();
    device->SetMtu(mtu);
    device->user = user;
    node.AddDevice(device);
    return *device;
}

void set_user(ns3::NetDevice& device, DeviceUser* user) { static_cast<Device&>(device).user = user; }

void arrive(ns3::NetDevice& device, const ns3::Ptr<ns3::Packet>& packet) {
    static_cast<Device&>(device).receive(packet);
}

ByteView bytes_of(const ns3::Ptr<ns3::Packet>& packet, Bytes& buffer, std::size_t limit) {
    const std::size_t size = std::min<std::size_t>(packet->GetSize(), limit);
    if (buffer.size() < size) buffer.resize(size);
    packet->CopyData(buffer.data(), static_cast<std::uint32_t>(size));
    return ByteView{buffer}.first(size);
}

ns3::Ptr<ns3::Packet> packet_of(ByteView bytes) {
    return ns3::Create<ns3::Packet>(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
}

}  // namespace gatelab::sim
