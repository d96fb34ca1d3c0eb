#include "sim/peers/strongswan_machine.h"

#include <algorithm>
#include <utility>

#include "sim/peers/files.h"
#include "sim/peers/namespace_machine.h"
#include "sim/peers/uml/guest_machine.h"

namespace gatelab::sim::peers {
namespace {

constexpr Duration kLongestFarewell = std::chrono::seconds(4);
constexpr Duration kPatience = std::chrono::milliseconds(1);

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

namespace {

Result<std::unique_ptr<Machine>> make_machine(const Stage& stage, const StrongSwanMachine::Options& options) {
    if (stage.guests)
        return uml::make_guest_machine(
            *stage.guests, stage.network,
            {.node = options.node,
             .port = options.port,
             .machine = options.machine,
             .seed = stage.seed,
             .epoch = stage.topology.epoch,
             .evidence = stage.folder.empty() ? std::filesystem::path{} : stage.folder / options.node});
    return make_namespace_machine(stage.network, {.node = options.node,
                                                  .port = options.port,
                                                  .machine = options.machine,
                                                  .seed = stage.seed,
                                                  .epoch = stage.topology.epoch});
}

}  // namespace

Result<std::unique_ptr<StrongSwanMachine>> StrongSwanMachine::start(const Stage& stage, Options options) {
    std::unique_ptr<StrongSwanMachine> self{new StrongSwanMachine{stage, options.node}};
    auto machine = make_machine(stage, options);
    if (!machine) return pass(machine);
    self->machine_ = std::move(*machine);
    if (stage.guests) self->esp_ = std::make_unique<KernelEsp>(stage.network, *self->machine_, options.port);
    Charon::Options daemon;
    daemon.name = options.node;
    daemon.files = std::move(options.files);
    daemon.evidence = self->evidence();
    daemon.log_keys = !stage.folder.empty();
    daemon.esp = stage.guests ? EspBy::Kernel : EspBy::Libipsec;
    daemon.patient = options.patient;
    daemon.reported = [self = self.get()](const CharonReport& before) { self->note_report(before); };
    self->charon_ = std::make_unique<Charon>(stage.network, *self->machine_, std::move(daemon));
    return self;
}

StrongSwanMachine::~StrongSwanMachine() {
    if (charon_ && !finished_) (void)charon_->keep_outcome();
}

std::filesystem::path StrongSwanMachine::evidence() const {
    return stage_.folder.empty() ? std::filesystem::path{} : stage_.folder / node_;
}

void StrongSwanMachine::note_report(const CharonReport& before) {
    emit_changes(stage_.network, node_, before, report());
    if (!esp_) return;
    for (const auto& sa : before.sas)
        if (sa.tunnel.up && !find_up(report(), sa.tunnel.peer)) esp_->forget(sa.tunnel.peer);
    for (const auto& sa : report().sas)
        if (sa.tunnel.up) esp_->note_association(sa.tunnel.peer, sa.tunnel.inbound_spi);
}

Result<bool> StrongSwanMachine::ready() const {
    const auto state = charon_->state();
    if (state == Charon::State::Failed || state == Charon::State::Died) return tl::unexpected<Error>(charon_->error());
    return state == Charon::State::Ready;
}

const CharonReport& StrongSwanMachine::look() {
    charon_->look();
    if (esp_ && !report().sas.empty()) esp_->look();
    return report();
}

void StrongSwanMachine::ask() {
    charon_->ask_report();
    if (esp_) esp_->ask();
}

bool StrongSwanMachine::told() const { return !charon_->report_asked() && (!esp_ || esp_->told()); }

TunnelStatus StrongSwanMachine::status_of(const ReportedSa& sa) const {
    auto status = sa.tunnel;
    status.protocol = "ikev2";
    if (esp_) esp_->add_to(status);
    return status;
}

std::string StrongSwanMachine::reason_of(std::uint32_t sa) const {
    const auto reason = reason_in(charon_->log(), sa);
    return reason ? reason->name : std::string{};
}

void StrongSwanMachine::leave() {
    if (std::exchange(left_, true)) return;
    // Before charon takes its associations along.
    if (esp_ && charon_->state() == Charon::State::Ready && esp_->description().empty()) esp_->ask();
    stop_when_told();
}

void StrongSwanMachine::stop_when_told() {
    if (told()) return charon_->stop();
    waiting_ = stage_.network.call_at(stage_.network.now() + kPatience, [this] { stop_when_told(); });
}

Result<void> StrongSwanMachine::finish() {
    if (finished_) return {};
    finished_ = true;
    leave();
    auto& network = stage_.network;
    const bool ended = network.run_until([this] { return charon_->stopped(); }, network.now() + kLongestFarewell);
    const auto keys = charon_->keys();
    for (const auto& one : keys.ike) stage_.keys.add(one);
    for (const auto& one : keys.esp) stage_.keys.add(one);
    auto kept = charon_->keep_outcome();
    if (kept && esp_ && !stage_.folder.empty() && !esp_->description().empty())
        kept = write_file(evidence() / "xfrm-state.txt", esp_->description());
    if (!ended) return fail(Fault::Io, node_ + ": charon cannot be ended");
    return kept;
}

}  // namespace gatelab::sim::peers
