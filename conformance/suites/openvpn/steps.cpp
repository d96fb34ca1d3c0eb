#include "conformance/suites/openvpn/steps.h"

#include <algorithm>
#include <utility>

namespace gatelab::conformance::openvpn_steps {

std::vector<WirePacket> data_from(const Wire& wire, const std::string& from) {
    return wire.all([&](const WirePacket& packet) { return packet.from == from && packet.has_openvpn_data(); });
}

std::size_t count(const Wire& wire, std::uint8_t opcode, const std::string& from, std::size_t since) {
    return wire.count([&](const WirePacket& packet) { return packet.from == from && packet.has_openvpn(opcode); },
                      since);
}

std::vector<std::string> control_messages(Context& context, const std::string& node, const std::string& event) {
    std::vector<std::string> found;
    for (const auto& one : context.scenario().events())
        if (one.node == node && one.event == event)
            if (auto text = text_of(one.attributes, "text"); !text.empty()) found.push_back(std::move(text));
    return found;
}

bool carries_both_ways(Context& context, const std::string& user, int count) {
    return context.expect_traffic(user, "app1", count) && context.expect_traffic("app1", user, count);
}

bool connects(Context& context, const std::string& user, Duration limit) {
    return context.connect(user, limit) && carries_both_ways(context, user);
}

topologies::Topology over(topologies::Topology topology, topologies::Transport transport) {
    use_transport(topology, transport);
    return topology;
}

topologies::Flow pings(Duration interval, Duration start, Duration stop, std::uint16_t size) {
    topologies::Flow flow;
    flow.name = "pings";
    flow.from = "alice";
    flow.to = "app1";
    flow.start = start;
    flow.stop = stop;
    flow.interval = interval;
    flow.packet_size = size;
    return flow;
}

}  // namespace gatelab::conformance::openvpn_steps
