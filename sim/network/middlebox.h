// The nodes without an IP stack, on ns-3 links: packet filter, translator, and ports to programs outside.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/network/link.h"
#include "sim/network/packet_filter.h"
#include "sim/network/translator.h"

namespace gatelab::sim {

// A node that is a Box: it has an ns-3 node for its devices, and knows its links.
class BoxNode : public Box {
public:
    BoxNode(World& world, std::string name);
    ns3::Node& node() { return *node_; }
    const std::string& name() const { return name_; }
    std::size_t links() const { return links_.size(); }
    // Called for each link of the node, in order.
    virtual void add_link(Link& link, int side, const std::string& neighbour);

protected:
    void send(std::size_t interface, const ns3::Ptr<ns3::Packet>& packet);
    void tell(std::string_view component, std::vector<Trace> traces);

    World& world_;

private:
    struct Attachment {
        Link* link;
        int side;
    };
    std::string name_;
    ns3::Node* node_;
    std::vector<Attachment> links_;
};

class FilterNode final : public BoxNode {
public:
    FilterNode(World& world, std::string name, topologies::Firewall firewall);
    void add_link(Link& link, int side, const std::string& neighbour) override;
    void handle(std::size_t interface, const ns3::Ptr<ns3::Packet>& packet) override;

private:
    std::string inside_name_;
    std::size_t inside_ = 0;
    PacketFilter filter_;
    Bytes buffer_;
};

class NatNode final : public BoxNode {
public:
    NatNode(World& world, std::string name, topologies::Nat nat);
    void add_link(Link& link, int side, const std::string& neighbour) override;
    void handle(std::size_t interface, const ns3::Ptr<ns3::Packet>& packet) override;

private:
    std::string outside_name_;
    std::size_t outside_ = SIZE_MAX;
    Translator translator_;
    Bytes buffer_;
};

class PortNode final : public BoxNode, public Port {
public:
    using BoxNode::BoxNode;
    void add_link(Link& link, int side, const std::string& neighbour) override;
    void handle(std::size_t interface, const ns3::Ptr<ns3::Packet>& packet) override;
    void on_packet(Receiver receiver) override;
    void inject(ByteView packet) override;

private:
    void enter(ByteView packet);
    std::shared_ptr<Receiver> receiver_;
    std::uint64_t malformed_ = 0;
    Bytes buffer_;
};

}  // namespace gatelab::sim
