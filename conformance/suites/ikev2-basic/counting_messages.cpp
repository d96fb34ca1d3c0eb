// Message ids, as anybody on the way can read them.
#include <fmt/format.h>

#include <map>
#include <tuple>

#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/wire.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

using namespace std::chrono_literals;

// One direction of one IKE SA: its initiator's SPI, who sends, and whether requests or responses.
using Stream = std::tuple<std::uint64_t, bool, bool>;
using Messages = std::map<Stream, std::map<std::uint32_t, Bytes>>;

std::string name_of(const Stream& stream) {
    const auto& [spi, from_initiator, response] = stream;
    return fmt::format("the {}s of the {} of IKE SA {:016x}", response ? "response" : "request",
                       from_initiator ? "initiator" : "responder", spi);
}

// A whole life: everything that makes messages, from both sides.
void live(Context& context) {
    auto& scenario = context.scenario();
    auto& client = context.client();
    for (int i = 0; i < 2; ++i) {
        client.check_liveness();
        scenario.run_for(300ms);
    }
    if (auto* session = context.only_session()) session->check_liveness();
    scenario.run_for(300ms);
    client.rekey_child();
    scenario.run_until([&] { return client.status().child_rekeys == 1; }, 5s);
    scenario.run_for(300ms);
    if (auto* session = context.only_session()) session->rekey_child();
    scenario.run_until([&] { return client.status().child_rekeys == 2; }, 5s);
    scenario.run_for(300ms);
    client.rekey_ike();
    scenario.run_until([&] { return client.status().ike_rekeys == 1; }, 5s);
    scenario.run_for(300ms);
    client.check_liveness();
    scenario.run_for(300ms);
    client.disconnect();
    scenario.run_for(500ms);
}

void never_reuses_ids(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    live(context);

    Messages messages;
    std::string reused;
    std::size_t count = 0;
    for (const auto& packet : wire.packets()) {
        if (packet.kind != PacketKind::Ike) continue;
        ++count;
        const Stream stream{packet.ike.spi_i, packet.ike.from_initiator(), packet.ike.is_response()};
        const auto [at, fresh] = messages[stream].try_emplace(packet.ike.message_id, copy_of(packet.inside()));
        if (!fresh && at->second != copy_of(packet.inside()) && reused.empty())
            reused = fmt::format("{} has two different messages with id {}", name_of(stream), packet.ike.message_id);
    }
    context.measure("ike_messages", static_cast<double>(count));
    context.expect(count >= 16, "a dozen exchanges pass", fmt::format("{} messages", count));
    context.expect(reused.empty(), "no message id is used for two different messages",
                   reused.empty() ? "none is" : reused);
    std::string gap;
    for (const auto& [stream, by_id] : messages) {
        std::uint32_t next = by_id.begin()->first;
        // The initiator of an IKE SA begins with its IKE_SA_INIT, or, after rekeying, with whatever it has to say.
        if (next != 0) gap = fmt::format("{} begin with id {}", name_of(stream), next);
        for (const auto& [id, bytes] : by_id)
            if (id != next++) gap = fmt::format("{} jump to id {}", name_of(stream), id);
    }
    context.expect(gap.empty(), "ids count up from zero without a gap", gap.empty() ? "they do" : gap);
}

}  // namespace

std::vector<Case> counting_messages() {
    return {{.id = "never-reuses-a-message-id",
             .requirements = {"RFC7296-2.2-MESSAGE-ID"},
             .sentence = "Over the life of a tunnel, message ids count up from zero and none stands for two messages.",
             .needs = {{Side::Gateway, Feature::FirstGroup}},
             .topology = remote_access,
             .check = never_reuses_ids}};
}

}  // namespace gatelab::conformance::families
