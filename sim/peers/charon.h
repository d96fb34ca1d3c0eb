// A running strongSwan daemon: started, made ready, told what to do and listened to.
//
// A thread of its own talks to the daemon, so that nothing here ever holds up the simulation; it tells a listener
// whenever something has changed.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sim/peers/charon_keys.h"
#include "sim/peers/strongswan_config.h"
#include "sim/peers/strongswan_status.h"
#include "sim/peers/vici_connection.h"
#include "sim/peers/warden.h"

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
    struct Options {
        std::string name;                // of the node, for messages
        std::vector<ConfigFile> files;   // see strongswan_config.h
        std::filesystem::path evidence;  // folder that keeps configuration, version, log and exit status; "": none
        bool log_keys = false;
        Duration ready_within = std::chrono::seconds(10);
        std::function<void(CharonReport)> listener;  // on the daemon's thread; must not block
    };

    // Returns once the daemon has its configuration. Errors carry the end of its log.
    static Result<std::unique_ptr<Charon>> start(Warden&, MachineId, Options);
    ~Charon();

    // Return at once; what comes of them is reported.
    void initiate();                   // dials kClientConnection
    void terminate(std::uint32_t sa);  // 0: kClientConnection, in whatever state
    void rekey_ike(std::uint32_t sa);
    void rekey_child(std::uint32_t child);

    // Ends the daemon and completes the evidence. Idempotent.
    Result<void> stop();

    std::string log() const;  // everything so far
    // The keys so far, with log_keys; complete after stop().
    LoggedKeys keys() const;
    const std::string& version() const { return version_; }
    // How long it took from the start until the control socket answered, and until the configuration was loaded.
    Duration ready_after() const { return ready_after_; }
    Duration loaded_after() const { return loaded_after_; }

private:
    struct Order {
        std::string command;
        ViciSection arguments;
        bool dials = false;
    };

    Charon(Warden& warden, MachineId machine, Options options);
    Result<void> launch();
    Result<void> await_ready();
    Result<void> load();
    void order(Order);
    void attend();  // the daemon's thread
    void carry_out(ViciConnection&, Order);
    Result<void> refresh();
    void judge_attempt();
    void report();
    tl::unexpected<Error> wrong(Fault, const std::string& what) const;
    Result<void> keep_configuration() const;
    Result<void> keep_outcome(int wait_status) const;

    Warden& warden_;
    MachineId machine_;
    Options options_;
    std::filesystem::path folder_;
    pid_t daemon_ = 0;
    std::string version_;
    Duration ready_after_{}, loaded_after_{};

    std::optional<ViciConnection> vici_;
    TunnelHistories histories_;
    SpisByNumber spis_;
    CharonReport report_;
    struct Attempt {
        std::chrono::steady_clock::time_point since;
        std::size_t log_from;  // what was logged before belongs to earlier ones
    };
    std::optional<Attempt> attempt_;

    std::mutex mutex_;
    std::deque<Order> orders_;
    FileDescriptor wake_;
    std::atomic<bool> stopping_ = false;
    bool stopped_ = false;
    std::thread thread_;
};

// The last lines of a log.
std::string last_lines(const std::string& log, int count);

}  // namespace gatelab::sim::peers
