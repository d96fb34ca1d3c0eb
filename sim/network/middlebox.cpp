#include "sim/network/middlebox.h"

#include <ns3/node.h>
#include <ns3/packet.h>

#include <bit>

namespace gatelab::sim {

BoxNode::BoxNode(World& world, std::string name)
    : world_(world), name_(std::move(name)), node_(ns3::PeekPointer(ns3::CreateObject<ns3::Node>())) {}

void BoxNode::add_link(Link& link, int side, const std::string&) {
    link.attach(side, *this, links_.size());
    links_.push_back({&link, side});
}

void BoxNode::send(std::size_t interface, const ns3::Ptr<ns3::Packet>& packet) {
    links_[interface].link->send(links_[interface].side, packet);
}

void BoxNode::tell(std::string_view component, std::vector<Trace> traces) {
    for (auto& trace : traces) world_.emit(name_, component, std::move(trace));
}

FilterNode::FilterNode(World& world, std::string name, topologies::Firewall firewall)
    : BoxNode(world, std::move(name)), inside_name_(firewall.inside), filter_(std::move(firewall)) {}

void FilterNode::add_link(Link& link, int side, const std::string& neighbour) {
    require(links() < 2, "the packet filter " + name() + " has more than two links");
    if (neighbour == inside_name_) inside_ = links();
    BoxNode::add_link(link, side, neighbour);
}

void FilterNode::handle(std::size_t interface, const ns3::Ptr<ns3::Packet>& packet) {
    using Direction = PacketFilter::Direction;
    if (links() < 2) return;
    const auto direction = interface == inside_ ? Direction::Outbound : Direction::Inbound;
    if (filter_.pass(world_.now(), direction, bytes_of(packet, buffer_, PacketFilter::kHead))) {
        send(1 - interface, packet);
    }
    for (const auto& answer : filter_.take_answers()) {
        send(answer.direction == Direction::Outbound ? 1 - inside_ : inside_, packet_of(answer.packet));
    }
    tell("filter", filter_.drain());
}

NatNode::NatNode(World& world, std::string name, topologies::Nat nat)
    : BoxNode(world, std::move(name)), outside_name_(nat.outside), translator_(std::move(nat)) {}

void NatNode::add_link(Link& link, int side, const std::string& neighbour) {
    if (neighbour == outside_name_) outside_ = links();
    BoxNode::add_link(link, side, neighbour);
}

void NatNode::handle(std::size_t interface, const ns3::Ptr<ns3::Packet>& packet) {
    const auto size = bytes_of(packet, buffer_).size();
    const auto bytes = ByteSpan{buffer_}.first(size);
    const auto time_to_live = bytes[8];
    if (outside_ == SIZE_MAX || time_to_live <= 1) return;
    const bool outbound = interface != outside_;
    const auto decision =
        outbound ? translator_.outbound(world_.now(), interface, bytes) : translator_.inbound(world_.now(), bytes);
    tell("nat", translator_.drain());
    if (!decision.pass) return;
    rewrite_u16(bytes, 8, static_cast<std::uint16_t>((time_to_live - 1) << 8 | bytes[9]), 10);
    send(outbound && !decision.hairpin ? outside_ : decision.inside, packet_of(bytes));
}

void PortNode::add_link(Link& link, int side, const std::string& neighbour) {
    require(links() == 0, "the port " + name() + " has more than one link");
    BoxNode::add_link(link, side, neighbour);
}

void PortNode::handle(std::size_t, const ns3::Ptr<ns3::Packet>& packet) {
    const auto receiver = receiver_;
    if (receiver && *receiver) (*receiver)(bytes_of(packet, buffer_));
}

void PortNode::on_packet(Receiver receiver) { receiver_ = std::make_shared<Receiver>(std::move(receiver)); }

void PortNode::inject(ByteView packet) {
    world_.call_soon([this, copy = copy_of(packet)] { enter(copy); });
}

void PortNode::enter(ByteView packet) {
    if (links() == 0) return;
    if (const auto whole = whole_ipv4(packet)) return send(0, packet_of(*whole));
    if (std::has_single_bit(++malformed_)) {
        world_.emit(name(), "port",
                    {"packet-dropped",
                     {{"reason", std::string("not a whole IPv4 packet without options")},
                      {"count", static_cast<std::int64_t>(malformed_)}}});
    }
}

}  // namespace gatelab::sim
