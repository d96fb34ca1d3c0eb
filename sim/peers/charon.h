// A strongSwan daemon on a machine: started, made ready, told what to do and listened to.
//
// Nothing here waits. The daemon and its control socket belong to the machine; what they bring is an event of the
// simulation, and so is every limit, in simulated time:
//
//   Starting   the program runs, we knock at its control socket
//   Loading    the socket answers, swanctl loads the configuration
//   Ready      it takes orders and reports; the counters only while somebody looks
//   Failed     it did not get that far: error() has its last words
//   Died       it ended, or its machine did, although nobody asked it to
//   Ending     asked to end
//   Ended
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/network/network.h"
#include "sim/peers/charon_keys.h"
#include "sim/peers/machine.h"
#include "sim/peers/strongswan_config.h"
#include "sim/peers/strongswan_status.h"
#include "sim/peers/vici_session.h"

namespace gatelab::sim::peers {

inline constexpr const char* kCharonProgram = "/usr/sbin/charon-systemd";
// Does ESP for charon where the kernel has none. From libcharon-extra-plugins.
inline constexpr const char* kLibipsecPlugin = "/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so";
inline constexpr const char* kSwanctlProgram = "/usr/sbin/swanctl";

// What the daemon said last.
struct CharonReport {
    std::vector<ReportedSa> sas;
    std::vector<Ipv4Address> dns;     // granted to it
    int attempts = 0;                 // to dial, begun so far
    std::string failure, detail;      // of the last attempt
    std::optional<std::string> died;  // how the daemon ended when nobody asked it to
};

class Charon {
public:
    enum class State { Starting, Loading, Ready, Failed, Died, Ending, Ended };
    struct Options {
        std::string name;                // of the node, for messages
        std::vector<ConfigFile> files;   // see strongswan_config.h
        std::filesystem::path evidence;  // folder that keeps configuration, version, log and exit status; "": none
        bool log_keys = false;
        EspBy esp = EspBy::Libipsec;
        bool patient = false;  // see DaemonSettings
        Duration ready_within = std::chrono::seconds(10);
        // After every report, with the one before.
        std::function<void(const CharonReport& before)> reported = [](const auto&) {};
    };

    // Begins to start it. The network and the machine outlive it.
    Charon(Network&, Machine&, Options);
    ~Charon();  // kills the daemon if it still runs
    Charon(const Charon&) = delete;
    Charon& operator=(const Charon&) = delete;

    State state() const { return state_; }
    const Error& error() const { return error_; }  // of Failed and Died
    const CharonReport& report() const { return report_; }
    // Somebody looks at the report: for the next second it is kept up to date, counters included.
    void look();
    // A report is wanted now; report_asked() until it has come.
    void ask_report();
    bool report_asked() const { return listing_; }

    // What comes of them is reported.
    void initiate(const char* connection);  // dials
    void terminate(const char* connection);
    void terminate(std::uint32_t sa);
    void rekey_ike(std::uint32_t sa);
    void rekey_child(std::uint32_t child);

    // Asks the daemon to end; a while later it is killed. Nothing is reported any more.
    void stop();
    bool stopped() const;
    // Completes the evidence, as far as it goes.
    Result<void> keep_outcome() const;

    std::string log(std::size_t from = 0) const;  // what it logged so far
    LoggedKeys keys() const;                      // so far, with log_keys; complete once it has ended
    const std::string& version() const { return version_; }

private:
    struct Attempt {
        std::string connection;
        Duration since;
        std::size_t log_from;  // what was logged before belongs to earlier ones
    };

    void launch();
    void knock();
    void handle_closed();
    void greet();
    void load();
    void handle_end(Result<int> how);
    void handle_loaded(Result<int> how);
    void handle_bytes(ByteView);
    void handle_answer(ViciSession::Answer);
    void handle_list(const std::vector<ViciSection>& parts);
    void flush();
    void order(std::string command, ViciSection arguments);
    void look_for_changes();
    void schedule_refresh();
    void judge_attempt();
    void report_death(const std::string& how);
    void give_up(Fault, const std::string& what);
    Error wrong(Fault, const std::string& what) const;
    Result<void> keep_configuration() const;
    Duration now() const { return network_.now(); }

    Network& network_;
    Machine& machine_;
    Options options_;
    State state_ = State::Starting;
    Error error_{};
    std::string version_;
    std::optional<int> wait_status_;

    ViciSession vici_;
    Bytes unsent_;
    TunnelHistories histories_;
    SpisByNumber spis_;
    CharonReport report_;
    std::optional<Attempt> attempt_;
    std::optional<Duration> looked_;
    bool listing_ = false, list_again_ = false;

    std::unique_ptr<Program> daemon_, swanctl_;
    std::unique_ptr<TcpStream> stream_;
    Timer deadline_, knocking_, refreshing_, killing_;
};

// The last lines of a log.
std::string last_lines(const std::string& log, int count);

}  // namespace gatelab::sim::peers
