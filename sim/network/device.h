// The least that ns-3 takes for a network device: no framing, no addresses, no queue.
#pragma once

#include <cstdint>

#include "impl/base/bytes.h"

namespace ns3 {
class NetDevice;
class Node;
class Packet;
template <typename T>
class Ptr;
}  // namespace ns3

namespace gatelab::sim {

// What lies behind a device: takes the IP packets that the node sends through it.
class DeviceUser {
public:
    virtual ~DeviceUser() = default;
    virtual void transmit(const ns3::Ptr<ns3::Packet>& packet) = 0;
};

// Adds a device to the node, which owns it. `user` stays until the simulator's end or the next set_user().
ns3::NetDevice& add_device(ns3::Node& node, std::uint16_t mtu, DeviceUser* user);
// With nullptr, what the node sends is dropped.
void set_user(ns3::NetDevice& device, DeviceUser* user);
// Hands an IPv4 packet to the node as received on the device.
void arrive(ns3::NetDevice& device, const ns3::Ptr<ns3::Packet>& packet);

// The bytes of a packet, or of its first `limit`, copied to `buffer`, which only grows.
ByteView bytes_of(const ns3::Ptr<ns3::Packet>& packet, Bytes& buffer, std::size_t limit = SIZE_MAX);
ns3::Ptr<ns3::Packet> packet_of(ByteView bytes);

}  // namespace gatelab::sim
