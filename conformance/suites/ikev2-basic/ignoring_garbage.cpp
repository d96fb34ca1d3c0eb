// Bytes from anybody on the gateway's ports.
#include <fmt/format.h>

#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/wire.h"
#include "conformance/worlds.h"
#include "impl/base/random.h"

namespace gatelab::conformance::families {
namespace {

using namespace std::chrono_literals;

constexpr Endpoint kStranger{Ipv4Address{203, 0, 113, 66}, 40'000};

Bytes header(std::uint8_t exchange, std::uint8_t flags, std::uint32_t length, std::uint64_t spi_r = 0) {
    ByteWriter writer;
    writer.u64(0x1122334455667788).u64(spi_r).u8(33).u8(0x20).u8(exchange).u8(flags).u32(0).u32(length);
    return writer.take();
}

Bytes with_marker(ByteView bytes) {
    Bytes out(4);
    append(out, bytes);
    return out;
}

// What RFC 7296 gives nobody a reason to answer: too short, responses that nobody asked for, an unknown SA.
std::vector<Bytes> garbage() {
    SeededRandom random{1, "garbage"};
    return {{},
            {0x00},
            random.bytes(27),
            header(kIkeSaInit, 0x28, 28, 0x99),  // a response
            header(kIkeAuth, 0x28, 28, 0x99),
            header(kInformational, 0x20, 28, 0x99)};
}

// Requests for a new SA that cannot be read. INVALID_SYNTAX may only be told inside an SA (section 3.10.1).
std::vector<Bytes> unreadable_requests() {
    std::vector<Bytes> items = {header(kIkeSaInit, 0x08, 4000),  // longer than the datagram
                                header(kIkeSaInit, 0x08, 12)};   // shorter than a header
    auto cut = header(kIkeSaInit, 0x08, 36);
    append(cut, Bytes{0x00, 0x00, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01});  // an SA payload far longer than the message
    items.push_back(cut);
    return items;
}

void send_to_both_ports(Wire& wire, const std::vector<Bytes>& items) {
    for (const auto& item : items) {
        wire.inject("isp", udp_packet(kStranger, {kGatewayAddress, 500}, item));
        wire.inject("isp", udp_packet(kStranger, {kGatewayAddress, 4500}, with_marker(item)));
    }
}

void send_garbage(Wire& wire) {
    send_to_both_ports(wire, garbage());
    SeededRandom random{2, "garbage"};
    auto unknown = random.bytes(80);
    unknown[0] |= 0x80;  // an SPI that nobody gave out, not the marker
    wire.inject("isp", udp_packet(kStranger, {kGatewayAddress, 4500}, unknown));
    wire.inject("isp", udp_packet(kStranger, {kGatewayAddress, 4500}, Bytes{0xff}));
    wire.inject("isp", udp_packet(kStranger, {kGatewayAddress, 4500}, Bytes{0x01, 0x02, 0x03}));
}

void ignores(Context& context, void (*send)(Wire&)) {
    Wire wire{context.scenario(), kInternetLink};
    send(wire);
    context.scenario().run_for(500ms);
    const auto answers = wire.count([](const WirePacket& packet) { return packet.from == "gateway"; });
    context.expect(answers == 0, "garbage is not answered", fmt::format("{} answers", answers));
    context.expect_sessions(0);
    if (!context.connect()) return;
    send(wire);
    context.scenario().run_for(500ms);
    const auto to_stranger =
        wire.count([](const WirePacket& packet) { return packet.destination.address == kStranger.address; });
    context.expect(to_stranger == 0, "nor is it while a tunnel stands", fmt::format("{} answers", to_stranger));
    context.expect_up();
    context.expect_traffic("alice", "app1");
}

// A request that was changed on the way: as if it had never come, until the true one does.
void ignores_forgery(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    const auto since = wire.packets().size();
    wire.meddle([done = false](const WirePacket& packet) mutable -> sim::Verdict {
        if (done || !packet.is_ike(kCreateChildSa, false)) return {};
        done = true;
        auto bytes = packet.bytes;
        bytes.at(packet.payload - (packet.destination.port == 4500 ? 6 : 2)) =
            0;  // no UDP checksum, so only the ICV tells
        bytes.at(packet.payload - (packet.destination.port == 4500 ? 5 : 1)) = 0;
        bytes.at(packet.payload + 28 + 4 + 16 + 3) ^= 0x40;  // past header, payload header and the longest IV
        return {sim::Verdict::Kind::Replace, std::move(bytes)};
    });
    context.client().rekey_child();
    context.scenario().run_until([&] { return context.client().status().child_rekeys == 1; }, 15s);
    context.scenario().run_for(300ms);
    const auto requests =
        wire.count([](const WirePacket& packet) { return packet.is_ike(kCreateChildSa, false); }, since);
    const auto responses =
        wire.count([](const WirePacket& packet) { return packet.is_ike(kCreateChildSa, true); }, since);
    context.expect(requests >= 2 && responses == requests - 1, "the changed request is not answered, its repetition is",
                   fmt::format("{} requests, {} responses", requests, responses));
    context.expect_up();
    context.expect_traffic("alice", "app1");
}

}  // namespace

std::vector<Case> ignoring_garbage() {
    return {
        {.id = "ignores-garbage",
         .requirements = {"RFC7296-2.21-UNPROTECTED", "RFC4303-3.4.2-UNKNOWN-SPI"},
         .sentence = "Garbage on UDP 500 and 4500 is not answered and disturbs nobody.",
         .topology = remote_access,
         .check = [](Context& context) { ignores(context, send_garbage); }},
        {.id = "ignores-unreadable-requests",
         .requirements = {"RFC7296-2.21-UNPROTECTED"},
         .sentence = "Requests for an IKE SA that cannot be read are not answered and disturb nobody.",
         .needs = {{Side::Gateway, Feature::StaySilent}},
         .topology = remote_access,
         .check =
             [](Context& context) {
                 ignores(context, [](Wire& wire) { send_to_both_ports(wire, unreadable_requests()); });
             }},
        {.id = "ignores-changed-message",
         .requirements = {"RFC7296-2.21-UNPROTECTED"},
         .sentence = "An IKE message that was changed on the way is dropped, and its true repetition answered.",
         .topology = remote_access,
         .check = ignores_forgery},
    };
}

}  // namespace gatelab::conformance::families
