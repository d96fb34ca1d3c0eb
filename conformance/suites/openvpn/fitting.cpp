// Packets that must fit through links.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "conformance/suites/openvpn/steps.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace openvpn_steps;
using namespace topologies;
using namespace std::chrono_literals;

constexpr std::uint16_t kLargestPing = 1500 - 28;  // ICMP data that fills a packet of the tunnel's MTU

std::size_t largest_data_packet(const Wire& wire) {
    std::size_t largest = 0;
    for (const auto& packet : wire.packets())
        if (packet.has_openvpn_data()) largest = std::max(largest, packet.bytes.size());
    return largest;
}

// TCP both ways at 5 Mbit/s.
Topology with_downloads(const Pair& pair, const std::function<void(Topology&)>& change) {
    auto topology = openvpn_access(pair);
    change(topology);
    for (const auto edge : boost::make_iterator_range(boost::edges(topology.graph)))
        if (topology.graph[edge].name == kInternetLink) topology.graph[edge].bits_per_second = 5'000'000;
    Flow flow;
    flow.name = "download";
    flow.kind = Flow::Kind::Tcp;
    flow.from = "app1";
    flow.to = "alice";
    flow.start = 2s;
    flow.stop = 4s;
    topology.flows.push_back(flow);
    flow.name = "upload";
    std::swap(flow.from, flow.to);
    topology.flows.push_back(flow);
    return topology;
}

void keeps_tcp_in_one_piece(Context& context) {
    constexpr std::size_t kLimit = 1492;
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    context.scenario().run_for(6s - context.scenario().now());
    const auto largest = largest_data_packet(wire);
    context.expect(largest <= kLimit, fmt::format("the largest outer packet has at most {} octets", kLimit),
                   fmt::format("{}", largest));
    const auto fragments = wire.count([](const WirePacket& packet) { return packet.kind == PacketKind::Fragment; });
    context.expect(fragments == 0, "no outer packet is fragmented", fmt::format("{} fragments", fragments));
    for (const auto& flow : context.scenario().flows())
        context.expect(flow.bytes_received > 100'000, fmt::format("the {} gets through", flow.name),
                       fmt::format("{} octets", flow.bytes_received));
}

// The segment size that a TCP SYN announces (RFC 9293 section 3.7.1); nothing for any other packet.
std::optional<std::uint16_t> announced_size(ByteView ip_packet) {
    const auto inner = inner_header(ip_packet);
    if (!inner || inner->protocol != 6) return std::nullopt;
    const auto header = static_cast<std::size_t>((ip_packet[0] & 0x0f) * 4);
    ByteReader reader{ip_packet.subspan(header)};
    reader.skip(12);
    const std::size_t size = (reader.u8() >> 4) * std::size_t{4};
    const auto flags = reader.u8();
    reader.skip(6);
    if (!reader.ok() || size < 20 || (flags & 0x02) == 0) return std::nullopt;
    ByteReader options{reader.bytes(size - 20)};
    while (options.remaining() > 0) {
        const auto kind = options.u8();
        if (kind == 0) break;
        if (kind == 1) continue;
        const auto length = options.u8();
        if (kind == 2 && length == 4) return options.u16();
        if (length < 2) break;
        options.skip(length - 2u);
    }
    return std::nullopt;
}

// `limit` with the headers of IP and UDP; mssfix may be meant with or without these 28 octets.
void announces_what_fits(Context& context, std::size_t limit, std::size_t overhead) {
    constexpr std::size_t kOuterHeaders = 28, kInnerHeaders = 40;
    Wire inside{context.scenario(), kInsideLink};
    if (!context.connect()) return;
    context.scenario().run_for(6s - context.scenario().now());
    std::optional<std::uint16_t> announced;
    for (const auto& packet : inside.packets())
        if (packet.from == "gateway")
            if (const auto size = announced_size(packet.bytes)) announced = *size;
    if (!context.expect(announced.has_value(), "a TCP SYN comes out of the tunnel and announces a segment size",
                        announced ? "it does" : "none did"))
        return;
    const auto outer = kOuterHeaders + overhead + kInnerHeaders + *announced;
    context.measure("announced", *announced);
    context.expect(
        outer <= limit && outer + kOuterHeaders + 32 >= limit,
        fmt::format("segments of the size that it announces make outer packets of at most {} octets, and not "
                    "many less",
                    limit),
        fmt::format("{} with segments of {}", outer, *announced));
}

// --- the largest inner packets ---

