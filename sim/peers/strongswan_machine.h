// What a strongSwan client and a strongSwan gateway share: a machine, a daemon on it, and its last report.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/peers/charon.h"
#include "sim/peers/namespace_machine.h"
#include "sim/peers/machine_host.h"
#include "sim/players.h"

namespace gatelab::sim::peers {

class StrongSwanMachine {
public:
    struct Options {
        std::string node, port;
        MachineSpec machine;
        std::vector<ConfigFile> files;
    };
    static Result<std::unique_ptr<StrongSwanMachine>> start(const Stage&, Options);
    ~StrongSwanMachine();

    Charon& charon() { return *charon_; }
    // As of the simulation's time: a report takes effect when the simulation gets to it.
    const CharonReport& report() const { return board_->report; }
    // Why an IKE SA that is no more has ended.
    std::string reason_of(std::uint32_t sa) const;
    Host& stack() { return *host_; }
    // Stops the daemon and hands its keys to the key log.
    Result<void> finish();

private:
    struct Board {  // outlives us in reports that are still under way
        CharonReport report;
    };
    StrongSwanMachine(const Stage& stage, std::string node) : stage_(stage), node_(std::move(node)) {}
    void post(CharonReport);

    const Stage stage_;
    const std::string node_;
    std::shared_ptr<Board> board_ = std::make_shared<Board>();
    std::unique_ptr<Warden> warden_;
    std::unique_ptr<NamespaceMachine> machine_;
    std::unique_ptr<MachineHost> host_;
    std::unique_ptr<Charon> charon_;
    bool finished_ = false;
};

// Puts the changes between two reports into the run's event log.
void emit_changes(Network&, const std::string& node, const CharonReport& before, const CharonReport& after);

}  // namespace gatelab::sim::peers
