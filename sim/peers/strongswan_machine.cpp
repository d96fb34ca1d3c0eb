#include "sim/peers/strongswan_machine.h"

#include <algorithm>

namespace gatelab::sim::peers {
namespace {

const ReportedSa* find_up(const CharonReport& report, const std::string& peer) {
    const auto found = std::find_if(report.sas.begin(), report.sas.end(),
                                    [&](const auto& sa) { return sa.tunnel.up && sa.tunnel.peer == peer; });
    return found == report.sas.end() ? nullptr : &*found;
}

void emit_new(Network& network, const std::string& node, const ReportedSa& sa) {
    network.emit(node, "strongswan",
                 {"tunnel-up",
                  {{"peer", sa.tunnel.peer},
                   {"inner-address", to_string(sa.tunnel.inner_address)},
                   {"ike", sa.tunnel.ike_suite},
                   {"child", sa.tunnel.child_suite}}});
}

void emit_rekeys(Network& network, const std::string& node, const TunnelStatus& before, const TunnelStatus& after) {
    if (after.ike_rekeys > before.ike_rekeys)
        network.emit(node, "strongswan", {"ike-rekeyed", {{"peer", after.peer}, {"ike", after.ike_suite}}});
    if (after.child_rekeys > before.child_rekeys)
        network.emit(node, "strongswan", {"child-rekeyed", {{"peer", after.peer}, {"child", after.child_suite}}});
}

}  // namespace

void emit_changes(Network& network, const std::string& node, const CharonReport& before, const CharonReport& after) {
    for (const auto& sa : after.sas) {
        if (!sa.tunnel.up) continue;
        const auto* known = find_up(before, sa.tunnel.peer);
        if (known)
            emit_rekeys(network, node, known->tunnel, sa.tunnel);
        else
            emit_new(network, node, sa);
    }
    for (const auto& sa : before.sas)
        if (sa.tunnel.up && !find_up(after, sa.tunnel.peer))
            network.emit(node, "strongswan", {"tunnel-down", {{"peer", sa.tunnel.peer}}});
    if (!after.failure.empty() && before.failure.empty())
        network.emit(node, "strongswan", {"connect-failed", {{"reason", after.failure}, {"detail", after.detail}}});
    if (after.died && !before.died) network.emit(node, "strongswan", {"program-died", {{"detail", *after.died}}});
}

Result<std::unique_ptr<StrongSwanMachine>> StrongSwanMachine::start(const Stage& stage, Options options) {
    const auto named = [&](const Error& error) { return fail(error.fault, options.node + ": " + error.detail); };
    std::unique_ptr<StrongSwanMachine> self{new StrongSwanMachine{stage, options.node}};
    auto warden = Warden::start();
    if (!warden) return named(warden.error());
    self->warden_ = std::move(*warden);
    auto machine = NamespaceMachine::attach(*self->warden_, stage.network.port(options.port), options.machine);
    if (!machine) return named(machine.error());
    self->machine_ = std::move(*machine);
    self->host_ =
        std::make_unique<MachineHost>(stage.network, *self->machine_, options.node, stage.topology.epoch, stage.seed);
    Charon::Options daemon;
    daemon.name = options.node;
    daemon.files = std::move(options.files);
    if (!stage.folder.empty()) daemon.evidence = stage.folder / options.node;
    daemon.log_keys = !stage.folder.empty();
    daemon.listener = [self = self.get()](CharonReport report) { self->post(std::move(report)); };
    auto charon = Charon::start(*self->warden_, self->machine_->id(), std::move(daemon));
    if (!charon) return pass(charon);
    self->charon_ = std::move(*charon);
    return self;
}

StrongSwanMachine::~StrongSwanMachine() { (void)finish(); }

void StrongSwanMachine::post(CharonReport report) {
    stage_.network.post(
        [board = std::weak_ptr{board_}, &network = stage_.network, node = node_, news = std::move(report)]() mutable {
            const auto alive = board.lock();
            if (!alive) return;
            const auto before = std::exchange(alive->report, std::move(news));
            emit_changes(network, node, before, alive->report);
        });
}

std::string StrongSwanMachine::reason_of(std::uint32_t sa) const {
    const auto reason = reason_in(charon_->log(), sa);
    return reason ? reason->name : std::string{};
}

Result<void> StrongSwanMachine::finish() {
    if (finished_) return {};
    finished_ = true;
    if (!charon_) return {};
    const auto stopped = charon_->stop();
    const auto keys = charon_->keys();
    for (const auto& one : keys.ike) stage_.keys.add(one);
    for (const auto& one : keys.esp) stage_.keys.add(one);
    return stopped;
}

}  // namespace gatelab::sim::peers
