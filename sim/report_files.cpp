#include "sim/report_files.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace gatelab::sim {
namespace {

using Json = nlohmann::ordered_json;

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string text_of(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

Json number_or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

Json describe(const RunSummary::Client& client) {
    const auto& tunnel = client.tunnel;
    return {{"name", client.name},
            {"up", tunnel.up},
            {"protocol", tunnel.protocol},
            {"failure", tunnel.failure},
            {"gateway", tunnel.peer},
            {"inner_address", tunnel.inner_address.is_unspecified() ? "" : to_string(tunnel.inner_address)},
            {"ike_suite", tunnel.ike_suite},
            {"child_suite", tunnel.child_suite},
            {"tls_suite", tunnel.tls_suite},
            {"data_cipher", tunnel.data_cipher},
            {"udp_encapsulation", tunnel.udp_encapsulation},
            {"ike_rekeys", tunnel.ike_rekeys},
            {"child_rekeys", tunnel.child_rekeys},
            {"packets_in", tunnel.packets_in},
            {"packets_out", tunnel.packets_out}};
}

Json describe(const Lateness& lateness) {
    return {{"budget_ms", seconds(lateness.budget) * 1e3},
            {"median_ms", seconds(lateness.median) * 1e3},
            {"p99_ms", seconds(lateness.p99) * 1e3},
            {"worst_ms", seconds(lateness.worst) * 1e3}};
}

Json describe(const RunSummary::RealPeers& real) {
    Json programs = Json::object();
    for (const auto& [node, program] : real.programs) programs[node] = program;
    Json all = {{"mode", real.mode}};
    if (!real.kernel_hash.empty()) all["kernel"] = {{"version", real.kernel_version}, {"hash", real.kernel_hash}};
    all["programs"] = programs;
    if (!real.kernel_hash.empty()) all["work"] = {{"runs", real.runs}, {"frames", real.frames}};
    return all;
}

}  // namespace

std::string to_run_json(const RunSummary& run) {
    Json clients = Json::array(), gateways = Json::array();
    for (const auto& client : run.clients) clients.push_back(describe(client));
    for (const auto& gateway : run.gateways)
        gateways.push_back({{"name", gateway.name}, {"sessions", gateway.sessions}});
    Json machine = {{"started", format_utc(run.started)}, {"wall_s", seconds(run.wall)}};
    if (run.lateness.real_time) machine["lateness"] = describe(run.lateness);
    Json whole = {{"schema", "gatelab.run/1"},
                  {"version", GATELAB_VERSION},
                  {"topology", run.topology},
                  {"overrides", run.overrides},
                  {"seed", run.seed},
                  {"epoch", format_utc(run.epoch)},
                  {"real_time", run.lateness.real_time},
                  {"outcome", run.failure           ? "peer-died"
                              : run.lateness.kept() ? "complete"
                                                    : "invalid"},
                  {"summary",
                   {{"simulated_s", seconds(run.simulated)},
                    {"events", run.events},
                    {"flows", run.flows},
                    {"clients", clients},
                    {"gateways", gateways}}}};
    if (run.real_peers) whole["real_peers"] = describe(*run.real_peers);
    if (run.failure) whole["failure"] = run.failure->detail;
    whole["machine"] = machine;
    return text_of(whole);
}

std::string to_flows_json(const std::vector<FlowResult>& flows) {
    Json list = Json::array();
    for (const auto& flow : flows)
        list.push_back({{"name", flow.name},
                        {"kind", flow.kind},
                        {"from", flow.from},
                        {"to", flow.to},
                        {"path", flow.path},
                        {"tunnel", flow.tunnel},
                        {"packets_sent", flow.packets_sent},
                        {"packets_received", flow.packets_received},
                        {"bytes_received", flow.bytes_received},
                        {"goodput_bps", flow.goodput_bps},
                        {"loss", flow.loss},
                        {"rtt_min_ms", number_or_null(flow.rtt_min_ms)},
                        {"rtt_p50_ms", number_or_null(flow.rtt_p50_ms)},
                        {"rtt_p90_ms", number_or_null(flow.rtt_p90_ms)},
                        {"rtt_p99_ms", number_or_null(flow.rtt_p99_ms)},
                        {"rtt_max_ms", number_or_null(flow.rtt_max_ms)},
                        {"retransmissions", flow.retransmissions}});
    return text_of(list);
}

}  // namespace gatelab::sim
