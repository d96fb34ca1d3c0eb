// Messages that are lost on the way.
#include <fmt/format.h>

#include <set>

#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/wire.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> messages(const Wire& wire, std::uint8_t exchange, bool response) {
    std::vector<std::string> found;
    for (const auto& packet : wire.packets())
        if (packet.is_ike(exchange, response)) found.push_back(to_hex(packet.inside()));
    return found;
}

void expect_repetition(Context& context, const Wire& wire, std::uint8_t exchange, bool response, std::size_t least) {
    const auto sent = messages(wire, exchange, response);
    const auto kind = fmt::format("{} {}", name_of_exchange(exchange), response ? "response" : "request");
    context.expect(sent.size() >= least, fmt::format("the {} is sent again", kind), "sent " + times(sent.size()));
    const auto different = std::set<std::string>(sent.begin(), sent.end()).size();
    context.expect(different == 1, fmt::format("each {} is the same, bit for bit", kind),
                   fmt::format("{} different ones", different));
}

// Loses the first message of that kind while the client connects.
void recovers(Context& context, std::uint8_t exchange, bool response) {
    Wire wire{context.scenario(), kInternetLink};
    wire.drop_first([=](const WirePacket& packet) { return packet.is_ike(exchange, response); });
    if (!context.connect()) return;
    context.expect(wire.dropped() == 1, "one message is lost", fmt::format("{}", wire.dropped()));
    expect_repetition(context, wire, exchange, false, 2);
    if (response) expect_repetition(context, wire, exchange, true, 2);
    context.expect_sessions(1);
    context.expect_traffic("alice", "app1");
}

// Loses the response to a rekeying's request: the gateway must not build a second child.
void recovers_rekeying(Context& context) {
    if (!context.connect()) return;
    Wire wire{context.scenario(), kInternetLink};
    wire.drop_first([](const WirePacket& packet) { return packet.is_ike(kCreateChildSa, true); });
    context.client().rekey_child();
    context.scenario().run_until([&] { return context.client().status().child_rekeys == 1; }, 15s);
    context.expect(context.client().status().child_rekeys == 1, "the child SA is rekeyed once",
                   times(context.client().status().child_rekeys));
    expect_repetition(context, wire, kCreateChildSa, false, 2);
    expect_repetition(context, wire, kCreateChildSa, true, 2);
    context.expect_traffic("alice", "app1");
    context.expect_traffic("app1", "alice");
}

Case recovery(std::string what, std::uint8_t exchange, bool response) {
    Case one{.id = "recovers-from-lost-" + what,
             .requirements = {"RFC7296-2.1-RETRANSMIT"},
             .topology = remote_access,
             .check = [=](Context& context) { recovers(context, exchange, response); }};
    one.sentence = fmt::format("When the {} {} is lost, the request is repeated{} and the tunnel comes up.",
                               name_of_exchange(exchange), response ? "response" : "request",
                               response ? ", the same response comes again," : "");
    if (response) one.requirements.push_back("RFC7296-2.1-SAME-RESPONSE");
    return one;
}

}  // namespace

std::vector<Case> repeating() {
    return {
        recovery("ike-sa-init-request", kIkeSaInit, false),
        recovery("ike-sa-init-response", kIkeSaInit, true),
        recovery("ike-auth-request", kIkeAuth, false),
        recovery("ike-auth-response", kIkeAuth, true),
        {.id = "recovers-from-lost-create-child-sa-response",
         .requirements = {"RFC7296-2.1-RETRANSMIT", "RFC7296-2.1-SAME-RESPONSE"},
         .sentence = "When the response to a rekeying is lost, the same one comes again and no second child is made.",
         .topology = remote_access,
         .check = recovers_rekeying},
    };
}

}  // namespace gatelab::conformance::families
