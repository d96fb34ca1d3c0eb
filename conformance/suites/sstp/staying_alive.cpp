// Idle tunnels, dead ones, and how they end.
#include <fmt/format.h>

#include "conformance/suites/sstp/steps.h"
#include "conformance/suites/suites.h"
#include "sim/network/ipv4_packet.h"

namespace gatelab::conformance::families {
namespace {

using namespace sstp_steps;
using namespace topologies;
using namespace std::chrono_literals;

constexpr Duration kHello = 60s;

// PPP's own echo comes after 30 s of silence and starts the hello timer anew, so the timer is shorter here; and it is
// at one end, so that each can be counted.
constexpr Duration kShortHello = 10s;

Topology asking_from(const Pair& pair, Side side) {
    auto topology = sstp_access(pair);
    auto& gateway = gateway_of(topology).sstp;
    if (side == Side::Client) {
        gateway.hello = 0s;
        client_of(topology).sstp.hello = kShortHello;
    } else {
        gateway.hello = kShortHello;
    }
    return topology;
}

void asks_when_idle(Context& context, Side side) {
    const bool by_client = side == Side::Client;
    if (!connects(context)) return;
    const auto since = context.scenario().now();
    context.scenario().run_for(10min + 2s);
    const auto asked = messages(context, by_client ? kReceived : kSent, "echo-request", since);
    const auto answered = messages(context, by_client ? kSent : kReceived, "echo-response", since);
    context.measure("hellos", static_cast<double>(asked));
    // PPP's echoes may take the place of a third of them.
    context.expect(asked >= 35 && asked <= 60,
                   fmt::format("in 10 idle minutes the {} asks 35 to 60 times", by_client ? "client" : "gateway"),
                   times(asked));
    context.expect(answered == asked, "each Echo Request is answered", times(answered));
    context.expect_up();
    context.expect_sessions(1);
}

// Packets pass every 20 s: nobody has to ask.
Topology busy(const Pair& pair) {
    auto topology = sstp_access(pair);
    topology.flows.push_back(pings(20s, 5s, 605s));
    return topology;
}

void does_not_ask_when_busy(Context& context) {
    if (!context.connect()) return;
    context.scenario().run_for(600s - context.scenario().now());
    const auto asked = messages(context, kReceived, "echo-request") + messages(context, kSent, "echo-request");
    context.expect(asked == 0, "as long as packets come, no end asks whether the other is there", times(asked));
    context.expect_up();
}

void idles_for_an_hour(Context& context) {
    if (!connects(context)) return;
    context.scenario().run_for(1h);
    if (!context.expect_up()) return;
    context.expect_sessions(1);
    carries_both_ways(context);
}

// Nothing passes from some moment on.
void client_notices_silence(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!connects(context)) return;
    const auto cut = context.scenario().now();
    wire.drop_all([](const WirePacket&) { return true; });
    context.scenario().run_until([&] { return !context.client().status().up; }, 2 * kHello + 30s);
    const auto waited = context.scenario().now() - cut;
    context.measure("noticed_s", seconds(waited));
    context.expect(!context.client().status().up && waited >= kHello,
                   "the client gives the gateway up after 60 to 150 s of silence",
                   fmt::format("{} after {:.0f} s", describe(context.client().status()), seconds(waited)));
    const auto status = context.client().status();
    context.expect(
        status.failure == "peer-silent" || status.failure == "connection-lost" || status.failure == "peer-disconnected",
        "it says that the gateway fell silent, or that the connection is lost", describe(status));
    for (const auto& event : context.scenario().events())
        if (event.node == "alice" && event.event == kSent && text_of(event.attributes, "type") == "call-abort")
            context.expect(false, "the client says nothing to one that does not hear", "it sends a Call Abort");
}

void gateway_notices_silence(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!connects(context) || !context.expect_sessions(1)) return;
    const auto cut = context.scenario().now();
    wire.drop_all([](const WirePacket&) { return true; });
    context.scenario().run_until([&] { return context.gateway().sessions().empty(); }, 2 * kHello + 15s);
    const auto waited = context.scenario().now() - cut;
    context.measure("noticed_s", seconds(waited));
    context.expect(context.gateway().sessions().empty() && waited >= kHello,
                   "the gateway gives the client up after 60 to 135 s of silence",
                   fmt::format("{} sessions after {:.0f} s", context.gateway().sessions().size(), seconds(waited)));
    const auto aborts = messages(context, kSent, "call-abort", cut);
    context.expect(aborts == 0, "without a Call Abort", times(aborts));
    const auto asked = messages(context, kSent, "echo-request", cut);
    context.expect(asked >= 1, "it has asked before", times(asked));
}

