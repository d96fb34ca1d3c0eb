// A topology, running: nodes, links, tunnels, traffic, and the evidence that they leave.
//
// One process holds at most one Scenario at a time (ns-3 has one simulator per process).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "impl/base/bytes.h"
#include "impl/base/events.h"
#include "impl/base/result.h"
#include "impl/host/host.h"
#include "sim/roles.h"
#include "topologies/model/topology.h"

namespace gatelab::sim {

// How real programs take part.
enum class RealPeers {
    RealTime,  // in network namespaces of this machine, and the whole run keeps step with the wall clock
    Virtual,  // on kernels of their own (User-Mode Linux), whose clock is the simulation's: the run repeats bit for bit
};

struct RunOptions {
    std::uint64_t seed = 1;
    RealPeers real_peers = RealPeers::RealTime;
    bool keep_real_time = false;     // step with the wall clock even where nothing needs it
    std::filesystem::path out = {};  // run directory, made when missing; empty: nothing is written
    bool captures = true;            // pcap/ and keys/ in the run directory
    // The topology's file as it was read, and what was changed in it ("links.alice-isp.delay=50ms"). Kept in the run
    // directory, which then is enough to repeat the run.
    std::string topology_text = {};
    std::vector<std::string> overrides = {};
    Duration lateness_budget = std::chrono::milliseconds(100);  // real time only: see Lateness
    std::function<void(Duration)> progress = {};                // told the simulated time now and then
};

// How late the simulator ran behind the wall clock, sampled every 10 ms of a real-time run. In virtual time all zero.
struct Lateness {
    bool real_time = false;
    Duration budget{}, median{}, p99{}, worst{};
    bool kept() const { return worst <= budget; }  // false: the run is invalid, whatever it showed
};

// What one flow of the topology achieved.
struct FlowResult {
    std::string name, kind, from, to;
    std::string path;    // nodes, joined by " > "
    std::string tunnel;  // the client whose tunnel it used; "" for none
    std::uint64_t packets_sent = 0, packets_received = 0;
    std::uint64_t bytes_received = 0;  // payload
    double goodput_bps = 0;            // payload received over the time from its start to its last arrival
    double loss = 0;                   // 0 to 1
    std::optional<double> rtt_min_ms, rtt_p50_ms, rtt_p90_ms, rtt_p99_ms, rtt_max_ms;  // Ping
    std::uint64_t retransmissions = 0;                                                 // Tcp
};

// What to do with an IP packet seen on a link.
struct Verdict {
    enum class Kind { Pass, Drop, Replace } kind = Kind::Pass;
    Bytes replacement;  // a whole IP packet, for Replace
};

// Sees every IP packet that enters a link; `from` is the node that sent it.
using Interceptor = std::function<Verdict(const std::string& from, ByteView ip_packet)>;

// The result of one ping probe.
struct PingResult {
    int sent = 0, received = 0;
};

class Scenario {
public:
    // Builds the network, and gets real programs ready. The topology's flows, actions and connections happen at their
    // times while the scenario runs. Errors name the node and the resource: Unavailable when the machine cannot run
    // it, with a real program's last words when it did not get ready, Io when the run directory cannot be written,
    // Malformed with what check() found, Refused while another scenario lives.
    static Result<std::unique_ptr<Scenario>> create(const topologies::Topology&, RunOptions);
    virtual ~Scenario() = default;

    virtual RemoteUser& client(const std::string& name) = 0;  // precondition: the topology has it
    virtual VpnGateway& gateway(const std::string& name) = 0;

    // The machine of a client or gateway that gatelab plays, or nobody does (Implementation::Absent), or of a virtual
    // machine: for whoever wants to put something of his own there. Precondition: it is one of those.
    virtual Host& host(const std::string& name) = 0;

    virtual Duration now() const = 0;  // since the start
    virtual void run_for(Duration) = 0;
    // Runs until `condition` holds (checked after every event and tick) or `limit` from now has passed; true if it
    // holds.
    virtual bool run_until(const std::function<bool()>& condition, Duration limit) = 0;

    // `count` echo requests between two of {clients, virtual machines}, 100 ms apart, run to the end; a client is
    // reached at and sends from its tunnel address. `to` may also be a dotted address.
    virtual PingResult ping(const std::string& from, const std::string& to, int count) = 0;

    // At most one interceptor a link; nullptr removes it.
    virtual void intercept(const std::string& link, Interceptor) = 0;
    // Puts a packet on a link as if `from` had sent it.
    virtual void inject(const std::string& link, const std::string& from, ByteView ip_packet) = 0;

    virtual const std::vector<Event>& events() const = 0;
    virtual std::vector<FlowResult> flows() const = 0;
    virtual Lateness lateness() const = 0;

    // Ends the run and writes run.json, flows.json and the key files; Io when the disk is full. Nothing is left
    // that looks whole but is not: run.json is written last, by renaming. A real program that died during the run is
    // an error, too, and the reason is in run.json. Idempotent.
    virtual Result<void> finish() = 0;
};

// Runs a topology's flows and actions for its duration, as `gatelab run` does.
Result<void> run_to_end(Scenario&, Duration);

}  // namespace gatelab::sim
