// An hour of OpenVPN over UDP where nothing stays as it is: keys of a minute, a lossy line, a NAT that rebinds.
//
// Every outer data packet is counted on the three links that lose nothing; so each inner packet that does not arrive
// can be laid at the lossy line's door, at the NAT's, or at that of one of the two ends.
#include <gtest/gtest.h>

#include "impl/openvpn/packet.h"
#include "sim/scenario.h"
#include "topologies/yaml/reader.h"

namespace gatelab::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kHour = R"(
name: openvpn-hour
duration: 61min
clients:
  alice: {address: 192.168.1.10, tunnels: openvpn, openvpn: {transport: udp, renegotiate: 1min}}
routers: [street, isp]
nats:
  home: {outside: street, outside_address: 198.51.100.77, rebind_every: 5min}
gateways:
  gateway:
    virtual_network: vnet1
    public_address: 203.0.113.10
    point_to_site:
      address_pool: 172.16.201.0/24
      root_certificates: [P2SRootCert]
      tunnel_types: [openvpn]
      openvpn: {tcp_port: none, udp_port: 1194, renegotiate: 1min}
virtual_networks:
  vnet1: {address_space: [10.1.0.0/16], subnets: {GatewaySubnet: 10.1.255.0/27, servers: 10.1.0.0/24}}
virtual_machines:
  web: {virtual_network: vnet1, address: 10.1.0.4}
links:
  alice-home: {delay: 1ms}
  home-street: {delay: 1ms}
  street-isp: {rate: 50Mbps, delay: 8ms, loss: 1%}
  isp-gateway: {delay: 5ms}
flows:
  up: {kind: udp, from: alice, to: web, start: 10s, stop: 60min, rate: 32kbps, packet_size: 200}
  down: {kind: udp, from: web, to: alice, start: 10s, stop: 60min, rate: 32kbps, packet_size: 200}
)";

// A data packet of OpenVPN that carries one of the flows' packets, and not a ping.
bool carries_traffic(ByteView ip) {
    constexpr std::size_t kHeaders = 28, kInner = 228;  // IPv4 and UDP; and once more inside, with 200 octets
    if (ip.size() < kHeaders + kInner || ip[9] != static_cast<std::uint8_t>(IpProtocol::Udp)) return false;
    const auto head = openvpn::head_of(ip.subspan(kHeaders));
    return head && openvpn::is_data(head->opcode);
}

// How many of them each node put on a link.
class Counter {
public:
    Counter(Scenario& scenario, const std::string& link) {
        scenario.intercept(link, [this](const std::string& from, ByteView packet) {
            if (carries_traffic(packet)) ++from_[from];
            return Verdict{};
        });
    }
    std::uint64_t from(const std::string& node) const {
        const auto found = from_.find(node);
        return found == from_.end() ? 0 : found->second;
    }

private:
    std::map<std::string, std::uint64_t> from_;
};

TEST(OpenVpnHour, LosesNoInnerPacketButThoseThatTheNetworkLoses) {
    const auto topology = topologies::parse(kHour, "hour.yaml").topology.value();
    const auto scenario = Scenario::create(topology, {.captures = false}).value();
    const Counter at_alice{*scenario, "alice-home"}, at_home{*scenario, "home-street"},
        at_gateway{*scenario, "isp-gateway"};
    ASSERT_TRUE(run_to_end(*scenario, topology.duration));

    const auto client = scenario->client("alice").status();
    ASSERT_TRUE(client.up) << client.failure;
    EXPECT_GE(client.child_rekeys, 58) << "a new key every minute";
    ASSERT_EQ(scenario->gateway("gateway").sessions().size(), 1u);
    const auto* session = scenario->gateway("gateway").session(scenario->gateway("gateway").sessions().front());
    EXPECT_GE(session->status().moved, 11u) << "the session followed the NAT every five minutes";

    const auto flows = scenario->flows();
    const auto &up = flows.at(0), &down = flows.at(1);
    EXPECT_GT(up.packets_sent, 70'000u);
    EXPECT_GT(down.packets_sent, 70'000u);
    // No end keeps a packet to itself.
    EXPECT_EQ(at_alice.from("alice"), up.packets_sent);
    EXPECT_EQ(at_gateway.from("isp"), up.packets_received);
    EXPECT_EQ(at_gateway.from("gateway"), down.packets_sent);
    EXPECT_EQ(at_alice.from("home"), down.packets_received);
    // What the network lost.
    const auto line_up = at_home.from("home") - at_gateway.from("isp");
    const auto line_down = at_gateway.from("gateway") - at_home.from("street");
    const auto nat_down = at_home.from("street") - at_alice.from("home");
    EXPECT_EQ(at_home.from("home"), at_alice.from("alice")) << "the NAT lets everything out";
    EXPECT_EQ(up.packets_sent - up.packets_received, line_up);
    EXPECT_EQ(down.packets_sent - down.packets_received, line_down + nat_down);
    EXPECT_NEAR(static_cast<double>(line_up) / static_cast<double>(up.packets_sent), 0.01, 0.003);
    EXPECT_NEAR(static_cast<double>(line_down) / static_cast<double>(down.packets_sent), 0.01, 0.003);
    // At each rebinding, what was on its way to the old port, until the client has spoken from the new one.
    EXPECT_LE(nat_down, 12u * 4u);
    RecordProperty("sent_up", static_cast<int>(up.packets_sent));
    RecordProperty("lost_up_at_the_line", static_cast<int>(line_up));
    RecordProperty("sent_down", static_cast<int>(down.packets_sent));
    RecordProperty("lost_down_at_the_line", static_cast<int>(line_down));
    RecordProperty("lost_down_at_the_nat", static_cast<int>(nat_down));
    RecordProperty("renegotiations", client.child_rekeys);
    RecordProperty("moved", static_cast<int>(session->status().moved));
}

}  // namespace
}  // namespace gatelab::sim