void survives_an_outage(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!connects(context)) return;
    wire.drop_all([](const WirePacket&) { return true; });
    context.scenario().run_for(20s);
    wire.meddle(nullptr);
    context.scenario().run_for(20s);
    context.expect_up();
    carries_both_ways(context);
    context.expect_sessions(1);
}

// A segment with RST set and the sequence number that comes next.
Bytes reset_after(const WirePacket& packet) {
    auto bytes = tcp_part(packet, packet.inside().size(), 0);
    const auto ip_size = static_cast<std::size_t>((bytes.at(0) & 0x0f) * 4);
    bytes.at(ip_size + 13) = 0x14;  // RST, ACK
    sim::refresh_checksums(bytes);
    return bytes;
}

void is_cut_by(Context& context, const std::string& from) {
    Wire wire{context.scenario(), kInternetLink};
    if (!connects(context) || !context.expect_sessions(1)) return;
    const WirePacket* last = nullptr;
    for (const auto& packet : wire.packets())
        if (packet.from == from && packet.kind == PacketKind::Stream) last = &packet;
    if (!context.expect(last != nullptr, "there are segments", "there are none")) return;
    wire.inject(from, reset_after(*last));
    const auto over = [&] {
        return from == "gateway" ? !context.client().status().up : context.gateway().sessions().empty();
    };
    context.scenario().run_until(over, 10s);
    if (from == "gateway") {
        const auto status = context.client().status();
        context.expect(!status.up && !status.failure.empty(), "the client's tunnel ends at once, with a reason",
                       describe(status));
    } else {
        context.expect_sessions(0);
    }
}

// --- hanging up ---

void client_hangs_up(Context& context) {
    if (!connects(context) || !context.expect_sessions(1)) return;
    const auto since = context.scenario().now();
    if (!context.hang_up("alice", 15s)) return;
    context.scenario().run_for(6s);
    const auto said = messages(context, kReceived, "call-disconnect", since);
    const auto acknowledged = messages(context, kSent, "call-disconnect-ack", since);
    const auto closed = ppp_messages(context, kReceived, "lcp", "terminate-request", since);
    // When both ends say so at once, each acknowledges the other's.
    const auto by_gateway = messages(context, kSent, "call-disconnect", since);
    context.expect(closed >= 1, "PPP ends by a Terminate-Request", times(closed));
    context.expect(said >= 1 || by_gateway >= 1, "the call ends by a Call Disconnect",
                   fmt::format("{} from the client, {} from the gateway", said, by_gateway));
    context.expect(acknowledged == said, "the gateway acknowledges the client's", times(acknowledged));
    const auto aborts =
        messages(context, kSent, "call-abort", since) + messages(context, kReceived, "call-abort", since);
    context.expect(aborts == 0, "nobody aborts", times(aborts));
    context.expect_sessions(0);
}

void gateway_hangs_up(Context& context) {
    if (!connects(context)) return;
    auto* session = context.only_session();
    if (!session) return;
    const auto since = context.scenario().now();
    session->disconnect();
    context.scenario().run_until([&] { return !context.client().status().up; }, 10s);
    context.expect(!context.client().status().up, "the client leaves the tunnel at once",
                   describe(context.client().status()));
    const auto reason = context.client().status().failure;
    context.expect(!reason.empty(), "and says why", reason.empty() ? "nothing" : reason);
    context.expect_sessions(0, 15s);
    const auto closed = ppp_messages(context, kSent, "lcp", "terminate-request", since);
    context.expect(closed >= 1, "PPP ends by a Terminate-Request", times(closed));
    const auto said =
        messages(context, kSent, "call-disconnect", since) + messages(context, kReceived, "call-disconnect", since);
    context.expect(said >= 1, "the call ends by a Call Disconnect", times(said));
}

