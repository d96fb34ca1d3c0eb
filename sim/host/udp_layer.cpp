#include "sim/host/udp_layer.h"

#include <ns3/ip-l4-protocol.h>
#include <ns3/ipv4-interface.h>
#include <ns3/ipv4-l3-protocol.h>
#include <ns3/ipv4-route.h>
#include <ns3/ipv6-interface.h>
#include <ns3/node.h>
#include <ns3/packet.h>

#include <array>

#include "sim/network/ipv4_packet.h"

namespace gatelab::sim {
namespace {

constexpr std::uint8_t kUdp = 17;
constexpr std::size_t kHeaderSize = 8;

// The sum that UDP's checksum begins with.
std::uint32_t pseudo_header(Ipv4Address source, Ipv4Address destination, std::size_t length) {
    const auto halves = [](std::uint32_t word) { return (word >> 16) + (word & 0xffff); };
    return halves(source.number()) + halves(destination.number()) + kUdp + static_cast<std::uint32_t>(length);
}

// The eight octets, made by hand.
class UdpHeader final : public ns3::Header {
public:
    explicit UdpHeader(const std::array<std::uint8_t, kHeaderSize>& octets) : octets_(octets) {}
    ns3::TypeId GetInstanceTypeId() const override { return ns3::Header::GetTypeId(); }
    std::uint32_t GetSerializedSize() const override { return kHeaderSize; }
    void Serialize(ns3::Buffer::Iterator at) const override { at.Write(octets_.data(), kHeaderSize); }
    std::uint32_t Deserialize(ns3::Buffer::Iterator) override { return kHeaderSize; }
    void Print(std::ostream&) const override {}

private:
    std::array<std::uint8_t, kHeaderSize> octets_;
};

class Layer final : public ns3::IpL4Protocol, public UdpLayer {
public:
    explicit Layer(ns3::Ipv4L3Protocol& ipv4) { ipv4_ = &ipv4; }
    int GetProtocolNumber() const override { return kUdp; }

    RxStatus Receive(ns3::Ptr<ns3::Packet> packet, const ns3::Ipv4Header& header,
                     ns3::Ptr<ns3::Ipv4Interface>) override {
        const Ipv4Address source{header.GetSource().Get()}, destination{header.GetDestination().Get()};
        const auto datagram = bytes_of(packet, buffer_);
        if (datagram.size() < kHeaderSize) return RX_CSUM_FAILED;
        const std::size_t length = read_u16(datagram, 4);
        if (length < kHeaderSize || length > datagram.size()) return RX_CSUM_FAILED;
        if (ns3::Node::ChecksumEnabled() && read_u16(datagram, 6) != 0 &&
            internet_checksum(datagram.first(length), pseudo_header(source, destination, length)) != 0) {
            return RX_CSUM_FAILED;
        }
        auto* user = user_at({destination, read_u16(datagram, 2)});
        if (!user) return RX_ENDPOINT_UNREACH;
        if (length < datagram.size()) packet->RemoveAtEnd(static_cast<std::uint32_t>(datagram.size() - length));
        user->receive({source, read_u16(datagram, 0)}, packet, buffer_);
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
    Bytes buffer_;
};

}  // namespace

UdpLayer& UdpLayer::install(ns3::Ipv4L3Protocol& ipv4) {
    const auto layer = ns3::Create<Layer>(ipv4);
    ipv4.Insert(layer);
    return *layer;
}

bool UdpLayer::taken(const Endpoint& local) const {
    const auto found = users_.find(local.port);
    if (found == users_.end()) return false;
    const auto& users = found->second;
    return local.address.is_unspecified() || users.contains(Ipv4Address{}) || users.contains(local.address);
}

bool UdpLayer::bind(Endpoint& local, UdpUser& user) {
    for (int tries = 0; local.port == 0 && tries < 65536 - 49152; ++tries) {
        const Endpoint candidate{local.address, next_port_};
        next_port_ = next_port_ == 65535 ? 49152 : static_cast<std::uint16_t>(next_port_ + 1);
        if (!taken(candidate)) local = candidate;
    }
    if (local.port == 0 || taken(local)) return false;
    users_[local.port][local.address] = &user;
    return true;
}

void UdpLayer::release(const Endpoint& local) {
    const auto found = users_.find(local.port);
    if (found == users_.end()) return;
    found->second.erase(local.address);
    if (found->second.empty()) users_.erase(found);
}

UdpUser* UdpLayer::user_at(Endpoint local) const {
    const auto found = users_.find(local.port);
    if (found == users_.end()) return nullptr;
    auto user = found->second.find(local.address);
    if (user == found->second.end()) user = found->second.find(Ipv4Address{});
    return user == found->second.end() ? nullptr : user->second;
}

void UdpLayer::send(Endpoint from, Endpoint to, ByteView payload, ns3::Ipv4Route& route) {
    const std::size_t length = kHeaderSize + payload.size();
    std::array<std::uint8_t, kHeaderSize> octets{};
    write_u16(octets, 0, from.port);
    write_u16(octets, 2, to.port);
    write_u16(octets, 4, static_cast<std::uint16_t>(length));
    if (ns3::Node::ChecksumEnabled()) {
        const std::uint32_t head =
            pseudo_header(from.address, to.address, length) + from.port + to.port + static_cast<std::uint32_t>(length);
        const std::uint16_t checksum = internet_checksum(payload, head);
        write_u16(octets, 6, checksum == 0 ? 0xffff : checksum);
    }
    const auto packet = packet_of(payload);
    packet->AddHeader(UdpHeader{octets});
    ipv4_->Send(packet, ns3::Ipv4Address(from.address.number()), ns3::Ipv4Address(to.address.number()), kUdp, &route);
}

}  // namespace gatelab::sim
