// What a libreswan client and a libreswan gateway share: a guest, the daemon pluto in it, and what its log tells.
//
// Nothing here waits. In simulated time:
//
//   Preparing  the guest boots; its "prepare" script puts libreswan in its place and fills NSS's database
//   Starting   pluto runs and loads its connections
//   Ready      it takes orders through its control program, whack; its log is followed
//   Failed     it did not get that far, refused its configuration, or died: error() has its last words
//   Ending, Ended
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/network/network.h"
#include "sim/peers/kernel_counters.h"
#include "sim/peers/libreswan_config.h"
#include "sim/peers/libreswan_log.h"
#include "sim/peers/machine.h"
#include "sim/players.h"

namespace gatelab::sim::peers {

class LibreswanMachine {
public:
    enum class State { Preparing, Starting, Ready, Failed, Ending, Ended };
    struct Options {
        std::string node, port;
        MachineSpec machine;
        std::function<Result<std::vector<ConfigFile>>(const LibreswanPlaces&)> files;
        std::function<std::string(const std::string& connection)> peer_of;  // its identification
    };
    // Begins to start. Unavailable when there is no libreswan or no guest: it takes part in virtual time only.
    static Result<std::unique_ptr<LibreswanMachine>> start(const Stage&, Options);
    ~LibreswanMachine();

    Result<bool> ready() const;
    // Runs whack with these arguments; what comes of it shows in the log.
    void order(std::vector<std::string> arguments);
    void dial();  // a client's connection; what came of earlier attempts is forgotten
    const LibreswanLog& log() const { return log_; }
    // The status of the tunnel, with peer and counters; those are kept up to date for a while.
    TunnelStatus status_of(const LibreswanLog::Tunnel&);
    void ask();
    bool told() const { return !asked_; }
    std::string program() const { return "Libreswan " + version_; }
    Host& stack() { return machine_->stack(); }

    void leave();  // begins to end pluto
    // Runs the network until pluto has ended, and completes the evidence.
    Result<void> finish();

private:
    LibreswanMachine(const Stage& stage, Options options) : stage_(stage), options_(std::move(options)) {}
    Result<void> put_files();
    void prepare();
    void launch();
    void poll();
    void follow_log();
    void emit_changes(const std::map<std::string, LibreswanLog::Tunnel>& before);
    void note_associations();
    void count();
    void note_counters(std::string_view text);
    void stop();
    void fail_with(Fault, const std::string& what);
    Result<void> keep_evidence() const;
    std::vector<std::string> environment() const;
    Duration now() const { return stage_.network.now(); }

    const Stage stage_;
    const Options options_;
    std::string version_;
    std::vector<ConfigFile> files_;
    std::unique_ptr<Machine> machine_;
    State state_ = State::Preparing;
    Error error_{};
    std::optional<int> wait_status_;

    LibreswanLog log_;
    std::size_t log_read_ = 0;
    Duration last_news_{};
    std::string failed_before_;

    struct Association {
        std::string connection;
        bool inbound = false;
        KernelCounters counters;
    };
    std::map<std::uint32_t, Association> associations_;  // of tunnels that are up, former children's too
    std::uint64_t outside_ = 0;
    std::optional<Duration> looked_, counted_;
    bool asked_ = false, count_again_ = false;
    std::string esp_at_the_end_;
    bool left_ = false, finished_ = false;

    std::unique_ptr<Program> preparing_, pluto_, counting_, describing_;
    std::map<std::uint64_t, std::unique_ptr<Program>> orders_;  // that run
    std::uint64_t next_order_ = 0;
    Timer polling_, deadline_, killing_;
};

}  // namespace gatelab::sim::peers