Topology with_large_pings(const Pair& pair, Transport transport, std::optional<std::uint16_t> fragment) {
    auto topology = over(openvpn_access(pair), transport);
    at_every_end(topology, [&](OpenVpn& end) { end.fragment = fragment; });
    for (const auto outward : {true, false}) {
        auto flow = pings(200ms, 2s, 4s, kLargestPing);
        flow.name = outward ? "outward" : "inward";
        if (!outward) std::swap(flow.from, flow.to);
        topology.flows.push_back(flow);
    }
    return topology;
}

void answers_large_pings(Context& context, std::size_t limit) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    context.scenario().run_for(6s - context.scenario().now());
    for (const auto& flow : context.scenario().flows())
        context.expect(flow.packets_sent >= 9 && flow.packets_received == flow.packets_sent,
                       fmt::format("pings of 1,500 octets {} are all answered", flow.name),
                       fmt::format("{} of {}", flow.packets_received, flow.packets_sent));
    const auto largest = largest_data_packet(wire);
    if (limit > 0)
        context.expect(largest <= limit, fmt::format("no outer packet has more than {} octets", limit),
                       fmt::format("{}", largest));
}

}  // namespace

std::vector<Case> openvpn_fitting() {
    std::vector<Case> all;
    all.push_back({.id = "keeps-tcp-in-one-piece",
                   .requirements = {"OPENVPN-MSSFIX"},
                   .sentence = "Unless told otherwise, TCP in a tunnel over UDP fits into 1,492 octets.",
                   .topology = [](const Pair& pair) { return with_downloads(pair, [](Topology&) {}); },
                   .check = keeps_tcp_in_one_piece});
    const auto announces = [&](std::string id, std::string sentence, std::size_t limit, std::size_t overhead,
                               std::function<void(Topology&)> change) {
        all.push_back({.id = std::move(id),
                       .requirements = {"OPENVPN-MSSFIX"},
                       .sentence = std::move(sentence),
                       .needs = {{Side::Client, Feature::TellSegmentSize}},
                       .topology = [=](const Pair& pair) { return with_downloads(pair, change); },
                       .check = [=](Context& context) { announces_what_fits(context, limit, overhead); }});
    };
    // Opcode, peer id, packet id and tag of P_DATA_V2; with CBC, HMAC, IV, packet id and up to a block of padding.
    constexpr std::size_t kGcm = 24, kCbc = 4 + 32 + 16 + 4 + 16;
    announces("announces-segments-that-fit", "By default TCP in the tunnel is told of segments that fit 1,492 octets.",
              1492, kGcm, [](Topology&) {});
    announces("gateway-keeps-to-mssfix", "With mssfix 1300 at the gateway alone, TCP is told of segments that fit.",
              1300 + 28, kGcm, [](Topology& topology) {
                  gateway_of(topology).openvpn.mssfix = 1300;
                  client_of(topology).openvpn.mssfix = 0;
              });
    announces("client-keeps-to-mssfix", "With mssfix 1300 at the client alone, TCP is told of segments that fit.",
              1300 + 28, kGcm, [](Topology& topology) {
                  gateway_of(topology).openvpn.mssfix = 0;
                  client_of(topology).openvpn.mssfix = 1300;
              });
    announces("keeps-to-mssfix-with-cbc", "mssfix holds with a cipher that fills up blocks, too.", 1300 + 28, kCbc,
              [](Topology& topology) {
                  at_every_end(topology, [](OpenVpn& end) {
                      end.mssfix = 1300;
                      end.data_ciphers = {"AES-256-CBC"};
                  });
              });
    all.push_back({.id = "carries-packets-of-1500-octets-over-udp",
                   .requirements = {"OPENVPN-TUN-MTU"},
                   .sentence = "Inner packets as large as the tunnel's MTU pass, though the outer ones are larger.",
                   .topology = [](const Pair& pair) { return with_large_pings(pair, Transport::Udp, std::nullopt); },
                   .check = [](Context& context) { answers_large_pings(context, 0); }});
    all.push_back({.id = "carries-packets-of-1500-octets-over-tcp",
                   .requirements = {"OPENVPN-TUN-MTU", "OPENVPN-WIRE-TCP"},
                   .sentence = "Inner packets as large as the tunnel's MTU pass over TCP.",
                   .topology = [](const Pair& pair) { return with_large_pings(pair, Transport::Tcp, std::nullopt); },
                   .check = [](Context& context) { answers_large_pings(context, 0); }});
    all.push_back(
        {.id = "cuts-packets-with-fragment",
         .requirements = {"OPENVPN-FRAGMENT"},
         .sentence = "With fragment 1200, large inner packets are cut, and put together again at the other end.",
         .needs = {{Side::Both, Feature::Fragments}},
         .topology = [](const Pair& pair) { return with_large_pings(pair, Transport::Udp, 1200); },
         .check = [](Context& context) { answers_large_pings(context, 1200 + 28); }});
    return all;
}

}  // namespace gatelab::conformance::families