// --- a gateway that starts anew ---

void comes_back(Context& context) {
    if (!connects(context) || !context.expect_sessions(1)) return;
    context.expect(context.gateway().restart(), "the gateway is started anew", "it cannot be");
    const auto restarted = context.scenario().now();
    context.scenario().run_until([&] { return !context.client().status().up; }, 2 * kHello + 30s);
    context.measure("noticed_s", seconds(context.scenario().now() - restarted));
    if (!context.expect(!context.client().status().up, "the client notices within 150 s",
                        describe(context.client().status())))
        return;
    context.scenario().run_for(2s);
    if (!connects(context)) return;
    context.expect_sessions(1);
}

}  // namespace

std::vector<Case> sstp_staying_alive() {
    std::vector<Case> all;
    const auto add = [&](std::string id, std::vector<std::string> requirements, std::string sentence,
                         std::function<Topology(const Pair&)> topology, std::function<void(Context&)> check,
                         std::vector<Need> needs = {{Side::Both, Feature::VirtualTime}}) {
        all.push_back({.id = std::move(id),
                       .requirements = std::move(requirements),
                       .sentence = std::move(sentence),
                       .needs = std::move(needs),
                       .topology = std::move(topology),
                       .check = std::move(check)});
    };
    add(
        "client-asks-after-silence", {"SSTP-26", "SSTP-30"},
        "After each 10 s of silence, as it is told, the client asks whether the gateway is there, and is answered.",
        [](const Pair& pair) { return asking_from(pair, Side::Client); },
        [](Context& context) { asks_when_idle(context, Side::Client); },
        {{Side::Both, Feature::VirtualTime}, {Side::Client, Feature::HelloTime}});
    add(
        "gateway-asks-after-silence", {"SSTP-26", "SSTP-30"},
        "After each 10 s of silence, as it is told, the gateway asks whether the client is there, and is answered.",
        [](const Pair& pair) { return asking_from(pair, Side::Gateway); },
        [](Context& context) { asks_when_idle(context, Side::Gateway); });
    add("does-not-ask-while-packets-come", {"SSTP-26"}, "Any packet starts the hello timer anew.", busy,
        does_not_ask_when_busy);
    add("idles-for-an-hour", {"SSTP-26"}, "An idle tunnel is still there after an hour.", sstp_access,
        idles_for_an_hour);
    add("client-notices-a-dead-gateway", {"SSTP-26"},
        "A client whose question stays unanswered drops the connection without a Call Abort.", sstp_access,
        client_notices_silence);
    add("gateway-notices-a-dead-client", {"SSTP-26"},
        "A gateway whose question stays unanswered drops the connection without a Call Abort.", sstp_access,
        gateway_notices_silence);
    add("survives-an-outage", {"SSTP-26"}, "An outage of 20 s does not end a tunnel.", sstp_access, survives_an_outage);
    add("client-notices-a-reset-connection", {"P2S-PROTO-02"},
        "A TCP reset in the gateway's name ends the client's tunnel, and the client says why.", sstp_access,
        [](Context& context) { is_cut_by(context, "gateway"); }, {});
    add("gateway-notices-a-reset-connection", {"P2S-PROTO-02"},
        "A TCP reset in the client's name ends the gateway's session.", sstp_access,
        [](Context& context) { is_cut_by(context, "isp"); }, {});
    add("client-hangs-up", {"SSTP-28", "PPP-LCP-TERMINATE"},
        "A client that hangs up ends PPP and then the call, and the gateway forgets the session.", sstp_access,
        client_hangs_up, {{Side::Client, Feature::CallDisconnect}});
    add("gateway-ends-a-session", {"SSTP-28", "PPP-LCP-TERMINATE"},
        "A client whose session the gateway ends is told, and leaves the tunnel.", sstp_access, gateway_hangs_up,
        {{Side::Gateway, Feature::EndSession}});
    add("connects-again-after-a-restart-of-the-gateway", {"P2S-FAQ-19"},
        "After the gateway has started anew, the client finds out and can connect again.", sstp_access, comes_back,
        {{Side::Both, Feature::VirtualTime}, {Side::Gateway, Feature::Restart}});
    return all;
}

}  // namespace gatelab::conformance::families
