// A point-to-point link as a pair of ns-3 devices.
//
// Each direction: interceptor, MTU, a drop-tail queue in front of the transmitter, loss, what else the link or a fault
// does to packets (impairments.h), delay. The queue is a number, the time at which the transmitter falls idle, so a
// packet costs one event per link, and another where the node at the far end has a processing delay.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "sim/network/capture.h"
#include "sim/network/device.h"
#include "sim/network/world.h"

namespace gatelab::sim {

class Impairments;

// A node without an IP stack: gets what arrives on its links as it is.
class Box {
public:
    virtual ~Box() = default;
    // `interface` counts the node's links from 0, in the order in which they were connected.
    virtual void handle(std::size_t interface, const ns3::Ptr<ns3::Packet>& packet) = 0;
};

class Link {
public:
    // Adds a device to each of two nodes.
    Link(World& world, topologies::Link spec, std::array<std::string, 2> names, std::array<ns3::Node*, 2> nodes);
    ~Link();

    const topologies::Link& spec() const;
    const std::array<std::string, 2>& ends() const;  // the nodes' names
    int side_of(const std::string& node) const;      // 0 or 1; precondition: it is an end
    ns3::NetDevice& device(int side);
    // What arrives at `side` is seen that much later than it arrived; captures show when it arrived.
    void set_processing_delay(int side, Duration);
    void attach(int side, Box& box, std::size_t interface);  // arrivals go to the box rather than to an IP stack

    // Sends from `side`; past the interceptor unless told otherwise.
    void send(int side, const ns3::Ptr<ns3::Packet>& packet, bool interceptable = true);
    void capture(int side, std::shared_ptr<Capture>);
    void intercept(Interceptor);
    void add_fault(const topologies::LinkFault&, std::size_t number);  // counts the topology's faults from 1
    LinkCounters counters(int side) const;

private:
    Impairments& impairments();

    struct Core;
    std::unique_ptr<Core> core_;
};

}  // namespace gatelab::sim
