// What a strongSwan client, gateway and site share: a machine of either kind, a daemon on it, and its last report.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/peers/charon.h"
#include "sim/peers/kernel_esp.h"
#include "sim/peers/machine.h"
#include "sim/players.h"

namespace gatelab::sim::peers {

class StrongSwanMachine {
public:
    struct Options {
        std::string node, port;
        MachineSpec machine;
        std::vector<ConfigFile> files;
        bool patient = false;  // see DaemonSettings
    };
    // Begins to start. Unavailable when this computer gives no machine.
    static Result<std::unique_ptr<StrongSwanMachine>> start(const Stage&, Options);
    ~StrongSwanMachine();

    Result<bool> ready() const;
    Charon& charon() { return *charon_; }
    // Keeps what is known up to date for a while: whoever asks for a status looks.
    const CharonReport& look();
    const CharonReport& report() const { return charon_->report(); }
    void ask();  // for news, now
    bool told() const;
    // The SA's status, drops included where the kernel tells them.
    TunnelStatus status_of(const ReportedSa&) const;
    // Why an IKE SA that is no more has ended.
    std::string reason_of(std::uint32_t sa) const;
    Host& stack() { return machine_->stack(); }

    // Begins to end the daemon.
    void leave();
    // Runs the network until the daemon has ended, hands its keys to the key log and completes the evidence.
    Result<void> finish();

private:
    StrongSwanMachine(const Stage& stage, std::string node) : stage_(stage), node_(std::move(node)) {}
    std::filesystem::path evidence() const;
    void note_report(const CharonReport& before);
    void stop_when_told();

    const Stage stage_;
    const std::string node_;
    std::unique_ptr<Machine> machine_;
    std::unique_ptr<KernelEsp> esp_;  // when the machine's kernel does ESP
    std::unique_ptr<Charon> charon_;
    Timer waiting_;
    bool left_ = false, finished_ = false;
};

// Puts the changes between two reports into the run's event log.
void emit_changes(Network&, const std::string& node, const CharonReport& before, const CharonReport& after);

}  // namespace gatelab::sim::peers
