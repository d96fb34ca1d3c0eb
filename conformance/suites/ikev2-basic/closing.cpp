// Hanging up.
#include <fmt/format.h>

#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/wire.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

using namespace std::chrono_literals;

void closes(Context& context, Side who) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    context.expect_traffic("alice", "app1", 1);
    auto* session = context.only_session();
    if (!session) return;
    const auto since = wire.packets().size();
    who == Side::Client ? context.client().disconnect() : session->disconnect();
    const auto over = [&] { return !context.client().status().up && context.gateway().sessions().empty(); };
    context.scenario().run_until(over, 3s);
    context.expect(!context.client().status().up, "the client's tunnel is down", describe(context.client().status()));
    context.expect_sessions(0);
    const auto deleted =
        wire.count([](const WirePacket& packet) { return packet.is_ike(kInformational, false); }, since);
    context.expect(deleted >= 1, "an INFORMATIONAL request tells the other side", fmt::format("{}", deleted));
    context.scenario().run_for(500ms);
    const auto quiet = wire.packets().size();
    context.scenario().ping("app1", "alice", 1);
    const auto esp = wire.count([](const WirePacket& packet) { return packet.is_esp(); }, quiet);
    context.expect(esp == 0, "no ESP packet is sent any more", fmt::format("{}", esp));
}

}  // namespace

std::vector<Case> closing() {
    return {
        {.id = "client-hangs-up",
         .requirements = {"RFC7296-1.4.1-DELETE"},
         .sentence = "When the client hangs up, both sides drop the tunnel at once.",
         .topology = remote_access,
         .check = [](Context& context) { closes(context, Side::Client); },
         .in_real_time_too = true},
        {.id = "gateway-hangs-up",
         .requirements = {"RFC7296-1.4.1-DELETE"},
         .sentence = "When the gateway ends a session, both sides drop the tunnel at once.",
         .topology = remote_access,
         .check = [](Context& context) { closes(context, Side::Gateway); }},
    };
}

}  // namespace gatelab::conformance::families
