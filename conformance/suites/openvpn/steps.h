// What many cases of OpenVPN look at, and do.
#pragma once

#include <string>
#include <vector>

#include "conformance/context.h"
#include "conformance/wire.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::openvpn_steps {

// A lost packet is sent again after 2 s, or after the 30 s of Azure's profile; a handshake has 60 s.
constexpr Duration kHandshake = std::chrono::seconds(90);
// OpenVPN's server keeps a session for 5 s more once it has been told of its end.
constexpr Duration kForgets = std::chrono::seconds(10);

// Everything that `from` ("isp", "gateway") put on the link and that carries inner packets.
std::vector<WirePacket> data_from(const Wire&, const std::string& from);
// How often packets of that kind came from there.
std::size_t count(const Wire&, std::uint8_t opcode, const std::string& from, std::size_t since = 0);

// Texts of control messages that a node sent or received, as its event log has them ("AUTH_FAILED,...").
std::vector<std::string> control_messages(Context&, const std::string& node, const std::string& event);

// Opens the tunnel and sees packets pass both ways.
bool connects(Context&, const std::string& user = "alice", Duration limit = std::chrono::seconds(20));
bool carries_both_ways(Context&, const std::string& user = "alice", int count = 2);

// Changes to a topology.
topologies::Topology over(topologies::Topology, topologies::Transport);
topologies::Flow pings(Duration interval, Duration start, Duration stop, std::uint16_t size = 56);

}  // namespace gatelab::conformance::openvpn_steps
