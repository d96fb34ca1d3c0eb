// What players share that are a real program on a machine of their own: a machine of either kind with the program's
// files, the packets that its tunnel cards count, the keys of its TLS, and what is kept of it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/network/network.h"
#include "sim/peers/files.h"
#include "sim/peers/machine.h"
#include "sim/players.h"

namespace gatelab::sim::peers {

class ProgramMachine {
public:
    struct Place {
        std::string node, port;
        MachineSpec machine;
    };
    struct Kind {
        std::string name;     // of the folder of its files, and of the component of its events: "openvpn"
        std::string program;  // as an absolute path
        std::string package;  // that it comes from
    };

    // The folder of its files, as its programs see it, with a slash at the end.
    std::string folder() const;
    Result<void> put(std::vector<ConfigFile>);
    // What is kept in place of a file that holds secrets.
    void keep(ConfigFile evidence) { kept_.push_back(std::move(evidence)); }

    // What is written to that file of its folder, so far, from the octet `from` on.
    std::string read(const std::string& file, std::size_t from = 0) const { return read_file(share() / file, from); }
    std::size_t size(const std::string& file) const { return size_of(share() / file); }
    std::string log_of(const std::string& name) const { return folder() + name + ".log"; }
    // An error that says what went wrong, and how the log ended, or several of them.
    Error wrong(const std::vector<std::string>& names, Fault, const std::string& what) const;

    // What has come out of a tunnel card, and what went into it.
    struct Packets {
        std::uint64_t in = 0, out = 0;
    };
    Packets packets(const std::string& card);  // somebody looks: for a while they are kept up to date
    void count();
    bool counted() const { return !counting_; }

    Network& network() const { return stage_.network; }
    Duration now() const { return stage_.network.now(); }
    void emit(Trace trace) const { stage_.network.emit(place_.node, kind_.name, std::move(trace)); }
    Host& stack() { return machine_->stack(); }
    Result<void> health() const { return machine_->health(); }
    const std::string& node() const { return place_.node; }
    bool is_guest() const { return stage_.guests != nullptr; }

protected:
    ProgramMachine(const Stage& stage, Place place, Kind kind)
        : stage_(stage), place_(std::move(place)), kind_(std::move(kind)) {}
    // Unavailable when this computer gives no machine, or has no such program.
    Result<void> open();

    Machine& machine() const { return *machine_; }
    std::vector<std::string> environment() const;  // of a program whose TLS keys are to be told
    void note_start(const std::string& name);
    void note_end(const std::string& name, const Result<int>& how);
    const std::vector<std::string>& programs() const { return programs_; }
    std::filesystem::path share() const { return machine_->folder() / kind_.name; }
    // Hands over the keys and completes the evidence: once the programs have ended. `open_log` makes of a log what may
    // be kept.
    Result<void> finish(const std::string& version, std::string (*open_log)(std::string) = nullptr);

private:
    const Stage stage_;
    const Place place_;
    const Kind kind_;
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
std::map<std::string, ProgramMachine::Packets> packets_in(const std::string& proc_net_dev);

}  // namespace gatelab::sim::peers
