// What ESP carries, and how it looks on the wire.
#include <fmt/format.h>

#include <map>

#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/wire.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

using namespace std::chrono_literals;

topologies::Topology with_cbc(const Pair& pair) {
    auto topology = remote_access(pair);
    client_of(topology).ipsec_policy = {"AES_CBC-256/HMAC_SHA2_256_128"};
    return topology;
}

topologies::Topology with_bulk(const Pair& pair) {
    auto topology = remote_access(pair);
    topologies::Flow flow;
    flow.kind = topologies::Flow::Kind::Tcp;
    flow.name = "bulk";
    flow.from = "alice";
    flow.to = "app1";
    flow.start = 1s;
    flow.stop = 2s;
    topology.flows.push_back(flow);
    for (const auto edge : boost::make_iterator_range(boost::edges(topology.graph)))
        topology.graph[edge].bits_per_second = 20'000'000;
    return topology;
}

void expect_kind(Context& context, const Wire& wire, PacketKind kind, const std::string& how) {
    const auto* other = wire.first([=](const WirePacket& packet) { return packet.is_esp() && packet.kind != kind; });
    const auto carried = wire.count([=](const WirePacket& packet) { return packet.kind == kind; });
    context.expect(!other && carried >= 4, fmt::format("all ESP is {}", how),
                   other ? other->describe() : fmt::format("{} packets are", carried));
}

void carries(Context& context, PacketKind kind, const std::string& how) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    context.expect_traffic("alice", "app1");
    context.expect_traffic("app1", "alice");
    expect_kind(context, wire, kind, how);
}

void carries_cbc(Context& context) {
    if (!context.connect()) return;
    context.expect_equal("the child SA's suite", "AES_CBC-256/HMAC_SHA2_256_128",
                         context.client().status().child_suite);
    context.expect_traffic("alice", "app1");
    context.expect_traffic("app1", "alice");
}

void carries_bulk(Context& context) {
    if (!context.connect()) return;
    context.scenario().run_for(3s - context.scenario().now());
    const auto flow = context.scenario().flows().at(0);
    context.measure("goodput_mbps", flow.goodput_bps / 1e6);
    context.expect(flow.bytes_received > 200'000, "a TCP transfer moves data for a second",
                   fmt::format("{} bytes", flow.bytes_received));
    context.expect_traffic("alice", "app1");
}

void numbers_packets(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    context.expect_traffic("alice", "app1", 5);
    context.expect_traffic("app1", "alice", 3);
    std::map<std::uint32_t, std::uint32_t> next;
    std::string wrong;
    for (const auto& packet : wire.packets()) {
        if (!packet.is_esp()) continue;
        const auto expected = ++next[packet.spi];
        if (packet.sequence != expected && wrong.empty())
            wrong = fmt::format("{} where #{} was due", packet.describe(), expected);
    }
    context.expect(next.size() == 2, "one SA each way is in use", fmt::format("{}", next.size()));
    context.expect(wrong.empty(), "sequence numbers start at 1 and grow by one", wrong.empty() ? "they do" : wrong);
}

}  // namespace

std::vector<Case> carrying() {
    return {
        {.id = "carries-native-esp",
         .requirements = {"RFC4303-3.1.2-TUNNEL", "RFC4106-3-GCM", "P2S-PROTO-03"},
         .sentence = "Without a NAT, packets travel both ways as IP protocol 50.",
         .needs = {{Side::Both, Feature::NativeEsp}},
         .topology = remote_access,
         .check = [](Context& context) { carries(context, PacketKind::Esp, "IP protocol 50"); }},
        {.id = "carries-native-esp-with-cbc-and-hmac",
         .requirements = {"RFC4303-3.1.2-TUNNEL", "RFC4868-2-HMAC", "P2S-PROTO-03"},
         .sentence = "Without a NAT, packets under AES-CBC with HMAC-SHA2-256 travel both ways as IP protocol 50.",
         .needs = {{Side::Both, Feature::NativeEsp}},
         .topology = with_cbc,
         .check = [](Context& context) { carries(context, PacketKind::Esp, "IP protocol 50"); }},
        {.id = "carries-esp-in-udp",
         .requirements = {"RFC4303-3.1.2-TUNNEL", "RFC4106-3-GCM", "RFC3948-2.1-ENCAPSULATION"},
         .sentence = "Behind a NAT, packets travel both ways inside UDP port 4500.",
         .topology = remote_access_behind_nat,
         .check = [](Context& context) { carries(context, PacketKind::EspInUdp, "in UDP port 4500"); },
         .in_real_time_too = true},
        {.id = "carries-with-cbc-and-hmac",
         .requirements = {"RFC4303-3.1.2-TUNNEL", "RFC4868-2-HMAC"},
         .sentence = "AES-CBC with HMAC-SHA2-256 carries packets both ways.",
         .topology = with_cbc,
         .check = carries_cbc},
        {.id = "carries-a-bulk-transfer",
         .requirements = {"RFC4303-3.1.2-TUNNEL"},
         .sentence = "A TCP transfer with full-sized packets goes through the tunnel.",
         .topology = with_bulk,
         .check = carries_bulk,
         .in_real_time_too = true},
        {.id = "numbers-packets-one-by-one",
         .requirements = {"RFC4303-2.2-SEQUENCE"},
         .sentence = "The sequence numbers of each SA start at 1 and grow by one with each packet.",
         .topology = remote_access,
         .check = numbers_packets},
    };
}

}  // namespace gatelab::conformance::families
