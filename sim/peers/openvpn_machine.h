// What OpenVPN's client and gateway share: a machine of either kind with the program's files, the packets that its
// tunnel cards count, the keys of its TLS, and what is kept of it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/network/network.h"
#include "sim/peers/files.h"
#include "sim/peers/machine.h"
#include "sim/peers/openvpn_process.h"
#include "sim/players.h"

namespace gatelab::sim::peers {

class OpenVpnMachine {
public:
    struct Options {
        std::string node, port;
        MachineSpec machine;
    };
    // Unavailable when this computer gives no machine, or has no openvpn.
    static Result<std::unique_ptr<OpenVpnMachine>> start(const Stage&, Options);

    // The folder of its files, as its programs see it, with a slash at the end.
    std::string folder() const;
    Result<void> put(std::vector<ConfigFile>);
    // What is kept in place of a file that holds secrets.
    void keep(ConfigFile evidence) { kept_.push_back(std::move(evidence)); }

    std::string management_of(const std::string& name) const { return machine_->socket_path("openvpn-" + name); }
    std::string log_of(const std::string& name) const { return folder() + name + ".log"; }
    std::unique_ptr<OpenVpnProcess> run(const std::string& name, std::vector<std::string> arguments,
                                        std::function<void(OpenVpnManagement::Output)> told,
                                        std::function<void(Result<int>)> ended);
    // An error that says what went wrong, and how the log ended.
    Error wrong(const std::string& name, Fault, const std::string& what) const;
    std::string version() const;  // "OpenVPN 2.6.14", once one has logged it

    // What has come out of a tunnel card, and what went into it.
    struct Packets {
        std::uint64_t in = 0, out = 0;
    };
    Packets packets(const std::string& card);  // somebody looks: for a while they are kept up to date
    void count();
    bool counted() const { return !counting_; }

    Network& network() const { return stage_.network; }
    Duration now() const { return stage_.network.now(); }
    void emit(Trace trace) const { stage_.network.emit(options_.node, "openvpn", std::move(trace)); }
    Host& stack() { return machine_->stack(); }
    Result<void> health() const { return machine_->health(); }
    const std::string& node() const { return options_.node; }

    // Hands over the keys and completes the evidence: once the programs have ended.
    Result<void> finish();

private:
    OpenVpnMachine(const Stage& stage, Options options) : stage_(stage), options_(std::move(options)) {}
    std::filesystem::path share() const { return machine_->folder() / "openvpn"; }
    void note_counters();

    const Stage stage_;
    const Options options_;
    std::unique_ptr<Machine> machine_;
    std::vector<ConfigFile> kept_;
    std::vector<std::string> programs_;  // names
    std::map<std::string, std::string> endings_;
    std::map<std::string, Packets> packets_;
    std::unique_ptr<Program> counting_;
    std::optional<Duration> looked_;
    Timer refreshing_;
};

// One of /proc/net/dev's lines for each card.
std::map<std::string, OpenVpnMachine::Packets> packets_in(const std::string& proc_net_dev);

}  // namespace gatelab::sim::peers
